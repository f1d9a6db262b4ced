package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
)

// The queries that docs/sql.md gives for the numbers of the report count what
// the report counts.
func TestDocumentedQueriesCountAsTheReport(t *testing.T) {
	if pgtest.Serving() {
		t.Skip("the queries are written for SQLite")
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "sql.md"))
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| (.+?) \\| `(SELECT .+)` \\|$").FindAllStringSubmatch(string(text), -1) {
		queries[strings.ReplaceAll(m[1], "`", "")] = m[2]
	}
	if len(queries) < 10 {
		t.Fatalf("only %d queries were found", len(queries))
	}
	ctx := context.Background()
	c := &clock{epoch.Add(2 * time.Hour)}
	db := openTest(t, Options{Now: c.now})
	blocked := func(it *facts.Item) {
		r := &it.Result.Recipients[0]
		r.Fault, r.Class = r.Reason.Fault(), r.Reason.Class(bounce.Failed)
	}
	if _, _, err := db.Judge.RecordSent(ctx, sentRows(facts.Sent{MessageID: "m1", Recipient: "kate@example.com", At: epoch}, facts.Sent{MessageID: "m2", Recipient: "jane@example.com", At: epoch.AddDate(0, 0, -2)})); err != nil {
		t.Fatal(err)
	}
	complaint := func(it *facts.Item) {
		it.Result.Kind, it.Result.FeedbackType = bounce.KindComplaint, "abuse"
	}
	commit(t, db, failure(-1, "cross@example.com", bounce.Unclassified, complaint), failure(0, "angry@example.com", bounce.Unclassified, complaint), failure(-1, "old@example.com", bounce.UserUnknown), failure(0, "a@example.com", bounce.UserUnknown), failure(0, "b@example.net", bounce.UserUnknown),
		failure(0, "c@example.net", bounce.MailboxFull, blocked), failure(0, "d@example.com", bounce.ReputationIP, blocked))
	midnights := midnights(2)
	f, err := db.Reports.ReportFacts(ctx, midnights)
	if err != nil {
		t.Fatal(err)
	}
	from, to := sql.Named("from", midnights[1].UnixMilli()), sql.Named("to", midnights[2].UnixMilli())
	// run is what a query counts, by the words before the number.
	run := func(name string, words int) map[string]int {
		query, ok := queries[name]
		if !ok {
			t.Fatalf("docs/sql.md has no query for %s", name)
		}
		args := []any{}
		for _, end := range []sql.NamedArg{from, to} {
			if strings.Contains(query, ":"+end.Name) {
				args = append(args, end)
			}
		}
		rows, err := db.Read.QueryContext(ctx, query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer rows.Close()
		out := map[string]int{}
		for rows.Next() {
			n, by, into := 0, make([]string, words), []any{}
			for i := range by {
				into = append(into, &by[i])
			}
			if err := rows.Scan(append(into, &n)...); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[strings.Join(by, " ")] += n
		}
		return out
	}
	mails := 0
	for _, n := range f.Today.Kinds {
		mails += n
	}
	for _, x := range []struct {
		name string
		want int
	}{{"mails", mails}, {"added", f.Today.Added}, {"removed", f.Today.Removed}, {"suppressions in force, now", f.Today.InForce},
		{"unclear.unclassified", f.Today.Failed[bounce.Unclassified]}, {"unclear.unproven", f.Today.Unproven}, {"echo", f.Today.Failed[bounce.AlreadySuppressed]}, {"unclear.unparsed", f.Today.Kinds[bounce.KindUnparsed]}} {
		if got := run(x.name, 0)[""]; got != x.want {
			t.Errorf("%s: the query counts %d, the report %d", x.name, got, x.want)
		}
	}
	classes, streams := map[string]int{}, map[string]int{}
	for reason, n := range f.Today.Failed {
		classes[reason.Class(bounce.Failed).String()] += n
	}
	for _, c := range f.Today.Streams {
		word := c.Kind.String()
		if c.Kind == bounce.KindBounce {
			word = c.Reason.Class(bounce.Failed).String()
		}
		streams[c.Stream+" "+word] += c.N
	}
	found := run("by_stream", 2)
	for name, n := range found {
		if streams[name] != n {
			t.Errorf("by_stream: of %q the query counts %d, the report %d", name, n, streams[name])
		}
	}
	if len(found) != len(streams) {
		t.Errorf("by_stream: the query has %v, the report %v", found, streams)
	}
	all := func(name string) (sum int) {
		for _, n := range run(name, 1) {
			sum += n
		}
		return sum
	}
	r := f.Rates[0]
	if hard, complaints, sent := all("rates, hard"), all("rates, complaints"), all("rates, sent"); r.Sent == nil || hard != r.Hard || complaints != r.Complaints || sent != *r.Sent || complaints != 2 || sent != 2 {
		t.Errorf("rates: the queries count %d, %d of %d, the report %+v", hard, complaints, sent, r)
	}
	for class, n := range run("hard, soft, block", 1) {
		if classes[class] != n {
			t.Errorf("%s: the query counts %d, the report %d", class, n, classes[class])
		}
	}
	for kind, n := range run("complaint, unsubscribe, delay, auto_reply", 1) {
		var k bounce.Kind
		if err := k.UnmarshalText([]byte(kind)); err != nil || f.Today.Kinds[k] != n {
			t.Errorf("%s: the query counts %d, the report %d", kind, n, f.Today.Kinds[k])
		}
	}
	if mails == 0 || f.Today.Added == 0 || classes["hard"] == 0 {
		t.Error("nothing was there to count")
	}
}

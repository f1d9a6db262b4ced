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
	commit(t, db, failure(-1, "old@example.com", bounce.UserUnknown), failure(0, "a@example.com", bounce.UserUnknown), failure(0, "b@example.net", bounce.UserUnknown),
		failure(0, "c@example.net", bounce.MailboxFull, blocked), failure(0, "d@example.com", bounce.ReputationIP, blocked))
	midnights := midnights(2)
	f, err := db.Reports.ReportFacts(ctx, midnights)
	if err != nil {
		t.Fatal(err)
	}
	from, to := sql.Named("from", midnights[1].UnixMilli()), sql.Named("to", midnights[2].UnixMilli())
	run := func(name string, byName bool) map[string]int {
		query, ok := queries[name]
		if !ok {
			t.Fatalf("docs/sql.md has no query for %s", name)
		}
		args := []any{}
		if strings.Contains(query, ":from") {
			args = append(args, from, to)
		}
		rows, err := db.Read.QueryContext(ctx, query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer rows.Close()
		out := map[string]int{}
		for rows.Next() {
			var word string
			var n int
			into := []any{&n}
			if byName {
				into = []any{&word, &n}
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[word] += n
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
		if got := run(x.name, false)[""]; got != x.want {
			t.Errorf("%s: the query counts %d, the report %d", x.name, got, x.want)
		}
	}
	classes := map[string]int{}
	for reason, n := range f.Today.Failed {
		classes[reason.Class(bounce.Failed).String()] += n
	}
	for class, n := range run("hard, soft, block", true) {
		if classes[class] != n {
			t.Errorf("%s: the query counts %d, the report %d", class, n, classes[class])
		}
	}
	for kind, n := range run("complaint, unsubscribe, delay, auto_reply", true) {
		var k bounce.Kind
		if err := k.UnmarshalText([]byte(kind)); err != nil || f.Today.Kinds[k] != n {
			t.Errorf("%s: the query counts %d, the report %d", kind, n, f.Today.Kinds[k])
		}
	}
	if mails == 0 || f.Today.Added == 0 || classes["hard"] == 0 {
		t.Error("nothing was there to count")
	}
}

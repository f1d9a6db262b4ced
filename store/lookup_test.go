package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

func TestLookupAll(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	commit(t, db, failure(0, "Jane@example.net", bounce.UserUnknown), failure(1, "forgotten@example.net", bounce.UserUnknown),
		failure(2, "full@example.net", bounce.MailboxFull), failure(3, "karl#x@bücher.example", bounce.UserUnknown))
	commit(t, db, failure(4, "opted.out@example.com", bounce.Unclassified, func(it *facts.Item) {
		it.Result.Kind, it.Result.From, it.Result.Provenance.Verified = bounce.KindUnsubscribe, "opted.out@example.com", "example.com"
		it.Result.Recipients[0].Action = bounce.ActionNone
	}))
	if _, err := db.Upkeep.Forget(ctx, "forgotten@example.net", "ops"); err != nil {
		t.Fatal(err)
	}
	for _, o := range []policy.Override{
		{Act: policy.Add, Pattern: "@banned.example"}, {Act: policy.Allow, Pattern: "but@banned.example"},
	} {
		o.Reason, o.Author = "asked by phone", "ops"
		if _, err := db.Judge.Override(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	asked := []string{
		"jane@EXAMPLE.net", "nobody@example.net", "Forgotten@example.net", "full@example.net", "KARL#x@xn--bcher-kva.example",
		"opted.out@example.com", "anybody@banned.example", "but@banned.example", "jane@example.net", "no address", "",
	}
	want := []string{
		"user_unknown", "", "user_unknown", "", "user_unknown", "unsubscribe", "manual", "", "user_unknown", "", "",
	}
	got, err := db.List.LookupAll(ctx, asked, "")
	if err != nil || len(got) != len(asked) {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	for i, v := range got {
		reason := ""
		if len(v.Entries) > 0 {
			reason = v.Entries[0].Reason
		}
		if v.Address != asked[i] || reason != want[i] || v.Suppressed != (want[i] != "") {
			t.Errorf("%q: %+v, want %q", asked[i], v, want[i])
		}
		one, err := db.List.LookupAll(ctx, asked[i:i+1], "")
		if err != nil || fmt.Sprint(one[0]) != fmt.Sprint(v) {
			t.Errorf("%q alone: %+v, %v", asked[i], one, err)
		}
	}
	if _, err := db.List.LookupAll(ctx, make([]string, query.LookupBatch+1), ""); err == nil || !strings.Contains(err.Error(), "at most 10000") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkLookupAll asks for 10,000 of 400,000 addresses at once, of which one
// in four is on a list of 100,000.
func BenchmarkLookupAll(b *testing.B) {
	db := openTest(b, Options{})
	fillList(b, db, 100_000)
	asked := make([]string, query.LookupBatch)
	for i := range asked {
		asked[i] = listedAddress(i * 40)
	}
	for b.Loop() {
		if _, err := db.List.LookupAll(context.Background(), asked, ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(asked)*b.N)/b.Elapsed().Seconds(), "lookups/s")
}

func listedAddress(i int) string { return fmt.Sprintf("user%07d.surname@example%03d.com", i, i%977) }

// fillList puts every fourth of 4n addresses on the list, without the events
// behind them.
func fillList(tb testing.TB, db *DB, n int) {
	tb.Helper()
	_, err := db.Write.Exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 4 FROM n WHERE i < 4 * (? - 1)), a(i, address, domain) AS (
  SELECT i, 'user' || substr(CAST(10000000 + i AS TEXT), 2) || '.surname@' || d, d FROM (SELECT i, 'example' || substr(CAST(1000 + i % 977 AS TEXT), 2) || '.com' AS d FROM n) m)
INSERT INTO suppressions (key, source, scope, state, address, domain, kind, reason, class, since, last_seen, expires, count, line, proof, rule, rules, status, reply_code, remote_mta, diagnostic)
SELECT address, 'bounce', 'address', 'suppressed', address, domain, 'bounce', 'user_unknown', 'hard', 1772400000000, 1772400000000, 1935000000000, 1,
  'user_unknown: after 1', 'returned', 'gmail.no-such-user', 'r1', '5.1.1', 550, 'mx.example.com', '550-5.1.1 The email account that you tried to reach does not exist' FROM a`, n)
	if err != nil {
		tb.Fatal(err)
	}
	recount(tb, db)
}

// BenchmarkSuppressions reads a list of 200,000.
func BenchmarkSuppressions(b *testing.B) {
	db := openTest(b, Options{})
	fillList(b, db, 200_000)
	for b.Loop() {
		n := 0
		for _, err := range db.List.Suppressions(context.Background(), query.Filter{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 200_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkSuppressionsBrief reads of them what a file of addresses needs.
func BenchmarkSuppressionsBrief(b *testing.B) {
	db := openTest(b, Options{})
	fillList(b, db, 200_000)
	for b.Loop() {
		for _, err := range db.List.Suppressions(context.Background(), query.Filter{Brief: true}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A brief reading differs from a whole one in nothing but what it leaves out,
// and a whole one leaves nothing out.
func TestBriefSuppressions(t *testing.T) {
	db := openTest(t, Options{})
	fillList(t, db, 300)
	_, err := db.Write.Exec(`UPDATE suppressions SET address = 'Jane@Example.com', source = 'operator', kind = '', scope = 'stream', stream = 'news', reason = 'manual',
  class = 'none', expires = NULL, rule = '', status = ?, reply_code = 0 WHERE key = (SELECT min(key) FROM suppressions)`, "\x1fx")
	if err != nil {
		t.Fatal(err)
	}
	recount(t, db)
	collect := func(f query.Filter) (out []query.Suppression) {
		for s, err := range db.List.Suppressions(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return out
	}
	whole, brief := collect(query.Filter{}), collect(query.Filter{Brief: true})
	first, second := whole[0], whole[1]
	if first.Address != "Jane@Example.com" || first.Stream != "news" || first.Status != "\x1fx" || !first.Expires.IsZero() || first.Kind != bounce.KindNone {
		t.Errorf("%+v", first)
	}
	want := query.Suppression{
		Address: second.Key, Key: "user0000004.surname@example004.com", Domain: "example004.com", Source: "bounce", State: policy.Suppressed,
		Kind: bounce.KindBounce, Reason: "user_unknown", Class: bounce.ClassHard, Since: time.UnixMilli(1772400000000).UTC(), LastSeen: time.UnixMilli(1772400000000).UTC(),
		Expires: time.UnixMilli(1935000000000).UTC(), Count: 1, Line: "user_unknown: after 1", Proof: second.Proof, Rule: "gmail.no-such-user", RulePack: "r1",
		Status: "5.1.1", ReplyCode: 550, RemoteMTA: "mx.example.com", Diagnostic: "550-5.1.1 The email account that you tried to reach does not exist",
	}
	if second != want || second.Proof.String() != "returned" {
		t.Errorf("%+v\nwant %+v", second, want)
	}
	for i, s := range whole {
		if s = (query.Suppression{Address: s.Address, Key: s.Key, Source: s.Source, Scope: s.Scope, Class: s.Class, Reason: s.Reason, Status: s.Status}); s != brief[i] {
			t.Fatalf("%+v\nwant %+v", brief[i], s)
		}
	}
}

package store

import (
	"context"
	"harvester/store/query"
	"testing"
	"time"
)

// BenchmarkReportFacts gathers the facts of one day out of 14 with 27,000
// bounces each, the density of ten million in a year. What lies before the 14
// days costs nothing: every query is bounded by an index on the time.
func BenchmarkReportFacts(b *testing.B) {
	const days, daily = 14, 27_000
	ctx := context.Background()
	db := openTest(b, Options{})
	from := epoch.Truncate(24*time.Hour).AddDate(0, 0, 1-days).UnixMilli()
	for _, fill := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
 INSERT INTO messages (hash, at, harvested, size, kind) SELECT CAST(printf('%032d', i) AS BLOB), ?2 + i * ?3, 0, 4000, 'bounce' FROM n`,
		`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
 INSERT INTO events (message, idx, at, key, domain, address, kind, action, status, reply_code, reason, fault, class, vendor, rule, confidence, remote_mta, diagnostic, evidence, proof, operator)
 SELECT i + 1, 0, ?2 + i * ?3, 'user' || i || '@d' || (i % 997) || '.example', 'd' || (i % 997) || '.example', 'user' || i || '@d' || (i % 997) || '.example', 'bounce', 'failed',
  CASE WHEN i % 10 < 7 THEN '5.1.1' ELSE '5.7.1' END, 550, CASE WHEN i % 10 < 7 THEN 'user_unknown' ELSE 'reputation_ip' END, CASE WHEN i % 10 < 7 THEN 'recipient' ELSE 'sender' END,
  CASE WHEN i % 10 < 7 THEN 'hard' ELSE 'block' END, '', 'r', 'rule', 'mx.example.net', 'host mx.example.net[192.0.2.9] said: 550 queued as ' || hex(i) || ' no such user here, see the page for more (in reply to RCPT TO command)', 'no such user', 'returned', ''
 FROM n`,
	} {
		if _, err := db.Write.ExecContext(ctx, fill, days*daily, from, int64(24*time.Hour/time.Millisecond)/daily); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := db.Write.ExecContext(ctx, `INSERT INTO runs (kind, started, ended, ok) VALUES ('report', ?1, ?1, 1)`, epoch.AddDate(0, 0, -1).UnixMilli()); err != nil {
		b.Fatal(err)
	}
	var f query.ReportFacts
	for b.Loop() {
		var err error
		if f, err = db.Reports.ReportFacts(ctx, midnights(days)); err != nil {
			b.Fatal(err)
		}
	}
	if len(f.Before) != days-1 || len(f.Today.Refusals) == 0 {
		b.Fatalf("%d days before, %d refusals", len(f.Before), len(f.Today.Refusals))
	}
}

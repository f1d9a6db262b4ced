package web

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/schedule"
)

var (
	pastEvents = flag.Int("events", 20_000, "events of BenchmarkPages: a year of them")
	pastFolder = flag.String("history", "", "`folder` that keeps the database of BenchmarkPages for the next time")
)

// past fills a database with a year of failures: a fifth as many addresses as
// events, two thirds of which are on the list, and an incident each month.
func past(b *testing.B, set *compose.Set, events int) {
	b.Helper()
	var n int
	if err := set.DB.Read.QueryRow(`SELECT ifnull(max(id), 0) FROM events`).Scan(&n); err != nil || n == events {
		if err != nil {
			b.Fatal(err)
		}
		return
	}
	defer without(b, set)()
	const year = 365 * 24 * time.Hour
	step := int64(year/time.Millisecond) / int64(events)
	from := time.Now().Add(-year).UnixMilli()
	const rows = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1), r(i, at, who, d) AS (SELECT i, ?2 + i * ?3, (i * 7919) % (?1 / 5), (i * 7919) % 997 FROM n) `
	const key = `'user' || who || '@d' || d || '.example'`
	for _, fill := range []string{
		`INSERT INTO messages (hash, at, harvested, size, kind, original_from) SELECT CAST(printf('%032d', i) AS BLOB), at, at, 4000, 'bounce', 'news@example.org' FROM r`,
		// Ten in a hundred are the fault of the sender, in the first three days of a month.
		`INSERT INTO events (message, idx, at, key, domain, address, kind, action, status, reply_code, reason, fault, class, rule, confidence, remote_mta, diagnostic, proof, operator, stream, cause)
 SELECT i + 1, 0, at, ` + key + `, 'd' || d || '.example', ` + key + `, 'bounce', 'failed', '5.1.1', 550,
  CASE WHEN ours THEN 'auth_spf' WHEN i % 10 < 7 THEN 'user_unknown' ELSE 'mailbox_full' END, CASE WHEN ours THEN 'sender' ELSE 'recipient' END,
  CASE WHEN ours THEN 'block' WHEN i % 10 < 7 THEN 'hard' ELSE 'soft' END, 'r', 'rule', 'mx.example.net', '550 5.1.1 no such user ' || i, 'returned',
  CASE d % 5 WHEN 0 THEN 'google' WHEN 1 THEN 'microsoft' WHEN 2 THEN 'yahoo' ELSE '' END, CASE i % 3 WHEN 0 THEN 'news' WHEN 1 THEN 'receipts' ELSE '' END,
  CASE WHEN ours THEN 'spf:example.org' ELSE '' END
 FROM (SELECT *, at / 86400000 % 30 < 3 AND i % 10 = 9 AS ours FROM r)`,
	} {
		if _, err := set.DB.Write.Exec(rows+fill, events, from, step); err != nil {
			b.Fatal(err)
		}
	}
	for _, fill := range []string{
		`INSERT INTO suppressions (key, source, scope, state, address, domain, kind, reason, class, since, last_seen, expires, count, line, proof, rule, status, reply_code, diagnostic, event)
 SELECT key, 'bounce', 'address', 'suppressed', address, domain, 'bounce', 'user_unknown', 'hard', min(at), max(at), max(at) + 63072000000, count(*), 'user_unknown: after 1', 'returned', 'r', '5.1.1', 550, diagnostic, min(id)
 FROM events WHERE reason = 'user_unknown' GROUP BY key`,
		`INSERT INTO changes (at, op, key, address, domain, source, reason, class) SELECT since, 'add', key, address, domain, 'bounce', reason, class FROM suppressions ORDER BY since`,
		`INSERT INTO standing SELECT source, state, class, count(*) FROM suppressions GROUP BY source, state, class`,
	} {
		if _, err := set.DB.Write.Exec(fill); err != nil {
			b.Fatal(err)
		}
	}
}

// without drops the indexes, and returns what makes them anew: rows in the order
// of one would lie anywhere in the others.
func without(b *testing.B, set *compose.Set) (again func()) {
	b.Helper()
	do := func(query string) {
		if _, err := set.DB.Write.Exec(query); err != nil {
			b.Fatal(err)
		}
	}
	do(`PRAGMA cache_size = -500000`)
	rows, err := set.DB.Write.Query(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('messages', 'events', 'suppressions', 'changes')`)
	if err != nil {
		b.Fatal(err)
	}
	defs := map[string]string{}
	for rows.Next() {
		var name, def string
		if err := rows.Scan(&name, &def); err != nil {
			b.Fatal(err)
		}
		defs[name] = def
	}
	if rows.Err() != nil || rows.Close() != nil {
		b.Fatal(rows.Err())
	}
	for name := range defs {
		do(`DROP INDEX ` + name)
	}
	return func() {
		for _, def := range defs {
			do(def)
		}
		do(`ANALYZE`)
		do(`PRAGMA cache_size = -4096`)
	}
}

// BenchmarkPages asks for each page that a large database could make slow, and
// beside it for the rows that it shows with one plain SELECT.
//
//	go test ./cmd/harvester/web -run '^$' -bench Pages -benchtime 20x -args -events 3000000 -history /tmp/past
func BenchmarkPages(b *testing.B) {
	dir := *pastFolder
	if dir == "" {
		dir = b.TempDir()
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	set, err := openSet(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	past(b, set, *pastEvents)
	if info, err := os.Stat(filepath.Join(dir, "h.db")); err == nil {
		b.Logf("%d MB", info.Size()>>20)
	}
	fresh := func(warm bool) *httptest.Server {
		h, err := New(Options{Token: token, Set: set, Alive: func() error { return nil }, Log: slog.New(slog.DiscardHandler), States: func() []schedule.State { return nil }})
		if err != nil {
			b.Fatal(err)
		}
		if warm {
			h.Warm(context.Background())
		}
		s := httptest.NewServer(h)
		b.Cleanup(s.Close)
		return s
	}
	server := fresh(true)
	get := func(b *testing.B, s *httptest.Server, path string) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := s.Client().Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(path, res.Status, err, string(text[:min(len(text), 200)]))
		}
	}
	plain := func(b *testing.B, query string, args ...any) time.Duration {
		begun := time.Now()
		rows, err := set.DB.Read.Query(query, args...)
		if err != nil {
			b.Fatal(err)
		}
		columns, err := rows.Columns()
		into := make([]any, len(columns))
		for i := range into {
			into[i] = new(any)
		}
		for err == nil && rows.Next() {
			err = rows.Scan(into...)
		}
		if err != nil || rows.Err() != nil || rows.Close() != nil {
			b.Fatal(err)
		}
		return time.Since(begun)
	}
	for name, warm := range map[string]bool{"overview first": true, "overview first, not counted": false} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := fresh(warm)
				b.StartTimer()
				get(b, s, "/")
			}
		})
	}
	day := func(ago int) string { return time.Now().AddDate(0, 0, -ago).Format(time.DateOnly) }
	millis := func(ago int) string { return fmt.Sprint(time.Now().AddDate(0, 0, -ago).UnixMilli()) }
	const list, event = `SELECT * FROM suppressions WHERE `, `SELECT * FROM events WHERE `
	for _, x := range []struct{ name, path, plain string }{
		{"overview", "/", ""},
		{"overview 90 days", "/?days=90", ""},
		{"list", "/list", list + `key > '' ORDER BY key LIMIT 50`},
		{"list by domain", "/list?domain=d500.example", list + `domain = 'd500.example' ORDER BY key LIMIT 50`},
		{"list by part", "part:user77", list + `instr(key, 'user77') > 0 ORDER BY key LIMIT 50`},
		{"list by rare part", "part:user123@", list + `instr(key, 'user123@') > 0 ORDER BY key LIMIT 50`},
		{"list by no part", "part:nobodyatall", list + `instr(key, 'nobodyatall') > 0 ORDER BY key LIMIT 50`},
		{"list by reason", "/list?reason=user_unknown", list + `reason = 'user_unknown' ORDER BY key LIMIT 50`},
		{"list by rare reason", "/list?reason=complaint", list + `reason = 'complaint' ORDER BY key LIMIT 50`},
		{"list since", "/list?since=" + day(2), list + `key IN (SELECT key FROM changes WHERE at >= ` + millis(2) + `) ORDER BY key LIMIT 50`},
		{"list by stream", "/list?stream=news", list + `stream IN ('', 'news') ORDER BY key LIMIT 50`},
		{"list held", "/list?state=held", list + `state = 'held' ORDER BY key LIMIT 50`},
		{"events", "/events", event + `at > 0 ORDER BY at DESC LIMIT 50`},
		{"events of half a year ago", "/events?below=" + millis(180) + ".9999999", event + `at <= ` + millis(180) + ` ORDER BY at DESC LIMIT 50`},
		{"events of a reason", "/events?reason=auth_spf", event + `reason = 'auth_spf' AND at > 0 ORDER BY at DESC LIMIT 50`},
		{"receiver", "/receiver?name=google", event + `at >= ` + millis(14) + ` AND operator = 'google'`},
		{"receiver 90 days", "/receiver?name=google&days=90", event + `at >= ` + millis(90) + ` AND operator = 'google'`},
		{"reason", "/reason?name=mailbox_full", event + `at >= ` + millis(14) + ` AND reason = 'mailbox_full'`},
		{"stream", "/stream?name=news", event + `at >= ` + millis(14) + ` AND stream = 'news'`},
		{"failures", "/failures", event + `at >= ` + millis(14)},
		{"incident", "/incident?id=spf:example.org", ""},
	} {
		if part, ok := strings.CutPrefix(x.path, "part:"); ok {
			x.path = "/list?part=" + newSealer(token).seal(part)
		}
		b.Run(x.name, func(b *testing.B) {
			get(b, server, x.path)
			var beside time.Duration
			for b.Loop() {
				get(b, server, x.path)
				if x.plain != "" {
					b.StopTimer()
					beside += plain(b, x.plain)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/page")
			if x.plain != "" {
				b.ReportMetric(float64(beside.Microseconds())/float64(b.N)/1000, "ms/select")
			}
		})
	}
}

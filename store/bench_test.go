package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
)

// BenchmarkCommit stores batches of 1,000 messages, each naming one recipient
// that nobody named before.
func BenchmarkCommit(b *testing.B) {
	db := openTest(b, Options{})
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF, bounce.UserUnknown, bounce.ContentSpam}
	const size = 1000
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		var batch facts.Batch
		for range size {
			it := failure(n%20, fmt.Sprintf("user%d@d%d.example.net", n, n%500), reasons[n%len(reasons)])
			it.Message.UID = uint32(n + 1)
			it.Message.Received = epoch.AddDate(0, 0, n%20)
			batch.Items = append(batch.Items, it)
			n++
		}
		b.StartTimer()
		if _, err := db.Judge.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkExplain explains one of 500 addresses with ten events each.
func BenchmarkExplain(b *testing.B) {
	db := openAt(b, filepath.Join(b.TempDir(), "x.db"), Options{})
	var batch facts.Batch
	for n := range 5000 {
		it := failure(n/500*2, fmt.Sprintf("user%d@d%d.example.net", n%500, n%50), bounce.MailboxFull)
		it.Message.UID = uint32(n + 1)
		batch.Items = append(batch.Items, it)
	}
	if _, err := db.Judge.Commit(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if x, err := db.List.Explain(context.Background(), "user7@d7.example.net", nil); err != nil || len(x.Events) != 10 {
			b.Fatal(err, len(x.Events))
		}
	}
}

// events is how many events the history of BenchmarkHistory has.
var events = flag.Int("events", 100_000, "events of BenchmarkHistory")

// pastNotice is the n-th notice of a history of size events: five for each address,
// over a month.
func pastNotice(n, size int) facts.Item {
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF, bounce.MailboxDisabled, bounce.ContentSpam}
	it := failure(n*30/size, fmt.Sprintf("user%d@d%d.example", n%(size/5), n%5000), reasons[n%len(reasons)])
	it.Message.UID, it.Message.Raw = uint32(n+1), fmt.Appendf(nil, "message %d", n)
	it.Result.Recipients[0].RemoteMTA = ""
	return it
}

// multiply copies the stored history until there are times as many events, of
// as many more addresses: five events each, a month long.
func multiply(b testing.TB, db *DB, times int) {
	b.Helper()
	columns := func(table string, change map[string]string) (names, values string) {
		rows, err := db.Write.Query(`SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			b.Fatal(err)
		}
		var n, v []string
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			value := "t." + name
			if change[name] != "" {
				value = change[name]
			}
			n, v = append(n, name), append(v, value)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		return strings.Join(n, ", "), strings.Join(v, ", ")
	}
	// Copy c makes of user7@d7.example, whose five events stand for five copies
	// of it, user7-C@d7.example: a fifth as many addresses as events.
	const who = `replace(t.%s, '@', '-' || (c.value / 5) || '@')`
	// Each fifth comes an hour later: all at once they would be a burst.
	const month = ` + c.value % 5 * 6 * 86400000 + c.value / 5 * 3600000`
	mn, mv := columns("messages", map[string]string{"id": "c.value * 1000000 + t.id", "hash": "randomblob(32)", "at": "t.at" + month,
		"original_to": fmt.Sprintf(who, "original_to"), "original_message_id": "c.value || t.original_message_id"})
	en, ev := columns("events", map[string]string{"id": "c.value * 1000000 + t.id", "message": "c.value * 1000000 + t.message", "at": "t.at" + month,
		"key": fmt.Sprintf(who, "key"), "address": fmt.Sprintf(who, "address"), "original_message_id": "c.value || t.original_message_id"})
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO messages (%s) SELECT %s FROM generate c, messages t`, mn, mv),
		fmt.Sprintf(`INSERT INTO events (%s) SELECT %s FROM generate c, events t`, en, ev),
	} {
		if _, err := db.Write.Exec(fmt.Sprintf(`WITH RECURSIVE generate (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < %d) `, times-1) + q); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := db.Judge.Recompute(context.Background(), judge.Scenario{}, "bench", "", judge.Reach{Events: true}); err != nil {
		b.Fatal(err)
	}
	var n int
	if err := db.Read.QueryRow(`SELECT count(*) FROM events`).Scan(&n); err != nil || n != 1000*times {
		b.Fatal(n, err)
	}
}

// BenchmarkHistory works on a database with a long history: deciding all of it
// anew, by the policy alone or with each event judged anew, comparing it with
// the list, taking in more, and explaining one address.
func BenchmarkHistory(b *testing.B) {
	ctx := context.Background()
	db := openTest(b, Options{})
	size, next := *events, 0
	take := func(n int) {
		var batch facts.Batch
		for range n {
			batch.Items = append(batch.Items, pastNotice(next, size))
			next++
		}
		if _, err := db.Judge.Commit(ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
	take(1000)
	multiply(b, db, size/1000)
	next = size
	var used time.Duration
	perEvent := func(b *testing.B, n int) {
		b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(n), "cpu-µs/event")
	}
	for _, how := range []struct {
		name   string
		events bool
	}{{"policy", false}, {"judge", true}} {
		b.Run(how.name, func(b *testing.B) {
			used = cpuTime()
			for b.Loop() {
				if _, err := db.Judge.Recompute(ctx, judge.Scenario{}, "bench", "", judge.Reach{Events: how.events}); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, size*b.N)
		})
	}
	b.Run("replay", func(b *testing.B) {
		used = cpuTime()
		for b.Loop() {
			if d, err := db.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) != 0 {
				b.Fatalf("%d changes, such as %+v (%v)", len(d.Changes), d.Changes[:min(3, len(d.Changes))], err)
			}
		}
		perEvent(b, size*b.N)
	})
	b.Run("more", func(b *testing.B) {
		used = cpuTime()
		for b.Loop() {
			take(1000)
		}
		perEvent(b, 1000*b.N)
	})
	b.Run("explain", func(b *testing.B) {
		used = cpuTime()
		n := 0
		for b.Loop() {
			n++
			address := pastNotice(n*79%1000, size).Result.Recipients[0].Recipient
			address = strings.Replace(address, "@", fmt.Sprintf("-%d@", n*7919%(size/5000)), 1)
			if x, err := db.List.Explain(ctx, address, nil); err != nil || len(x.Events) < 4 {
				b.Fatal(err, len(x.Events))
			}
		}
		b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(n), "cpu-µs/op")
	})
}

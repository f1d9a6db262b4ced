package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// image is the list as bytes.
func image(t testing.TB, db *DB) string {
	t.Helper()
	b, err := json.MarshalIndent(listed(t, db, query.Filter{Held: true}), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drawItems makes up a history: few addresses, many reasons, copies of a
// message at other places and further notices for one mail.
func drawItems(t *rapid.T) []facts.Item {
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.MailboxDisabled, bounce.Expired, bounce.AuthSPF, bounce.SenderBlocked, bounce.DomainUnknown}
	n := rapid.IntRange(1, 25).Draw(t, "messages")
	var items []facts.Item
	for i := range n {
		to := rapid.SampledFrom([]string{"a@example.net", "A@Example.NET", "b@example.net", "c@example.com"}).Draw(t, "to")
		it := failure(rapid.IntRange(0, 40).Draw(t, "day"), to, rapid.SampledFrom(reasons).Draw(t, "reason"))
		it.Message.UID = uint32(i + 1)
		it.Message.Raw = append(it.Message.Raw, byte(rapid.IntRange(0, 1).Draw(t, "variant")))
		r := &it.Result.Recipients[0]
		r.Confidence = rapid.SampledFrom([]bounce.Confidence{bounce.ByCode, bounce.ByRule}).Draw(t, "confidence")
		switch rapid.IntRange(0, 9).Draw(t, "twist") {
		case 0:
			it.Result.Kind, r.Action = bounce.KindDelivered, bounce.Delivered
			it.Result.Provenance.Host = "mx.example.org"
		case 1:
			it.Result.Original.From = "stranger@example.com"
		case 2:
			it.Result.Recipients = append(it.Result.Recipients, *r)
		case 3:
			it.Result.Kind, r.Action = bounce.KindComplaint, bounce.ActionNone
		case 4, 5:
			r.Reason, r.Fault, r.Class = bounce.UserUnknown, bounce.UserUnknown.Fault(), bounce.UserUnknown.Class(bounce.Failed)
			r.Rule, r.Status, r.Confidence = "microsoft.directory-edge", "5.4.1", bounce.ByRule
		}
		// The same bytes say the same thing.
		raw, err := json.Marshal(it.Result)
		if err != nil {
			t.Fatal(err)
		}
		it.Message.Raw = append(raw, it.Message.Raw[len(it.Message.Raw)-1])
		items = append(items, it)
		if rapid.IntRange(0, 4).Draw(t, "copy") == 0 {
			it.Message.Folder = "Copies"
			it.Message.Received = it.Message.Received.AddDate(0, 0, rapid.IntRange(-3, 3).Draw(t, "shift"))
			items = append(items, it)
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "bursts") {
		day, reason := rapid.IntRange(0, 40).Draw(t, "day"), rapid.SampledFrom([]bounce.Reason{bounce.UserUnknown, bounce.DomainUnknown}).Draw(t, "reason")
		outside := rapid.Bool().Draw(t, "outside")
		for i := range rapid.IntRange(8, 24).Draw(t, "size") {
			it := failure(day, fmt.Sprintf("%c@d%d.example.com", 'a'+i, i%7), reason)
			it.Result.Provenance.Outside = outside
			it.Message.UID = uint32(1000*(day+1) + 30*int(reason) + i)
			items = append(items, it)
		}
	}
	return items
}

// drawActs makes up what an operator did, one act a day once all had come in.
func drawActs(t *rapid.T) []policy.Override {
	var acts []policy.Override
	for range rapid.IntRange(0, 4).Draw(t, "acts") {
		acts = append(acts, policy.Override{
			Act:     rapid.SampledFrom([]policy.Act{policy.Add, policy.Remove, policy.Allow}).Draw(t, "act"),
			Pattern: rapid.SampledFrom([]string{"a@example.net", "b@example.net", "@example.net", "@*.example.com", "c@example.com"}).Draw(t, "pattern"),
			Reason:  "a test", Author: "ops",
		})
		if n := len(acts); n > 1 && acts[n-2].Act != policy.Undo && rapid.IntRange(0, 3).Draw(t, "undo") == 0 {
			acts[n-1] = policy.Override{Act: policy.Undo, Target: int64(n - 1), Reason: "a test", Author: "ops"}
		}
	}
	return acts
}

// Any order, any split into batches, repetitions and aborted commits of the
// same messages, before, between and after what the operator did, give the
// same list, byte for byte.
func TestFoldProperty(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	n := 0
	begin := epoch.AddDate(0, 0, 50) // the last message came in before
	rapid.Check(t, func(rt *rapid.T) {
		items, acts := drawItems(rt), drawActs(rt)
		n++
		open := func(name string) (*DB, *clock) {
			c := &clock{begin}
			return openAt(t, filepath.Join(dir, fmt.Sprintf("%d-%s.db", n, name)), Options{Now: c.now}), c
		}
		act := func(db *DB, c *clock, i int) {
			c.t = begin.AddDate(0, 0, i+1)
			if _, err := db.Judge.Override(ctx, acts[i]); err != nil {
				rt.Fatal(err)
			}
		}
		end := func(db *DB, c *clock) string {
			c.t = begin.AddDate(0, 0, 10)
			if _, err := db.Judge.Refresh(ctx); err != nil {
				rt.Fatal(err)
			}
			return image(t, db)
		}
		straight, c := open("straight")
		commit(t, straight, items...)
		for i := range acts {
			act(straight, c, i)
		}
		want := end(straight, c)

		shuffled, c := open("shuffled")
		done := 0
		rest := rapid.Permutation(items).Draw(rt, "order")
		for len(rest) > 0 {
			if done < len(acts) && rapid.Bool().Draw(rt, "act now") {
				act(shuffled, c, done)
				done++
			}
			k := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			if rapid.Bool().Draw(rt, "crash") {
				crash(t, shuffled, rest[:k])
			}
			commit(t, shuffled, rest[:k]...)
			if rapid.Bool().Draw(rt, "again") {
				commit(t, shuffled, rest[:k]...)
			}
			rest = rest[k:]
		}
		for ; done < len(acts); done++ {
			act(shuffled, c, done)
		}
		if got := end(shuffled, c); got != want {
			rt.Errorf("shuffled:\n%s\nstraight:\n%s", got, want)
		}
		for _, db := range []*DB{straight, shuffled} {
			if got, want := storedBins(t, db), countedBins(t, db); !maps.Equal(got, want) {
				rt.Errorf("bins as they grew: %v, counted from the events: %v", got, want)
			}
		}
		straight.Close()
		shuffled.Close()
	})
}

// bin is one of the stored counts.
type bin struct {
	kind    policy.WindowKind
	subject string
	at      int64
}

func storedBins(t testing.TB, db *DB) map[bin]int {
	t.Helper()
	out := map[bin]int{}
	eachRow(t, db, `SELECT kind, subject, bin, n FROM bins WHERE n > 0`, func(rows *sql.Rows) error {
		var b bin
		var n int
		err := rows.Scan(&b.kind, &b.subject, &b.at, &n)
		out[b] = n
		return err
	})
	return out
}

// countedBins counts without SQL's help.
func countedBins(t testing.TB, db *DB) map[bin]int {
	t.Helper()
	members := map[bin]map[string]bool{}
	eachRow(t, db, `SELECT key, concern, operator, forgeable, at FROM events`, func(rows *sql.Rows) error {
		var x policy.Traits
		var at time.Time
		err := rows.Scan(&x.Key, &x.Concern, &x.Operator, &x.Forgeable, engine.When(&at))
		for _, c := range policy.Concentrations() {
			if b := (bin{c.Kind, x.Of(c.Subject), c.Bin(at)}); c.Counts(x) && b.subject != "" {
				if members[b] == nil {
					members[b] = map[string]bool{}
				}
				members[b][x.Of(c.Member)] = true
			}
		}
		return err
	})
	out := map[bin]int{}
	for b, m := range members {
		out[b] = len(m)
	}
	return out
}

func eachRow(t testing.TB, db *DB, text string, each func(*sql.Rows) error) {
	t.Helper()
	rows, err := db.Read.Query(text)
	if err == nil {
		err = engine.Each(rows, each)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// crash runs a commit that ends before its transaction does.
func crash(t testing.TB, db *DB, items []facts.Item) {
	t.Helper()
	gone := errors.New("gone")
	err := facts.Write(context.Background(), db.DB, db.Judge.Ours, "crashing", func(w *facts.Writing) error {
		if err := w.Store(context.Background(), facts.Batch{Items: items}); err != nil {
			return err
		}
		return gone
	})
	if !errors.Is(err, gone) {
		t.Fatal(err)
	}
}

// A thousand forged notices, for addresses that were mailed and that were not,
// leave the list as it was. Each is stored and can be explained.
func TestForgedNoticesChangeNothing(t *testing.T) {
	db := openTest(t, Options{})
	commit(t, db, failure(0, "dead@example.net", bounce.UserUnknown), failure(1, "full@example.net", bounce.MailboxFull))
	before := image(t, db)
	var forged []facts.Item
	for n := range 1000 {
		to := fmt.Sprintf("never%d@example.com", n)
		if n%2 == 0 {
			to = "full@example.net"
		}
		it := failure(n%60, to, []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.MailboxDisabled}[n%3])
		it.Message.UID = uint32(n + 100)
		it.Message.Raw = fmt.Appendf(nil, "forged %d", n)
		o := &it.Result.Original
		switch n % 5 {
		case 0: // nothing enclosed
			*o = parse.Original{}
		case 1: // somebody else's mail
			o.From = "spammer@example.com"
		case 2: // ours, but to another
			o.To = "other@example.com"
		case 3: // a look-alike of our domain
			o.From = "news@example.org.example.com"
		case 4: // our name as display name only
			o.From = `"news@example.org" <x@example.com>`
		}
		forged = append(forged, it)
	}
	if out := commit(t, db, forged...); out.Events != 1000 || out.Added+out.Held+out.Removed != 0 {
		t.Fatalf("forged notices had an effect: %+v", out)
	}
	if after := image(t, db); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	x, err := db.List.Explain(context.Background(), "full@example.net", nil)
	if err != nil || len(x.Events) != 501 || x.State != policy.Clear {
		t.Fatalf("explain: %d events, %v, %v", len(x.Events), x.State, err)
	}
}

// A process killed in the middle of its commits leaves a database that the
// same work brings to the same content.
func TestKilledInTheMiddle(t *testing.T) {
	if path := os.Getenv("STORE_TEST_VICTIM"); path != "" {
		db := openAt(t, path, Options{Owner: "victim"})
		for {
			for _, b := range batches() {
				if _, err := db.Judge.Commit(context.Background(), b); err != nil {
					t.Fatal(err)
				}
				fmt.Println("committed")
			}
			t.Fatal("nobody killed it in time")
		}
	}
	want := openTest(t, Options{})
	for _, b := range batches() {
		commit(t, want, b.Items...)
	}
	for _, after := range []int{0, 1, 3} {
		path := pgtest.At(t, filepath.Join(t.TempDir(), "killed.db"))
		killAfter(t, path, after)
		db := openAfter(t, path)
		for _, b := range batches() {
			commit(t, db, b.Items...)
		}
		if got, want := image(t, db), image(t, want); got != want {
			t.Errorf("killed after %d commits:\n%s\nwant\n%s", after, got, want)
		}
		got, err := db.Reports.Status(context.Background())
		if err != nil || got.Messages != 2000 || got.Events != 2000 {
			t.Errorf("killed after %d commits: %d messages, %d events, %v", after, got.Messages, got.Events, err)
		}
		if err := db.Intact(t.Context()); err != nil && !errors.Is(err, engine.ErrOwnTools) {
			t.Errorf("integrity: %v", err)
		}
		if doubts, err := db.Upkeep.Doubts(t.Context()); err != nil || len(doubts) > 0 {
			t.Errorf("killed after %d commits: %v %v", after, doubts, err)
		}
	}
}

// openAfter opens a database whose daemon was killed: a server takes a moment to
// see that it is gone.
func openAfter(t *testing.T, path string) *DB {
	t.Helper()
	for {
		db, err := Open(t.Context(), path, Options{Owner: "successor"})
		if err == nil {
			err = db.Close()
		}
		if err == nil {
			return openAt(t, path, Options{Owner: "successor"})
		}
		if !errors.Is(err, engine.ErrInUse) || !pgtest.Serving() {
			t.Fatal(err)
		}
	}
}

func batches() []facts.Batch {
	var out []facts.Batch
	for i := range 10 {
		var b facts.Batch
		for j := range 200 {
			n := i*200 + j
			it := failure(n%30, fmt.Sprintf("user%d@example.net", n%700), []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF}[n%3])
			it.Message.UID = uint32(n + 1)
			it.Message.Raw = fmt.Appendf(nil, "message %d", n)
			b.Items = append(b.Items, it)
		}
		out = append(out, b)
	}
	return out
}

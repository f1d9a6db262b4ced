package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse/bounce"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// mostTrips is how many round trips a commit of 100 mails takes at most.
const mostTrips = 15

// A batch of 100 mails takes few round trips, whatever is in it and whatever
// stands in the database: each of them costs more than a row.
func TestRoundTripsOnServer(t *testing.T) {
	s := pgtest.Start(t)
	proxy := s.Proxy(t)
	url := proxy.URL(s.Database(t))
	leader := openServer(t, url, Options{})
	worker := workerOn(t, url, "w")
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF, bounce.RateLimited, bounce.Unclassified}
	uid := 0
	batch := func(from int, each func(n int, it *facts.Item)) (b facts.Batch) {
		for n := range 100 {
			uid++
			it := failure(uid, fmt.Sprintf("u%d@d%d.example", from+n, n%37), reasons[n%len(reasons)])
			it.Message.Received = epoch.Add(time.Duration(uid) * 7 * time.Minute)
			it.Result.Original.MessageID = fmt.Sprintf("<%d@example.org>", from+n)
			if each != nil {
				each(n, &it)
			}
			b.Items = append(b.Items, it)
		}
		b.Cursor = harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: uint32(uid)}
		return b
	}
	ctx := t.Context()
	handIn := func(b facts.Batch) func() error {
		return func() error { _, err := worker.Judge.Commit(ctx, b); return err }
	}
	commit := func(b facts.Batch) func() error {
		return func() error { _, err := leader.Judge.Commit(ctx, b); return err }
	}
	take := func() error { _, err := leader.Judge.TakeArrivals(ctx); return err }
	if err := errors.Join(commit(batch(0, nil))(), commit(batch(500, nil))()); err != nil {
		t.Fatal(err)
	}
	// What costs questions: a ledger, forgotten ones, acts on domains, a guard.
	ledger := func(yield func(facts.Sent, error) bool) {
		for n := range 2000 {
			if !yield(facts.Sent{MessageID: fmt.Sprintf("<%d@example.org>", n), Recipient: fmt.Sprintf("u%d@d%d.example", n, n%100%37), At: epoch}, nil) {
				return
			}
		}
	}
	_, _, recorded := leader.Judge.RecordSent(ctx, ledger)
	_, forgot := leader.Upkeep.Forget(ctx, "u501@d1.example", "ops")
	_, allowed := leader.Judge.Override(ctx, policy.Override{Act: policy.Allow, Pattern: "@d3.example", Reason: "r", Author: "ops"})
	pgtest.Exec(t, url, `INSERT INTO exports (name, profile, path, generation, at, rows, bytes, sha256, state) VALUES ('x', 'email', 'x', 1, 0, 0, 0, '', 'published')`)
	if err := errors.Join(recorded, forgot, allowed); err != nil {
		t.Fatal(err)
	}
	for round := range 2 { // what is new is prepared in the first
		from := 500 + 500*round
		fresh := batch(from, nil)
		again := func(earlier time.Duration) facts.Batch {
			return batch(from, func(n int, it *facts.Item) {
				it.Message.Raw, it.Message.Hash = fresh.Items[n].Message.Raw, fresh.Items[n].Message.Hash
				it.Message.Received = fresh.Items[n].Message.Received.Add(-earlier)
			})
		}
		for _, c := range []struct {
			name string
			does func() error
		}{
			{"new mail", commit(fresh)},
			{"the same at another place", commit(again(0))},
			{"the same at another place, earlier", commit(again(50 * time.Hour))},
			{"mail about addresses that are known", commit(batch(0, nil))},
			{"late mail", commit(batch(from+100, func(n int, it *facts.Item) { it.Message.Received = epoch.Add(-time.Duration(n) * time.Hour) }))},
			{"deliveries", commit(batch(from, func(_ int, it *facts.Item) {
				it.Result.Recipients[0].Action, it.Result.Recipients[0].Reason = bounce.Delivered, bounce.Unclassified
			}))},
			{"mail that could not be read before", commit(batch(from+200, func(_ int, it *facts.Item) { it.Message.Again = true }))},
			{"a burst", commit(batch(from+300, func(_ int, it *facts.Item) {
				*it = failure(uid, fmt.Sprintf("b%d@burst%d.example", uid, round), bounce.UserUnknown)
				it.Message.Received = epoch.AddDate(0, 0, 10+round)
			}))},
			{"handing in", handIn(batch(from+400, nil))},
			{"judging what was handed in", take},
		} {
			proxy.Trips()
			if err := c.does(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			trips := proxy.Trips()
			if round == 0 {
				continue
			}
			t.Logf("%s: %d round trips", c.name, len(trips))
			if len(trips) > mostTrips || len(trips) < 2 {
				t.Errorf("%s takes %d round trips:\n%s", c.name, len(trips), strings.Join(trips, "\n"))
			}
		}
	}
	if w := listed(t, leader, query.Filter{}); len(w) < 100 {
		t.Errorf("%d are on the list", len(w))
	}
}

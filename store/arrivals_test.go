package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/query"
)

// workerOn is a database as a worker among several uses it.
func workerOn(t *testing.T, url, name string) *DB {
	t.Helper()
	db := openServer(t, url, Options{Owner: name, Shared: true})
	db.Judge.Defers = name
	return db
}

func TestHandedIn(t *testing.T) {
	s := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"same list": handedInSame, "beside others": handedInBeside, "late commit": handedInLate, "set aside": handedInBad, "settled": handedInSettled, "forgotten": handedInForgotten,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// What two workers hand in comes to what one file comes to, byte for byte.
func handedInSame(t *testing.T, s *pgtest.Server) {
	file, url := openAt(t, t.TempDir()+"/h.db", Options{}), s.Database(t)
	workers := []*DB{workerOn(t, url, "a"), workerOn(t, url, "b")}
	leader := openServer(t, url, Options{})
	rare := s.Database(t)
	rarely := workerOn(t, rare, "c")
	var b facts.Batch
	n := 0
	store := func() {
		if _, err := file.Judge.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if out, err := workers[n/70%2].Judge.Commit(t.Context(), b); err != nil || out.Handed != len(b.Items) {
			t.Fatal(out, err)
		}
		if _, err := rarely.Judge.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		b.Items = nil
		if n == 70 {
			if p, err := leader.Mailboxes.Pending(t.Context()); err != nil || p.Mails != n || p.Arrivals != 1 || p.Lag() > time.Hour {
				t.Errorf("%+v %v", p, err)
			}
		}
		if _, err := leader.Judge.TakeArrivals(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	err := fs.WalkDir(fixtures.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		n++
		b.Items = append(b.Items, facts.Item{Result: parse.Parse(raw, nil), Message: harvest.Message{
			Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uint32(n)}, Raw: raw, Received: epoch.Add(time.Duration(n) * 13 * time.Minute)}})
		b.Cursor = harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: uint32(n)}
		if len(b.Items) == 70 {
			store()
		}
		return err
	})
	store()
	if err != nil || n < 500 {
		t.Fatalf("%d mails: %v", n, err)
	}
	cursors, err := workers[0].Mailboxes.Cursors(t.Context(), "bounces")
	if err != nil || cursors["INBOX"].LastUID != uint32(n) {
		t.Errorf("%+v %v", cursors, err)
	}
	compare(t, file, leader)
	// Taken all at once, the list is the same; its history has other steps.
	late := openServer(t, rare, Options{})
	if _, err := late.Judge.TakeArrivals(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := rows(t, leader), rows(t, late); !reflect.DeepEqual(a, b) || len(a) < 50 {
		t.Errorf("%d rows, and %d others", len(a), len(b))
	}
	if p, err := leader.Mailboxes.Pending(t.Context()); err != nil || p.Arrivals != 0 {
		t.Errorf("%+v %v", p, err)
	}
}

func rows(t *testing.T, db *DB) (out []query.Suppression) {
	t.Helper()
	for s, err := range db.List.Suppressions(t.Context(), query.Filter{Held: true}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func handIn(t *testing.T, db *DB, ns ...int) {
	t.Helper()
	var b facts.Batch
	for _, n := range ns {
		b.Items = append(b.Items, failure(n, fmt.Sprintf("u%d@example.net", n), bounce.UserUnknown))
	}
	if _, err := db.Judge.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// Workers don't wait for the leader's transaction, nor for each other's.
func handedInBeside(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	a, leader := workerOn(t, url, "a"), openServer(t, url, Options{})
	err := leader.Transact(t.Context(), "judging for long", func(*engine.Tx) error {
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				if _, err := a.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{failure(n, fmt.Sprintf("u%d@example.net", n), bounce.UserUnknown)}}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Messages != 20 || out.Added != 20 {
		t.Errorf("%+v %v", out, err)
	}
}

// A row that is committed after later ones were taken is taken all the same.
func handedInLate(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	a, b, leader := workerOn(t, url, "a"), workerOn(t, url, "b"), openServer(t, url, Options{})
	err := a.Beside(t.Context(), "a slow commit", func(tx *engine.Tx) error {
		if _, err := tx.Exec(`SELECT nextval(pg_get_serial_sequence('arrivals', 'id'))`); err != nil {
			return err
		}
		handIn(t, b, 2, 3)
		if _, err := leader.Judge.TakeArrivals(t.Context()); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO arrivals (id, at, worker, mailbox, mails, body) SELECT 1, 0, '', '', 1, body FROM arrivals WHERE false`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	handIn(t, a, 1)
	pgtest.Exec(t, url, `UPDATE arrivals SET id = 1`) // below those that were taken
	if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Messages != 1 {
		t.Errorf("%+v %v", out, err)
	}
	if got := listed(t, leader, query.Filter{}); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// What can't be read is set aside, holds nothing else up, and is tried again.
func handedInBad(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	a, leader := workerOn(t, url, "a"), openServer(t, url, Options{})
	for n := range 5 {
		handIn(t, a, n)
	}
	pgtest.Exec(t, url, `UPDATE arrivals SET body = body || '\x00' WHERE id = 2; UPDATE arrivals SET body = '\x00' WHERE id = 4`)
	pgtest.Exec(t, url, `CREATE TABLE good AS SELECT body FROM arrivals WHERE id = 1`)
	if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Messages < 3 {
		t.Fatalf("%+v %v", out, err)
	}
	p, err := leader.Mailboxes.Pending(t.Context())
	if err != nil || p.Troubles == 0 || p.Arrivals != p.Troubles || p.Trouble == "" {
		t.Fatalf("%+v %v", p, err)
	}
	pgtest.Exec(t, url, `UPDATE arrivals SET body = good.body FROM good; DROP TABLE good`)
	if err := leader.Judge.TryAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Known == 0 {
		t.Errorf("%+v %v", out, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := leader.Judge.TakeArrivals(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// What was settled is noted after the mail is, also where both wait.
func handedInSettled(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	a, leader := workerOn(t, url, "a"), openServer(t, url, Options{})
	it := failure(1, "a@example.net", bounce.UserUnknown)
	it.Disposition, it.Target = harvest.Move, "Done"
	if _, err := a.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{it}}); err != nil {
		t.Fatal(err)
	}
	left := func(want int) {
		t.Helper()
		if got, err := leader.Mailboxes.Unsettled(t.Context(), it.Message.Mailbox, time.Now()); err != nil || len(got) != want {
			t.Errorf("%v %v", got, err)
		}
	}
	if err := a.Judge.Settled(t.Context(), []harvest.Settlement{{Locator: it.Message.Locator, Disposition: harvest.Move, Target: "Done"}}); err != nil {
		t.Fatal(err)
	}
	left(0)
	if _, err := leader.Judge.TakeArrivals(t.Context()); err != nil {
		t.Fatal(err)
	}
	left(0)
	it = failure(2, "b@example.net", bounce.UserUnknown)
	it.Disposition, it.Target = harvest.Move, "Done"
	if _, err := a.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{it}}); err != nil {
		t.Fatal(err)
	}
	if _, err := leader.Judge.TakeArrivals(t.Context()); err != nil {
		t.Fatal(err)
	}
	left(1)
}

// Who is forgotten stands in nothing that waits either, and what is judged later
// names nobody.
func handedInForgotten(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	a, leader := workerOn(t, url, "a"), openServer(t, url, Options{})
	const secret = "Secret.Person@example.net"
	about := failure(1, secret, bounce.UserUnknown)
	quoted := failure(2, "b@example.net", bounce.UserUnknown)
	quoted.Result.Recipients[0].Diagnostic = "550 no <secret.person@EXAMPLE.net> here"
	unread := failure(3, "c@example.net", bounce.Unclassified)
	unread.Message.Raw = []byte("It is about secret.person@example.net, who left.")
	unread.Result.Kind, unread.Result.Recipients = bounce.KindUnparsed, nil
	other := failure(4, "d@example.net", bounce.UserUnknown)
	for _, b := range []facts.Batch{
		{Items: []facts.Item{about, other}}, {Items: []facts.Item{quoted, unread}},
		{Copies: []facts.Copy{{Message: other.Message, Copy: parse.Copy{Mail: parse.Original{MessageID: "<x@example.org>", To: secret}, Recipients: []string{secret, "e@example.net"}}}}},
	} {
		if _, err := a.Judge.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, `INSERT INTO arrivals (at, worker, mailbox, mails, body) VALUES (0, '', '', 1, '\x00')`)
	f, err := leader.Upkeep.Forget(t.Context(), secret, "ops")
	if err != nil || f.Messages != 4 || f.Unread != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	if again, err := leader.Upkeep.Forget(t.Context(), secret, "ops"); err != nil || again.Messages != 0 {
		t.Errorf("it is named after that: %+v %v", again, err)
	}
	if out, err := leader.Judge.TakeArrivals(t.Context()); err != nil || out.Messages != 4 {
		t.Errorf("%+v %v", out, err)
	}
	if got := listed(t, leader, query.Filter{}); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if text := strings.ToLower(shown(t, leader)); strings.Contains(text, "secret.person") {
		t.Errorf("it is named: %s", text)
	}
}

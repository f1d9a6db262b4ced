package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
)

// Every lease goes to one who can hold it, nobody has more than a share where
// others could take it, and who keeps still keeps what it has.
func TestAssign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	for range 3000 {
		var leases []string
		for i := range 1 + r.IntN(30) {
			leases = append(leases, OfMailbox(fmt.Sprint(i)))
		}
		uniform := r.IntN(2) == 0
		var workers []candidate
		for i := range 1 + r.IntN(6) {
			w := candidate{id: fmt.Sprint("w", i)}
			for _, l := range leases {
				if uniform || r.IntN(2) == 0 {
					w.wants = append(w.wants, l)
				}
			}
			workers = append(workers, w)
		}
		owners := map[string]string{}
		for _, l := range leases {
			if n := r.IntN(len(workers) + 2); n < len(workers) {
				owners[l] = workers[n].id
			} else if n == len(workers) {
				owners[l] = "dead"
			}
		}
		to := assign(workers, owners)
		has := map[string]int{}
		for l, id := range to {
			has[id]++
			w := workers[slices.IndexFunc(workers, func(w candidate) bool { return w.id == id })]
			if !slices.Contains(w.wants, l) {
				t.Fatalf("%s does not want %s", id, l)
			}
		}
		for _, l := range leases {
			wanted := slices.ContainsFunc(workers, func(w candidate) bool { return slices.Contains(w.wants, l) })
			if (to[l] != "") != wanted {
				t.Fatalf("%s goes to %q, wanted: %v", l, to[l], wanted)
			}
		}
		if uniform {
			share := (len(leases) + len(workers) - 1) / len(workers)
			for id, n := range has {
				if n > share {
					t.Fatalf("%s has %d of %d", id, n, len(leases))
				}
			}
		}
		was := to
		for round := 0; ; round++ {
			again := assign(workers, was)
			if maps.Equal(again, was) {
				break
			}
			if uniform || round > 30 {
				t.Fatalf("nothing changed, and %v becomes %v", was, again)
			}
			was = again
		}
	}
}

func open(t *testing.T, url string) *engine.DB {
	t.Helper()
	return openBy(t, url, nil)
}

// openBy opens a database by a program that knows these steps of the schema.
func openBy(t *testing.T, url string, steps fs.FS) *engine.DB {
	t.Helper()
	db, err := engine.Open(t.Context(), url, engine.Options{Owner: "test", Shared: true, Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

var mailboxes = []string{OfMailbox("a"), OfMailbox("b"), OfMailbox("c"), OfMailbox("d")}

func join(t *testing.T, db *engine.DB, name string, config map[string]string) *Member {
	t.Helper()
	m, err := Join(t.Context(), db, Options{Name: name, Lease: time.Hour, Wants: mailboxes, Config: config, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func beat(t *testing.T, all ...*Member) {
	t.Helper()
	for _, m := range all {
		if err := m.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// has are the leases that a member holds and need not give away.
func (m *Member) has() (out []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, t := range m.terms {
		if !t.giving {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func write(ctx context.Context, db *engine.DB) error {
	return db.Transact(ctx, "writing", func(t *engine.Tx) error {
		_, err := t.Exec(`INSERT INTO meta (name, value) VALUES ('x', 'y') ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
		return err
	})
}

func TestFleet(t *testing.T) {
	s := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"spread": spread, "fence": fenceHolds, "started again": startedAgain, "alone": aloneOrShared, "configurations": configurations, "upgrade": upgrade,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// A worker that was killed is missed until it is started again, and not after.
func startedAgain(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	one, two := open(t, url), open(t, url)
	join(t, one, "a", nil)
	beat(t, join(t, two, "b", nil))
	pgtest.Exec(t, url, `UPDATE workers SET until = until - 3600001, started = started - 1000 WHERE name = 'a'`) // a lease lasts an hour
	heard := func() (out []string) {
		workers, err := Fleet{two}.Workers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range workers {
			out = append(out, fmt.Sprint(w.Name, " ", w.Heard))
		}
		return out
	}
	if got := heard(); !slices.Equal(got, []string{"a false", "b true"}) {
		t.Errorf("killed: %q", got)
	}
	join(t, one, "a", nil)
	if got := heard(); !slices.Equal(got, []string{"a true", "b true"}) {
		t.Errorf("started again: %q", got)
	}
}

// Mailboxes spread when a worker comes, after what is in hand; they move when
// one leaves, and when one is heard no more.
func spread(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	one, two := open(t, url), open(t, url)
	a := join(t, one, "a", nil)
	if got := a.has(); len(got) != 5 {
		t.Fatalf("alone: %q", got)
	}
	// Contexts end a moment after what ends them.
	terms := map[string]context.Context{}
	ended := map[string]func(){}
	for _, l := range a.has() {
		var err error
		if terms[l], ended[l], err = a.Term(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	b := join(t, two, "b", nil)
	beat(t, a, b, a, b)
	a.mu.Lock()
	for name, term := range a.terms {
		if term.giving {
			<-terms[name].Done()
		}
	}
	a.mu.Unlock()
	if got := a.has(); len(got) != 3 {
		t.Fatalf("one of two: %q", got)
	}
	if got := b.has(); len(got) != 0 {
		t.Fatalf("taken from who still works: %q", got)
	}
	given := map[string]bool{}
	for l, term := range terms {
		if term.Err() != nil {
			if given[l] = true; !errors.Is(context.Cause(term), ErrGiven) {
				t.Errorf("%s ends: %v", l, context.Cause(term))
			}
			if err := write(context.WithoutCancel(term), one); err != nil {
				t.Errorf("finishing what is in hand: %v", err)
			}
			ended[l]()
		}
	}
	beat(t, a, b)
	if got := b.has(); len(got) != 2 || len(given) != 2 {
		t.Fatalf("the other of two: %q", got)
	}
	b.leave(t.Context())
	beat(t, a)
	if got := a.has(); len(got) != 5 {
		t.Fatalf("after it left: %q", got)
	}
	c := join(t, two, "c", nil)
	silent := func() {
		pgtest.Exec(t, url, `UPDATE workers SET until = 0 WHERE name = 'a'; UPDATE leases SET until = 0 WHERE owner LIKE 'a %'`)
	}
	silent()
	beat(t, c)
	if got := c.has(); len(got) != 5 {
		t.Fatalf("after it was heard no more: %q", got)
	}
	for l, term := range terms {
		if given[l] {
			continue
		}
		if err := write(term, one); !errors.Is(err, ErrLost) {
			t.Errorf("%s is lost, and writes: %v", l, err)
		}
		if err := one.Checked(term); !errors.Is(err, ErrLost) {
			t.Errorf("%s is lost, and acts: %v", l, err)
		}
	}
	beat(t, a)
	for l, term := range terms {
		if given[l] {
			continue
		}
		if <-term.Done(); !errors.Is(context.Cause(term), ErrLost) {
			t.Errorf("%s is lost, and goes on: %v", l, context.Cause(term))
		}
	}
	workers, err := Fleet{one}.Workers(t.Context())
	if err != nil || len(workers) != 2 || workers[0].Name != "a" || len(workers[0].Leases)+len(workers[1].Leases) != 5 || !workers[1].Heard || workers[1].Skew.Abs() > time.Minute {
		t.Errorf("%+v %v", workers, err)
	}
}

// A lease is taken from nobody in the middle of a transaction, and waits for
// nobody; what was begun before is there, what comes after is not.
func fenceHolds(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	one, two := open(t, url), open(t, url)
	a := join(t, one, "a", nil)
	term, done, err := a.Term(t.Context(), Leader)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	b := join(t, two, "b", nil)
	err = one.Transact(term, "judging", func(*engine.Tx) error {
		pgtest.Exec(t, url, `UPDATE workers SET until = 0 WHERE name = 'a'; UPDATE leases SET until = 0`)
		beat(t, b)
		if slices.Contains(b.has(), Leader) {
			t.Error("taken in the middle of a transaction")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	beat(t, b)
	if !slices.Contains(b.has(), Leader) {
		t.Fatal("not taken after it")
	}
	if err := write(term, one); !errors.Is(err, ErrLost) {
		t.Errorf("a former leader writes: %v", err)
	}
	if err := Alone(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	mine, done2, err := b.Term(t.Context(), Leader)
	if err != nil {
		t.Fatal(err)
	}
	defer done2()
	if err := write(mine, two); !errors.Is(err, ErrLost) {
		t.Errorf("beside who works alone: %v", err)
	}
}

// A program that works alone keeps workers out, and they keep it out.
func aloneOrShared(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	shared := open(t, url)
	if _, err := engine.Open(t.Context(), url, engine.Options{Owner: "alone"}); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("beside a worker: %v", err)
	}
	pgtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()`)
	for shared.Hold(t.Context()) != nil { // the first to use a session that was ended
	}
	if _, err := engine.Open(t.Context(), url, engine.Options{Owner: "alone"}); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("after the session was lost: %v", err)
	}
}

// Who has another configuration does not lead, and says where it differs; one
// that adopts its own does, and the others no more.
func configurations(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	one, two := open(t, url), open(t, url)
	a := join(t, one, "a", map[string]string{"policy": "1", "rules": "1"})
	b := join(t, two, "b", map[string]string{"policy": "2", "rules": "1"})
	if got := b.Differs(); !slices.Equal(got, []string{"policy"}) || !slices.Contains(a.has(), Leader) {
		t.Fatalf("%q, and %q", got, a.has())
	}
	if err := Same(t.Context(), two.Read, b.opts.Config); !errors.Is(err, ErrDiffers) {
		t.Error(err)
	}
	if err := Adopt(t.Context(), two, b.opts.Config); err != nil {
		t.Fatal(err)
	}
	beat(t, a, a, b)
	if !slices.Contains(b.has(), Leader) || !slices.Equal(a.Differs(), []string{"policy"}) {
		t.Fatalf("%q leads, %q differs", b.has(), a.Differs())
	}
}

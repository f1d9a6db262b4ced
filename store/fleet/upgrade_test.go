package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
)

// laterSteps are those of a program to come: one more, which waits for a lock
// that a test holds, and can't be taken twice.
func laterSteps(t *testing.T) fs.FS {
	t.Helper()
	all, err := filepath.Glob("../engine/migration/*.sql")
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	steps := fstest.MapFS{}
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		steps["migration/"+filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
	steps[fmt.Sprintf("migration/%04d_later.sql", len(all)+1)] = &fstest.MapFile{Data: []byte(
		`SELECT pg_advisory_xact_lock(4711); CREATE TABLE later (x INTEGER); ALTER TABLE leases ADD COLUMN later INTEGER`)}
	return steps
}

// ask asks for something that is answered by 1.
func ask(t *testing.T, db *engine.DB, query string) {
	t.Helper()
	var one int
	if err := db.Read.QueryRowContext(t.Context(), query).Scan(&one); err != nil {
		t.Fatal(err)
	}
}

// awaitMigrations waits until so many programs want to change the schema.
func awaitMigrations(t *testing.T, db *engine.DB, waiting int) {
	t.Helper()
	for n := -1; n < waiting; {
		err := db.Read.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// While a newer program changes the schema, others of its kind wait and find
// nothing to do, and workers of the older one store nothing, during it and after.
// Then these say so once and are quiet. A change that is broken off leaves all as
// it was.
func upgrade(t *testing.T, s *pgtest.Server) {
	url := s.Database(t)
	old, steps := open(t, url), laterSteps(t)
	var said logged
	a, err := Join(t.Context(), old, Options{Name: "old", Lease: time.Hour, Wants: mailboxes, Log: slog.New(&said)})
	if err != nil {
		t.Fatal(err)
	}
	term, done, err := a.Term(t.Context(), Leader)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	gate := open(t, url)
	gate.Read.SetMaxOpenConns(1)
	ask(t, gate, `SELECT 1 FROM (SELECT pg_advisory_lock(4711)) x`)

	breaking, cancel := context.WithCancel(t.Context())
	var broken sync.WaitGroup
	broken.Go(func() {
		if _, err := engine.Open(breaking, url, engine.Options{Owner: "test", Shared: true, Steps: steps}); err == nil {
			t.Error("a change that was broken off came to its end")
		}
	})
	awaitMigrations(t, old, 1)
	cancel()
	broken.Wait()
	if err := write(term, old); err != nil {
		t.Errorf("after a change that was broken off: %v", err)
	}

	var opening, writing sync.WaitGroup
	var newer [2]*engine.DB
	for i := range newer {
		opening.Go(func() { newer[i] = openBy(t, url, steps) })
	}
	awaitMigrations(t, old, 2)
	writing.Go(func() {
		if err := write(term, old); !errors.Is(err, ErrLost) {
			t.Errorf("an older worker writes: %v", err)
		}
	})
	ask(t, gate, `SELECT 1 FROM (SELECT pg_advisory_unlock(4711)) x`)
	opening.Wait()
	writing.Wait()
	if t.Failed() {
		return
	}
	running, stop := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { a.Run(running) })
	for range 3 {
		a.wake <- struct{}{} // the first has been looked at when the third is taken
	}
	<-term.Done()
	stop()
	ran.Wait()
	if len(a.has()) > 0 || said.count("does nothing until it is upgraded") != 1 {
		t.Errorf("an older worker has %q, and said %q", a.has(), said.lines)
	}
	if got := join(t, newer[0], "new", nil).has(); len(got) != len(mailboxes)+1 {
		t.Errorf("the newer worker has %q", got)
	}
	if workers, err := (Fleet{newer[1]}).Workers(t.Context()); err != nil || len(workers) != 1 || workers[0].Name != "new" {
		t.Errorf("%+v %v", workers, err)
	}
	if _, err := engine.Open(t.Context(), url, engine.Options{Owner: "test", Shared: true}); !errors.Is(err, engine.ErrNewer) {
		t.Errorf("the older program starts: %v", err)
	}
}

// logged keeps what was said.
type logged struct {
	slog.Handler
	mu    sync.Mutex
	lines []string
}

func (s *logged) Enabled(context.Context, slog.Level) bool { return true }

func (s *logged) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, r.Message)
	return nil
}

func (s *logged) count(words string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"harvester/store/engine"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/query"
)

func open(t *testing.T, path string, o Options) error {
	t.Helper()
	db, err := Open(context.Background(), path, o)
	if err == nil {
		err = db.Close()
	}
	return err
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	foreign := filepath.Join(dir, "foreign.db")
	raw, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`CREATE TABLE notes (x)`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	newer := filepath.Join(dir, "newer.db")
	if err := open(t, newer, Options{}); err != nil {
		t.Fatal(err)
	}
	if raw, err = sql.Open("sqlite", newer); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`PRAGMA user_version = 9999`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	for _, tt := range []struct {
		name, path string
		o          Options
		is         error
		says       string
	}{
		{"no directory", filepath.Join(dir, "none", "x.db"), Options{}, engine.ErrNoFolder, "mkdir -p"},
		{"a directory", dir, Options{}, nil, "name a file"},
		{"nothing yet", filepath.Join(dir, "none.db"), Options{ReadOnly: true}, os.ErrNotExist, "nothing was harvested yet"},
		{"text", write("text.db", strings.Repeat("From: a@example.org\n", 99)), Options{}, engine.ErrNotDatabase, "store.path"},
		{"text, to read", filepath.Join(dir, "text.db"), Options{ReadOnly: true}, engine.ErrNotDatabase, "store.path"},
		{"another program's", foreign, Options{}, engine.ErrNotDatabase, "store.path"},
		{"newer", newer, Options{}, engine.ErrNewer, "schema 9999"},
		{"newer, to read", newer, Options{ReadOnly: true}, engine.ErrNewer, "upgrade"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := open(t, tt.path, tt.o)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("got %v", err)
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(dir, "text.db")); err != nil || !strings.HasPrefix(string(b), "From: a@example.org\n") {
		t.Error("the file that was no database is no longer what it was")
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Owner: "a daemon"}} {
		if err := open(t, filepath.Join(dir, "x.db"), o); !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("got %v", err)
		}
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	ctx := context.Background()
	first := openTest(t, Options{Owner: "harvester run on mail.example.org"})
	_, err := Open(ctx, first.Path(), Options{Owner: "another"})
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), "harvester run on mail.example.org") {
		t.Fatalf("got %v", err)
	}
	commit(t, first, failure(0, "a@example.net", bounce.UserUnknown))
	reader := openAt(t, first.Path(), Options{ReadOnly: true})
	if got := listed(t, reader, query.Filter{}); len(got) != 1 {
		t.Errorf("beside the daemon a reader sees %v", got)
	}
	if _, err := reader.Judge.Commit(ctx, facts.Batch{}); err == nil {
		t.Error("a reader may write")
	}
	operator := openAt(t, first.Path(), Options{})
	if out := commit(t, operator, failure(1, "b@example.net", bounce.UserUnknown)); out.Added != 1 {
		t.Errorf("beside the daemon an operator's command stores %+v", out)
	}
}

// A full disk fails the commit as a whole, says so, and the same batch passes
// once there is room.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	var pages int
	if err := db.Write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := db.Write.Exec(`PRAGMA max_page_count = ` + itoa(n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 3)
	var b facts.Batch
	for n := range 400 {
		b.Items = append(b.Items, failure(n%9, "user"+itoa(n)+"@example.net", bounce.UserUnknown))
	}
	if _, err := db.Judge.Commit(ctx, b); !errors.Is(err, engine.ErrDiskFull) || !strings.Contains(err.Error(), "free some") {
		t.Fatalf("got %v", err)
	}
	if s, err := db.Reports.Status(ctx); err != nil || s.Messages != 0 || s.Events != 0 {
		t.Fatalf("half of it was stored: %+v %v", s, err)
	}
	limit(1 << 30)
	if out := commit(t, db, b.Items...); out.Messages != 400 || out.Added+out.Held != 400 {
		t.Errorf("with room: %+v", out)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// A program that holds the database for too long fails a commit, which says so
// and passes later.
func TestDatabaseLocked(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	if _, err := db.Write.Exec(`PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	other := openAt(t, db.Path(), Options{})
	held, err := other.Write.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	it := failure(0, "a@example.net", bounce.UserUnknown)
	if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{it}}); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("got %v", err)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if out := commit(t, db, it); out.Added != 1 {
		t.Errorf("once it is free: %+v", out)
	}
}

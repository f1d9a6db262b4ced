package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Backup says what a backup holds, as it was read back after writing.
type Backup struct {
	Path     string    `json:"path"`
	Schema   int       `json:"schema"`
	Bytes    int64     `json:"bytes"`
	Messages int       `json:"messages"`
	Events   int       `json:"events"`
	Listed   int       `json:"listed"`        // rows of the suppression list
	Last     time.Time `json:"last,omitzero"` // when the last message was stored
}

// Backup writes a copy of the database to a file while others go on writing:
// one moment of it, whole and compact. The copy is verified before it gets its
// name; an earlier backup of that name stays until then, and a file that is
// something else is never replaced.
func (db *DB) Backup(ctx context.Context, to string) (b Backup, err error) {
	if to, err = filepath.Abs(to); err == nil {
		err = db.replaceable(ctx, to)
	}
	if err == nil {
		b, err = db.backupTo(ctx, to)
	}
	if err != nil {
		return b, fmt.Errorf("backing up to %s: %w", to, err)
	}
	return b, nil
}

// replaceable fails unless the file is missing or an earlier backup.
func (db *DB) replaceable(ctx context.Context, path string) error {
	if path == db.Path() {
		return errors.New("that is the database itself")
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := Verify(ctx, path); err != nil {
		return fmt.Errorf("what is there is no earlier backup: %w", err)
	}
	return nil
}

func (db *DB) backupTo(ctx context.Context, to string) (Backup, error) {
	if err := sweep(to); err != nil {
		return Backup{}, err
	}
	part := fmt.Sprintf("%s.part-%d", to, os.Getpid())
	defer os.Remove(part) // after the rename there is none
	// The list names people: SQLite would make the file readable for everybody.
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return Backup{}, err
	}
	defer f.Close()
	if err := lock(f); err != nil { // until it ends: what is unlocked was left behind
		return Backup{}, fmt.Errorf("locking %s: %w", part, err)
	}
	if err := db.place.copyTo(ctx, part); err != nil {
		return Backup{}, err
	}
	b, err := Verify(ctx, part)
	if err != nil {
		return b, fmt.Errorf("the copy is no good: %w", err)
	}
	b.Path = to
	return b, publishFile(f, part, to)
}

// sweep removes the parts of copies to a path whose makers were killed, and what
// SQLite kept beside them. A part is locked while it is made.
func sweep(to string) error {
	entries, err := os.ReadDir(filepath.Dir(to))
	if err != nil {
		return err
	}
	for _, e := range entries {
		pid, ours := strings.CutPrefix(e.Name(), filepath.Base(to)+".part-")
		pid, _, _ = strings.Cut(pid, "-")
		if _, err := strconv.Atoi(pid); !ours || err != nil || !e.Type().IsRegular() {
			continue
		}
		part := fmt.Sprintf("%s.part-%s", to, pid)
		if left, err := unlocked(part); err != nil {
			return err
		} else if !left {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(to), e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing what a killed backup left: %w", err)
		}
	}
	return nil
}

// unlocked tells that nobody holds the file, or that there is none.
func unlocked(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("looking at what an earlier backup left: %w", err)
	}
	defer f.Close()
	err = lock(f)
	if errors.Is(err, errLocked) {
		return false, nil
	}
	return err == nil, err
}

// publishFile gives a finished file its name, and is sure that it stays.
func publishFile(f *os.File, path, to string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Verify reads a backup through: that it is one, of a schema this program
// knows, undamaged, and that nothing in it refers to what isn't there.
func Verify(ctx context.Context, path string) (Backup, error) {
	path, err := filepath.Abs(path) // as a URL wants it
	if err != nil {
		return Backup{}, err
	}
	b := Backup{Path: path}
	if err := verify(ctx, path, &b); err != nil {
		return b, fmt.Errorf("verifying %s: %w", path, Explain(err))
	}
	return b, nil
}

func verify(ctx context.Context, path string, b *Backup) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return ErrDirectory
	case info.Size() == 0:
		return ErrNotDatabase
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
		return errors.New("it is a database in use or was copied out of one, not a backup: make one with \"harvester backup\"")
	}
	b.Bytes = info.Size()
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "mode=ro&immutable=1"}
	conn, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	if b.Schema, err = (&file{path: path}).version(ctx, conn); err != nil {
		return err
	}
	if want := len(migrations(migrationFiles)); b.Schema > want {
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, b.Schema, want)
	}
	if err := (&file{path: path}).intact(ctx, conn); err != nil {
		return err
	}
	return conn.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM events), (SELECT count(*) FROM suppressions),
   (SELECT max(harvested) FROM messages)`).Scan(&b.Messages, &b.Events, &b.Listed, When(&b.Last))
}

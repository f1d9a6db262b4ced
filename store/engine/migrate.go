package engine

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"time"
)

//go:embed migration/*.sql
var migrationFiles embed.FS

// migrations are the names of the schema's steps, in order. A database knows
// how many of them it has seen.
func migrations(steps fs.FS) []string {
	names, err := fs.Glob(steps, "migration/*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	sort.Strings(names)
	return names
}

// known fails unless a schema is the one of this program.
func (db *DB) known(v int) error {
	switch want := len(migrations(db.opts.Steps)); {
	case v > want:
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, v, want)
	case v < want:
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrOlder, v, want)
	}
	return nil
}

// Current fails with ErrNewer where another program has changed the schema since
// the database was opened, and keeps it as it is until the transaction ends. A
// file belongs to one program, that opened it.
func (t *Tx) Current() error {
	if !t.records() {
		return nil
	}
	var v int
	if err := t.Row(`SELECT version FROM harvester_schema FOR SHARE`, nil, &v); err != nil {
		return err
	}
	return t.db.known(v)
}

// QUIRK: SQLite 3 asks no busy handler when a file's journal becomes a WAL: of
// two that open a new database at a time, one is told at once that it is busy.
const (
	tryAgain  = 20 * time.Millisecond
	mostTries = 500 // to take the lock
)

// migrate brings the schema up to date: all steps in one transaction, after a
// backup of what was there. Another process that opens the database meanwhile
// waits, and finds nothing to do.
func (db *DB) migrate(ctx context.Context) error {
	names := migrations(db.opts.Steps)
	v, err := db.place.version(ctx, db.Write)
	for tries := 0; tries < mostTries && ctx.Err() == nil && errors.Is(Explain(err), ErrInUse); tries++ {
		time.Sleep(tryAgain)
		v, err = db.place.version(ctx, db.Write)
	}
	switch {
	case err != nil:
		return err
	case v >= len(names):
		return db.known(v)
	}
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	from, err := db.place.version(ctx, tx)
	if err == nil && from >= len(names) {
		return db.known(from) // another was quicker
	}
	if err != nil {
		return err
	}
	if from > 0 {
		if err := db.place.fence(ctx, tx); err != nil {
			return err
		}
		if err := db.place.keep(ctx, db, from); err != nil {
			return err
		}
	}
	for v := from; v < len(names); v++ {
		script, err := fs.ReadFile(db.opts.Steps, names[v])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("bringing the schema from %d to %d: %s: %w", v, v+1, path.Base(names[v]), err)
		}
	}
	if err := db.place.stamp(ctx, tx, len(names)); err != nil {
		return err
	}
	return tx.Commit()
}

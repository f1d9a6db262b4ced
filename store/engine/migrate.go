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

// applicationID marks the file as ours (PRAGMA application_id): "hrvs".
const applicationID = 0x68727673

// migrations are the names of the schema's steps, in order. PRAGMA
// user_version is how many of them a database has seen.
func migrations() []string {
	names, err := fs.Glob(migrationFiles, "migration/*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	sort.Strings(names)
	return names
}

// version reads all in one statement: another process may be making the database.
func version(ctx context.Context, q Querier) (v int, err error) {
	var app, tables int
	err = q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema), (SELECT application_id FROM pragma_application_id),
 (SELECT user_version FROM pragma_user_version)`).Scan(&tables, &app, &v)
	if err != nil {
		return 0, err
	}
	if app != applicationID && tables > 0 {
		return 0, ErrNotDatabase
	}
	return v, nil
}

// QUIRK: SQLite 3 asks no busy handler when a file's journal becomes a WAL: of
// two that open a new database at a time, one is told at once that it is busy.
const (
	tryAgain  = 20 * time.Millisecond
	mostTries = 500
)

// migrate brings the schema up to date: all steps in one transaction, after a
// backup of what was there. Another process that opens the database meanwhile
// waits, and finds nothing to do.
func (db *DB) migrate(ctx context.Context) error {
	names := migrations()
	v, err := version(ctx, db.Write)
	for tries := 0; tries < mostTries && ctx.Err() == nil && errors.Is(Explain(err), ErrInUse); tries++ {
		time.Sleep(tryAgain)
		v, err = version(ctx, db.Write)
	}
	switch {
	case err != nil:
		return err
	case v > len(names):
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, v, len(names))
	case v == len(names):
		return nil
	}
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	from, err := version(ctx, tx)
	if err != nil || from >= len(names) {
		return err
	}
	if from > 0 {
		if err := db.backup(ctx, from); err != nil {
			return err
		}
	}
	for v := from; v < len(names); v++ {
		script, err := migrationFiles.ReadFile(names[v])
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("bringing the schema from %d to %d: %s: %w", v, v+1, path.Base(names[v]), err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, len(names))); err != nil {
		return err
	}
	return tx.Commit()
}

// backup copies the database beside itself while it still has schema v.
func (db *DB) backup(ctx context.Context, v int) error {
	to := fmt.Sprintf("%s.schema-%d.bak", db.path, v)
	if _, err := db.backupTo(ctx, to); err != nil {
		return fmt.Errorf("backing up to %s: %w", to, err)
	}
	db.Log.InfoContext(ctx, "database backed up before its schema changes", "path", to)
	return nil
}

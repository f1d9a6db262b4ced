package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// file is a database file of SQLite.
type file struct {
	path  string // absolute
	lease *lease // of the daemon, nil for others
}

func (f *file) String() string { return f.path }

func (f *file) records() bool { return false }

func (f *file) moment() string { return `PRAGMA data_version` }

func (f *file) close() error { return f.lease.release() }

func (f *file) open(ctx context.Context, db *DB) (err error) {
	if err := f.checkPlace(db.opts.ReadOnly); err != nil {
		return err
	}
	if db.opts.ReadOnly {
		return f.openReadOnly(ctx, db)
	}
	if db.opts.Owner != "" {
		if f.lease, err = takeLease(f.path+".lock", db.opts.Owner); err != nil {
			return err
		}
	}
	// The list names people: SQLite would make a new file readable for everybody.
	// What keeps it from being made is SQLite's to say.
	if fresh, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640); err == nil {
		if err := errors.Join(LikeFolder(fresh), fresh.Close()); err != nil {
			return err
		}
	}
	return f.openWriter(ctx, db)
}

// Placeable tells whether a database can stand at a path, by its folder alone.
func Placeable(path string) error {
	f := file{path: path}
	if err := f.checkPlace(false); err != nil {
		return fmt.Errorf("opening database %s: %w", path, err)
	}
	return nil
}

// checkPlace checks what SQLite would only call "unable to open database file".
func (f *file) checkPlace(readOnly bool) error {
	dir := filepath.Dir(f.path)
	switch fi, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist) && !readOnly:
		return fmt.Errorf("%w: %s is missing (mkdir -p %[2]s makes it; it has to belong to the user that runs harvester)", ErrNoFolder, dir)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w (nothing was harvested yet, or store.path is wrong)", err)
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	switch fi, err := os.Stat(f.path); {
	case errors.Is(err, os.ErrNotExist) && readOnly:
		return fmt.Errorf("%w (nothing was harvested yet, or store.path is wrong)", os.ErrNotExist)
	case err == nil && fi.IsDir():
		return ErrDirectory
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

func (f *file) openWriter(ctx context.Context, db *DB) error {
	w, err := openLasting(f.dsn(url.Values{
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		// A message may be deleted on the server once its facts are committed,
		// so a commit has to survive a power cut: NORMAL would not do in WAL.
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		// Moving the journal into the file after each batch, as is the default,
		// costs two more waits for the disk than the commit itself.
		"_pragma": {"temp_store(MEMORY)", fmt.Sprintf("cache_size(-%d)", writeCache), "wal_autocheckpoint(4000)", "secure_delete(FAST)", "journal_size_limit(67108864)"},
	}))
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	db.Write = w
	if err := db.migrate(ctx); err != nil {
		return err
	}
	db.Read, err = f.readers(url.Values{})
	return err
}

func (f *file) openReadOnly(ctx context.Context, db *DB) (err error) {
	if db.Read, err = f.readers(url.Values{"mode": {"ro"}}); err != nil {
		return err
	}
	v, err := f.version(ctx, db.Read)
	if err != nil && f.still() {
		// On a read-only file system SQLite can't make the file through which
		// readers and writers of a journal agree; nobody writes there, either.
		if err := db.Read.Close(); err != nil {
			return err
		}
		if db.Read, err = f.readers(url.Values{"mode": {"ro"}, "immutable": {"1"}}); err != nil {
			return err
		}
		v, err = f.version(ctx, db.Read)
	}
	if err != nil {
		return err
	}
	return db.known(v)
}

// still tells that nobody can be writing: the file system is read-only, and no
// journal stands beside the file, as it does while a daemon runs elsewhere.
func (f *file) still() bool {
	_, err := os.Lstat(f.path + "-wal")
	return errors.Is(err, os.ErrNotExist) && readOnlyFileSystem(filepath.Dir(f.path))
}

func (f *file) readers(more url.Values) (*sql.DB, error) {
	more.Set("_query_only", "on")
	more["_pragma"] = []string{"temp_store(MEMORY)", "cache_size(-2048)"}
	r, err := sql.Open("sqlite", f.dsn(more))
	if err != nil {
		return nil, err
	}
	r.SetMaxOpenConns(5) // one of them may be kept to ask for the moment
	return r, nil
}

func (f *file) scratch() (*sql.DB, error) {
	return sql.Open("sqlite", f.dsn(url.Values{"mode": {"ro"}, "_pragma": {"temp_store(FILE)", "cache_size(-4096)"}}))
}

// dsn carries every pragma, so that each pooled connection has them.
func (f *file) dsn(q url.Values) string {
	q.Set("_busy_timeout", "10000")
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(f.path), RawQuery: q.Encode()}
	return u.String()
}

// applicationID marks the file as ours (PRAGMA application_id): "hrvs".
const applicationID = 0x68727673

// fence has nobody to keep out: a file belongs to one program, that opened it.
func (f *file) fence(context.Context, *sql.Tx) error { return nil }

// version reads all in one statement: another process may be making the database.
func (f *file) version(ctx context.Context, q Querier) (v int, err error) {
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

func (f *file) stamp(ctx context.Context, tx *sql.Tx, version int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, version))
	return err
}

// keep copies the database beside itself while it still has schema v.
func (f *file) keep(ctx context.Context, db *DB, v int) error {
	to := fmt.Sprintf("%s.schema-%d.bak", f.path, v)
	if _, err := db.backupTo(ctx, to); err != nil {
		return fmt.Errorf("backing up to %s: %w", to, err)
	}
	db.Log.InfoContext(ctx, "database backed up before its schema changes", "path", to)
	return nil
}

func (f *file) indexes(ctx context.Context, q Querier, prefix string) (map[string]string, error) {
	return definitions(ctx, q, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name LIKE ? || '%'`, prefix)
}

func (f *file) index(ctx context.Context, tx *sql.Tx, _, definition string) error {
	_, err := tx.ExecContext(ctx, strings.Replace(definition, "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))
	return err
}

func (f *file) space(ctx context.Context, db *DB) (Space, error) {
	var pages, free, size int64
	err := db.Read.QueryRowContext(ctx, `SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count), (SELECT page_size FROM pragma_page_size)`).
		Scan(&pages, &free, &size)
	return Space{Bytes: pages * size, Free: free * size}, err
}

func (f *file) compact(ctx context.Context, db *DB) error {
	for _, q := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := db.Write.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// copyTo writes one moment of the database into an empty file.
func (f *file) copyTo(ctx context.Context, path string) error {
	conn, err := sql.Open("sqlite", f.dsn(url.Values{"mode": {"ro"}}))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, `VACUUM INTO ?`, path)
	return Explain(err)
}

func (f *file) erasing(ctx context.Context, db *DB) error {
	_, err := db.Write.ExecContext(ctx, `PRAGMA secure_delete = ON`)
	return err
}

// erased empties the journal, in which the pages stand as they were.
func (f *file) erased(ctx context.Context, db *DB) error {
	var busy, log, moved int
	if err := db.Write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("emptying the journal: %w", Explain(err))
	}
	if busy != 0 {
		return errors.New("emptying the journal: another program reads the database; the address is erased, but run this again for the journal")
	}
	return nil
}

func (f *file) tables(ctx context.Context, q Querier) (map[string][]string, error) {
	return references(ctx, q, `SELECT t.name, ifnull(f."table", '') FROM sqlite_schema t LEFT JOIN pragma_foreign_key_list(t.name) f
 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`)
}

// references reads pairs of a table and one that it refers to, "" for none.
func references(ctx context.Context, q Querier, query string) (map[string][]string, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	return found, Each(rows, func(rows *sql.Rows) error {
		var table, other string
		err := rows.Scan(&table, &other)
		if _, known := found[table]; !known {
			found[table] = nil
		}
		if other != "" {
			found[table] = append(found[table], other)
		}
		return err
	})
}

// renumber has nothing to do: a new row has the number after the highest.
func (f *file) renumber(context.Context, *sql.Tx, string) error { return nil }

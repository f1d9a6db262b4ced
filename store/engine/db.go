// Package engine keeps the database file: it opens it, brings its schema up to
// date, runs transactions on it, copies, restores, checks and compacts it. It
// knows no table but those that every SQLite file has; what the rows mean is
// the business of the rooms above.
package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Options say how a database file is used.
type Options struct {
	Now      func() time.Time // default time.Now
	Owner    string           // of the daemon's lease, shown to a second one; "" takes no lease
	ReadOnly bool             // for commands that only look; works beside a running daemon
	Log      *slog.Logger     // default: none
}

// DB is an open database file. All its methods may be called from several
// goroutines; there is one writer at a time.
type DB struct {
	Now   func() time.Time // the clock of all that is written and judged
	Log   *slog.Logger
	Write *sql.DB // one connection, nil when read-only
	Read  *sql.DB // a pool that can't write

	path    string
	opts    Options
	lease   *lease
	writing prepared
	reading prepared
}

// Open opens the database at path, creates it when it is missing, and brings
// its schema up to date. It decides nothing. It fails with ErrNewer when a
// newer program wrote it, with ErrInUse when Options.Owner is set and another
// daemon holds the lease.
func Open(ctx context.Context, path string, o Options) (db *DB, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db = &DB{path: path, opts: o, Now: o.Now, Log: o.Log}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening database %s: %w", path, Explain(err)), db.Close())
			db = nil
		}
	}()
	if err := db.checkPlace(); err != nil {
		return db, err
	}
	if o.ReadOnly {
		return db, db.openReadOnly(ctx)
	}
	if o.Owner != "" {
		if db.lease, err = takeLease(path+".lock", o.Owner); err != nil {
			return db, err
		}
	}
	// The list names people: SQLite would make a new file readable for everybody.
	// What keeps it from being made is SQLite's to say.
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640); err == nil {
		if err := errors.Join(LikeFolder(f), f.Close()); err != nil {
			return db, err
		}
	}
	return db, db.openWriter(ctx)
}

// Path is the file's absolute path.
func (db *DB) Path() string { return db.path }

// Close releases the file and the lease.
func (db *DB) Close() error {
	errs := []error{db.reading.close()}
	if db.Read != nil {
		errs = append(errs, db.Read.Close())
	}
	errs = append(errs, db.writing.close())
	if db.Write != nil {
		errs = append(errs, db.Write.Close())
	}
	errs = append(errs, db.lease.release())
	return errors.Join(errs...)
}

// checkPlace checks what SQLite would only call "unable to open database file".
func (db *DB) checkPlace() error {
	dir := filepath.Dir(db.path)
	switch fi, err := os.Stat(dir); {
	case err != nil:
		return fmt.Errorf("%w (create the directory, owned by the user that runs harvester)", err)
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	switch fi, err := os.Stat(db.path); {
	case errors.Is(err, os.ErrNotExist) && db.opts.ReadOnly:
		return fmt.Errorf("%w (nothing was harvested yet, or store.path is wrong)", os.ErrNotExist)
	case err == nil && fi.IsDir():
		return errors.New("it is a directory: name a file")
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	return nil
}

func (db *DB) openWriter(ctx context.Context) error {
	w, err := sql.Open("sqlite", db.dsn(url.Values{
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		// A message may be deleted on the server once its facts are committed,
		// so a commit has to survive a power cut: NORMAL would not do in WAL.
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		// Moving the journal into the file after each batch, as is the default,
		// costs two more waits for the disk than the commit itself.
		"_pragma": {"temp_store(MEMORY)", "cache_size(-4096)", "wal_autocheckpoint(4000)", "secure_delete(FAST)", "journal_size_limit(67108864)"},
	}))
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	db.Write = w
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.openReaders(url.Values{})
}

func (db *DB) openReadOnly(ctx context.Context) error {
	if err := db.openReaders(url.Values{"mode": {"ro"}}); err != nil {
		return err
	}
	v, err := version(ctx, db.Read)
	if err != nil && db.still() {
		// On a read-only file system SQLite can't make the file through which
		// readers and writers of a journal agree; nobody writes there, either.
		if err := db.Read.Close(); err != nil {
			return err
		}
		if err := db.openReaders(url.Values{"mode": {"ro"}, "immutable": {"1"}}); err != nil {
			return err
		}
		v, err = version(ctx, db.Read)
	}
	if err != nil {
		return err
	}
	switch want := len(migrations()); {
	case v > want:
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, v, want)
	case v < want:
		return fmt.Errorf("schema %d is older than this program's %d: start the daemon or run \"harvester once\", it brings the schema up to date", v, want)
	}
	return nil
}

// still tells that nobody can be writing: the file system is read-only, and no
// journal stands beside the file, as it does while a daemon runs elsewhere.
func (db *DB) still() bool {
	_, err := os.Lstat(db.path + "-wal")
	return errors.Is(err, os.ErrNotExist) && readOnlyFileSystem(filepath.Dir(db.path))
}

func (db *DB) openReaders(more url.Values) (err error) {
	more.Set("_query_only", "on")
	more["_pragma"] = []string{"temp_store(MEMORY)", "cache_size(-2048)"}
	if db.Read, err = sql.Open("sqlite", db.dsn(more)); err != nil {
		return err
	}
	db.Read.SetMaxOpenConns(4)
	return nil
}

// dsn carries every pragma, so that each pooled connection has them.
func (db *DB) dsn(q url.Values) string {
	q.Set("_busy_timeout", "10000")
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(db.path), RawQuery: q.Encode()}
	return u.String()
}

// Writable fails when the database does not take a write now, such as on a
// full disk. It changes nothing.
func (db *DB) Writable(ctx context.Context) error {
	return db.Transact(ctx, "trying to write", func(t *Tx) error {
		_, err := t.SQL.ExecContext(ctx, `UPDATE meta SET value = value WHERE name = (SELECT min(name) FROM meta)`)
		return err
	})
}

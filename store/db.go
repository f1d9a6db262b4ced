// Package store keeps the facts and what follows from them in one SQLite file.
// Commit is the only writer of harvested facts; everything else is a query or
// an operator's act. The suppression list is a fold over the stored events
// (package policy) and can be recomputed at any time. All SQL of the program
// stands in this package.
package store

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

	"harvester/parse/envelope"
	"harvester/parse/origin"
	"harvester/store/policy"
)

// Options say how a database is used.
type Options struct {
	Now      func() time.Time // default time.Now
	Own      []string         // domains that we send as; what stands below them is ours too
	Policy   policy.Table     // the zero table is the default policy
	Owner    string           // of the daemon's lease, shown to a second one; "" takes no lease
	ReadOnly bool             // for commands that only look; works beside a running daemon
	// ReturnPaths are the shapes of our signed return paths, with their keys.
	ReturnPaths []*envelope.VERP
	KeysUnread  bool           // they are not at hand: stored events stay judged as they are, and none are added
	Trust       *origin.Trust  // who may speak about whom; nil: nobody
	BATV        *envelope.BATV // the keys of the tags on our return paths; nil: tags say nothing
	Streams     []Stream       // of ours, the first that selects a mail has it
	Limits      Limits         // of the guard on the exports; zero fields are defaults
	Log         *slog.Logger   // default: none
}

// DB is an open database. All its methods may be called from several
// goroutines; there is one writer at a time.
type DB struct {
	path  string
	opts  Options
	own   []string // Options.Own as domain keys
	write *sql.DB  // one connection, nil when read-only
	read  *sql.DB
	lease *lease
	stmts statements
	looks lookups
}

// Open opens the database at path, creates it when it is missing, and brings
// its schema up to date. It fails with ErrNewer when a newer program wrote it,
// with ErrInUse when Options.Owner is set and another daemon holds the lease.
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
	db = &DB{path: path, opts: o}
	for _, d := range o.Own {
		if d = policy.DomainKey(d); d != "" {
			db.own = append(db.own, d)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening database %s: %w", path, clear(err)), db.Close())
			db = nil
		}
	}()
	if err := db.place(); err != nil {
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

// place checks what SQLite would only call "unable to open database file".
func (db *DB) place() error {
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
		"_pragma": {"temp_store(MEMORY)", "cache_size(-8192)", "wal_autocheckpoint(4000)", "secure_delete(FAST)", "journal_size_limit(67108864)"},
	}))
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1)
	db.write = w
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if err := db.stmts.prepare(ctx, w); err != nil {
		return err
	}
	if err := db.follow(ctx); err != nil {
		return err
	}
	if err := db.openReaders(url.Values{}); err != nil {
		return err
	}
	return db.looks.prepare(ctx, db.read)
}

func (db *DB) openReadOnly(ctx context.Context) error {
	if err := db.openReaders(url.Values{"mode": {"ro"}}); err != nil {
		return err
	}
	v, err := version(ctx, db.read)
	if err != nil {
		return err
	}
	switch want := len(migrations()); {
	case v > want:
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, v, want)
	case v < want:
		return fmt.Errorf("schema %d is older than this program's %d: start the daemon or run \"harvester once\", it brings the schema up to date", v, want)
	}
	return db.looks.prepare(ctx, db.read)
}

func (db *DB) openReaders(more url.Values) (err error) {
	more.Set("_query_only", "on")
	more["_pragma"] = []string{"temp_store(MEMORY)", "cache_size(-4096)"}
	if db.read, err = sql.Open("sqlite", db.dsn(more)); err != nil {
		return err
	}
	db.read.SetMaxOpenConns(4)
	return nil
}

// dsn carries every pragma, so that each pooled connection has them.
func (db *DB) dsn(q url.Values) string {
	q.Set("_busy_timeout", "10000")
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(db.path), RawQuery: q.Encode()}
	return u.String()
}

// Path is the file's absolute path.
func (db *DB) Path() string { return db.path }

// Policy is the table that the list is computed with.
func (db *DB) Policy() policy.Table { return db.opts.Policy }

// Close releases the file and the lease.
func (db *DB) Close() error {
	var errs []error
	if db.read != nil {
		errs = append(errs, db.read.Close())
	}
	errs = append(errs, db.stmts.close())
	if db.write != nil {
		errs = append(errs, db.write.Close())
	}
	errs = append(errs, db.lease.release())
	return errors.Join(errs...)
}

// tx runs f in one writing transaction.
func (db *DB) tx(ctx context.Context, doing string, f func(tx *writing) error) error {
	if db.write == nil {
		return fmt.Errorf("%s: the database was opened for reading only", doing)
	}
	t, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, clear(err))
	}
	defer t.Rollback() // after Commit it does nothing, else the first error counts
	// Each statement under a context that can end costs a goroutine; the
	// transaction itself ends with ctx all the same.
	w := &writing{ctx: context.WithoutCancel(ctx), db: db, tx: t, now: db.opts.Now().UTC(), stmts: map[*sql.Stmt]*sql.Stmt{}, bins: map[bin]*growth{}}
	if err = f(w); err == nil {
		err = t.Commit()
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err() // it was rolled back under the statement
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, clear(err))
	}
	return nil
}

func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// when is a time column that may be NULL.
type when struct{ *time.Time }

// Scan reads integer milliseconds, or NULL as the zero time.
func (w when) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*w.Time = time.Time{}
	case int64:
		*w.Time = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("a time column holds %T", v)
	}
	return nil
}

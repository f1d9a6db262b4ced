// Package engine keeps the database, a file of SQLite or one of a PostgreSQL
// server: it opens it, brings its schema up to date, runs transactions on it,
// copies, restores, checks and compacts it. It knows no table but those that
// every database has; what the rows mean is the business of the rooms above.
//
// The statements are one set, as SQLite takes them. What the engines differ in
// is the value place, and the driver for PostgreSQL (package postgres).
package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"harvester/store/engine/postgres"
)

// Options say how a database is used.
type Options struct {
	Now      func() time.Time // default time.Now
	Owner    string           // of the daemon's lease, shown to a second one; "" takes no lease
	Shared   bool             // the lease is one that other workers hold, too; a server's alone
	ReadOnly bool             // for commands that only look; works beside a running daemon
	Steps    fs.FS            // of the schema, migration/NNNN_NAME.sql; default: this program's
	Log      *slog.Logger     // default: none
}

// DB is an open database. All its methods may be called from several
// goroutines; there is one writer at a time.
type DB struct {
	Now   func() time.Time // the clock of all that is written and judged
	Log   *slog.Logger
	Write *sql.DB // one connection, nil when read-only
	Read  *sql.DB // a pool that can't write

	place   place
	opts    Options
	beside  *sql.DB // connections that write without taking turns; nil where there are none
	writing prepared
	besides prepared
	reading prepared

	commits  atomic.Uint64 // of this process
	watching sync.Mutex
	watch    *sql.Conn // that asks for the version; nil until somebody does
}

// Open opens the database at a place, the path of a file or a URL that begins
// with postgres://. It creates the file when it is missing, and brings the
// schema up to date. It decides nothing. It fails with ErrNewer when a newer
// program wrote it, with ErrInUse when Options.Owner is set and another daemon
// holds the lease.
func Open(ctx context.Context, at string, o Options) (db *DB, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Steps == nil {
		o.Steps = migrationFiles
	}
	p, err := placeOf(at)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	db = &DB{place: p, opts: o, Now: o.Now, Log: o.Log}
	if err := p.open(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("opening database %s: %w", p, Explain(err)), db.Close())
	}
	return db, nil
}

func placeOf(at string) (place, error) {
	if postgres.IsURL(at) {
		c, err := postgres.Parse(at)
		return &server{config: c}, err
	}
	path, err := filepath.Abs(at)
	return &file{path: path}, err
}

// IsURL tells that a place is a PostgreSQL database, and no file.
func IsURL(at string) bool { return postgres.IsURL(at) }

// CheckURL says what is wrong with the URL of a PostgreSQL database.
func CheckURL(at string) error {
	_, err := postgres.Parse(at)
	return err
}

// OnServer tells that the database is one of a PostgreSQL server.
func (db *DB) OnServer() bool { return db.place.records() }

// Path is the file's absolute path, or the URL without a password.
func (db *DB) Path() string { return db.place.String() }

// Close releases the connections and the lease.
func (db *DB) Close() error {
	errs := []error{db.reading.close()}
	if db.watch != nil {
		errs = append(errs, db.watch.Close())
	}
	if db.Read != nil {
		errs = append(errs, db.Read.Close())
	}
	errs = append(errs, db.besides.close())
	if db.beside != nil {
		errs = append(errs, db.beside.Close())
	}
	errs = append(errs, db.writing.close())
	if db.Write != nil {
		errs = append(errs, db.Write.Close())
	}
	errs = append(errs, db.place.close())
	return errors.Join(errs...)
}

// Writable fails when the database does not take a write now, such as on a
// full disk. It changes nothing.
func (db *DB) Writable(ctx context.Context) error {
	return db.Transact(ctx, "trying to write", func(t *Tx) error {
		_, err := t.SQL.ExecContext(ctx, `UPDATE meta SET value = value WHERE name = (SELECT min(name) FROM meta)`)
		return err
	})
}

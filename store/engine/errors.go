package engine

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"harvester/store/engine/postgres"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers tell apart.
var (
	// ErrNewer says that a newer program wrote the database.
	ErrNewer = errors.New("the database was written by a newer harvester: upgrade this one")
	// ErrOlder says that an older program wrote the database, and that it was
	// opened to read only.
	ErrOlder = errors.New("the database was written by an older harvester: start the daemon or run \"harvester once\", it brings the schema up to date")
	// ErrInUse says that another daemon holds the lease.
	ErrInUse = errors.New("another harvester works on this database")
	// ErrNotDatabase says that the file is something else.
	ErrNotDatabase = errors.New("the file is not a harvester database: set store.path to another file")
	// ErrDirectory says that a directory stands where a file must.
	ErrDirectory = errors.New("it is a directory: name a file in it")
	// ErrReadOnly says that file or directory can't be written.
	ErrReadOnly = errors.New("the database can't be written: check the owner and mode of the file and of its directory")
	// ErrNoFiles says that the process has as many files open as it may.
	ErrNoFiles = errors.New("this process may open no more files: raise LimitNOFILE= of the service, or ulimit -n; nothing was lost")
	// ErrDiskFull says that there is no room; nothing of the transaction was kept.
	ErrDiskFull = errors.New("no space is left for the database: free some, then run again, nothing was lost")
	// ErrDamaged says that the file or the disk below it is broken.
	ErrDamaged = errors.New("the database is damaged: stop harvester, keep the file, restore a backup")
	// ErrStopped says that the list changed too much within an hour, and that
	// the exports stand still until an operator has looked at it.
	ErrStopped = errors.New("the exports are stopped: look at what changed, then release them with \"harvester ack\"")
	// ErrDisk says that reading or writing failed below SQLite.
	ErrDisk = errors.New("the disk below the database fails: look at the system's log")
	// ErrNotOurs says that the schema has tables of others.
	ErrNotOurs = errors.New("the schema has tables that are not harvester's: set another database in store.url, or another schema by search_path")
	// ErrURL, ErrTooOld and ErrEncoding say that a server does not suit.
	ErrURL      = postgres.ErrURL
	ErrTooOld   = postgres.ErrTooOld
	ErrEncoding = postgres.ErrEncoding
	// ErrStandby says that the server only follows another.
	ErrStandby = errors.New("the PostgreSQL server is a read-only standby: set store.url to the primary, or add target_session_attrs=read-write to it")
	// ErrLogin says that the server does not let us in.
	ErrLogin = errors.New("PostgreSQL refuses the login: check the user in store.url, store.password and the server's pg_hba.conf")
	// ErrNoFolder says that the folder of the file is missing.
	ErrNoFolder = errors.New("there is no folder for the database")
	// ErrNoDatabase says that there is none of that name.
	ErrNoDatabase = errors.New("there is no such database: make it with \"createdb --encoding UTF8 --template template0 --owner ROLE NAME\"")
	// ErrNoRight says that the role may not do what it must.
	ErrNoRight = errors.New("the role lacks a right: make it the owner of the schema, or GRANT USAGE, CREATE ON SCHEMA and all on its tables")
	// ErrNoConnection says that the server gives no more connections.
	ErrNoConnection = errors.New("PostgreSQL has no connection left: raise max_connections, or put PgBouncer before it; harvester needs up to 10 for each process")
	// ErrUnreachable says that the server does not answer, or stopped doing so.
	ErrUnreachable = errors.New("PostgreSQL can't be reached: check that it runs, and host and port in store.url; nothing was lost")
	// ErrTimeout says that the server gave a statement too little time.
	ErrTimeout = errors.New("PostgreSQL cut a statement off: raise statement_timeout for the role (ALTER ROLE … SET statement_timeout = 0)")
	// ErrOwnTools says that a task is for the tools of PostgreSQL.
	ErrOwnTools = errors.New("on PostgreSQL this is done with its own tools")
	// ErrNotFound says that what was asked for does not exist.
	ErrNotFound = errors.New("not found")
)

// Explain puts a sentence that says what to do before the engine's own words.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	is := sqliteError(err)
	if is == nil {
		is = serverError(err)
	}
	if is == nil || errors.Is(err, is) {
		return err
	}
	return fmt.Errorf("%w (%w)", is, err)
}

func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return ErrNotDatabase
	case sqlite3.SQLITE_CANTOPEN:
		if noneLeft() {
			return ErrNoFiles
		}
		return ErrReadOnly
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return ErrReadOnly
	case sqlite3.SQLITE_FULL:
		return ErrDiskFull
	case sqlite3.SQLITE_CORRUPT:
		return ErrDamaged
	case sqlite3.SQLITE_IOERR:
		return ErrDisk
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrInUse
	}
	return nil
}

// noneLeft tells that few files can be opened, of which SQLite says only that it
// could not open one of its own; it has closed the others by then.
func noneLeft() bool {
	const ofSQLite = 8 // for a file with its journal, their folder, and another reader
	for range ofSQLite {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return NoFiles(err)
		}
		defer f.Close()
	}
	return false
}

// NoFiles tells that an error is the limit of open files, of the process or of
// the machine.
func NoFiles(err error) bool { return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) }

// serverErrors are the classes of PostgreSQL's errors, by SQLSTATE or the
// beginning of it.
var serverErrors = []struct {
	state string
	is    error
}{
	{"28", ErrLogin},
	{"3D000", ErrNoDatabase},
	{"42501", ErrNoRight},
	{"53100", ErrDiskFull},
	{"53300", ErrNoConnection},
	{"55P03", ErrInUse},
	{"25006", ErrStandby},
	{"25P03", ErrUnreachable}, // a transaction in which this process slept
	{"57014", ErrTimeout},
	{"57P", ErrUnreachable}, // it stops, starts, or was told to end the session
	{"08", ErrUnreachable},
	{"58", ErrDisk},
	{"XX001", ErrDamaged},
	{"XX002", ErrDamaged},
}

func serverError(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		var connecting *pgconn.ConnectError
		var network *net.OpError
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if errors.As(err, &connecting) || errors.Is(err, driver.ErrBadConn) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) {
			return ErrUnreachable
		}
		return nil
	}
	for _, c := range serverErrors {
		if strings.HasPrefix(e.Code, c.state) {
			return c.is
		}
	}
	return nil
}

// WrongAct is the error for an operator's act that can't be meant; nothing is
// wrong with the database.
type WrongAct struct{ Err error }

func (r WrongAct) Error() string { return r.Err.Error() }

func (r WrongAct) Unwrap() error { return r.Err }

package engine

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers tell apart.
var (
	// ErrNewer says that a newer program wrote the database.
	ErrNewer = errors.New("the database was written by a newer harvester: upgrade this one")
	// ErrInUse says that another daemon holds the lease.
	ErrInUse = errors.New("another harvester works on this database")
	// ErrNotDatabase says that the file is something else.
	ErrNotDatabase = errors.New("the file is not a harvester database: set store.path to another file")
	// ErrReadOnly says that file or directory can't be written.
	ErrReadOnly = errors.New("the database can't be written: check the owner and mode of the file and of its directory")
	// ErrDiskFull says that there is no room; nothing of the transaction was kept.
	ErrDiskFull = errors.New("no space is left for the database: free some, then run again, nothing was lost")
	// ErrDamaged says that the file or the disk below it is broken.
	ErrDamaged = errors.New("the database is damaged: stop harvester, keep the file, restore a backup")
	// ErrStopped says that the list changed too much within an hour, and that
	// the exports stand still until an operator has looked at it.
	ErrStopped = errors.New("the exports are stopped: look at what changed, then release them with \"harvester ack\"")
	// ErrDisk says that reading or writing failed below SQLite.
	ErrDisk = errors.New("the disk below the database fails: look at the system's log")
	// ErrNotFound says that what was asked for does not exist.
	ErrNotFound = errors.New("not found")
)

// Explain puts a sentence that says what to do before SQLite's own words.
func Explain(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	var is error
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		is = ErrNotDatabase
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		is = ErrReadOnly
	case sqlite3.SQLITE_FULL:
		is = ErrDiskFull
	case sqlite3.SQLITE_CORRUPT:
		is = ErrDamaged
	case sqlite3.SQLITE_IOERR:
		is = ErrDisk
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		is = ErrInUse
	default:
		return err
	}
	if errors.Is(err, is) {
		return err
	}
	return fmt.Errorf("%w (%w)", is, err)
}

// WrongAct is the error for an operator's act that can't be meant; nothing is
// wrong with the database.
type WrongAct struct{ Err error }

func (r WrongAct) Error() string { return r.Err.Error() }

func (r WrongAct) Unwrap() error { return r.Err }

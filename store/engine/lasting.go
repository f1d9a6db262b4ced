package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"modernc.org/sqlite"
)

// openLasting opens a database whose journal (-wal) and the memory that its
// readers share (-shm) stay beside it, the journal empty, when nobody has it open
// any more. Programs that may read the files and not write to the folder, such as
// a mail server that looks addresses up, read them then, too.
//
// QUIRK: without these files a reader of SQLite 3.40 makes them, as its own: the
// next writer is another user and can't open them. One who can't make them gets
// "attempt to write a readonly database"; Postfix 3.7.11 defers every recipient.
func openLasting(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	defer plain.Close() // it was asked for its driver only
	return sql.OpenDB(lasting{plain.Driver(), dsn}), nil
}

// lasting connects and sets SQLITE_FCNTL_PERSIST_WAL.
type lasting struct {
	driver driver.Driver
	dsn    string
}

func (l lasting) Driver() driver.Driver { return l.driver }

func (l lasting) Connect(context.Context) (driver.Conn, error) {
	c, err := l.driver.Open(l.dsn)
	if err != nil {
		return nil, err
	}
	if files, ok := c.(sqlite.FileControl); ok {
		if _, err := files.FileControlPersistWAL("main", 1); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("keeping the journal: %w", err)
		}
	}
	return c, nil
}

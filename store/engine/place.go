package engine

import (
	"context"
	"database/sql"
)

// place is where a database is, and what differs there between the engines:
// a file of SQLite, or a PostgreSQL server. The statements are one set; how
// PostgreSQL words them is its driver's business (package postgres).
type place interface {
	// String names it to people, without a password.
	String() string
	// open opens db.Write and db.Read, and brings the schema up to date.
	open(ctx context.Context, db *DB) error
	// close gives back what open took beside the connections.
	close() error
	// scratch is one connection of its own that can keep temporary tables.
	scratch() (*sql.DB, error)

	// version is how many steps of the schema the database has seen.
	version(ctx context.Context, q Querier) (int, error)
	// stamp notes that number in the transaction that took the steps.
	stamp(ctx context.Context, tx *sql.Tx, version int) error
	// fence keeps workers of an older program from writing while and after the
	// steps are taken.
	fence(ctx context.Context, tx *sql.Tx) error
	// keep makes a copy before the schema changes, where copies are ours to make.
	keep(ctx context.Context, db *DB, version int) error
	// indexes are those whose names begin with a prefix, with their definitions.
	indexes(ctx context.Context, q Querier, prefix string) (map[string]string, error)
	// index makes one, by a definition that indexes gives back.
	index(ctx context.Context, tx *sql.Tx, name, definition string) error

	// moment is a query whose answer, on one connection, changes with whatever
	// other connections commit.
	moment() string
	// tables are those of the store, each with the tables that it refers to.
	tables(ctx context.Context, q Querier) (map[string][]string, error)
	// renumber has numbers go on after the highest in a table that was copied.
	renumber(ctx context.Context, tx *sql.Tx, table string) error

	// records tells that rows travel as one JSON text, and not a value each.
	records() bool

	health(ctx context.Context, db *DB) ([]Sign, error)
	space(ctx context.Context, db *DB) (Space, error)
	compact(ctx context.Context, db *DB) error
	intact(ctx context.Context, q Querier) error
	copyTo(ctx context.Context, path string) error
	// erasing is called before rows of a person are overwritten, erased after.
	erasing(ctx context.Context, db *DB) error
	erased(ctx context.Context, db *DB) error
}

// Indexes are the indexes whose names begin with a prefix, with the definition
// that each was made by.
func (db *DB) Indexes(ctx context.Context, prefix string) (map[string]string, error) {
	found, err := db.place.indexes(ctx, db.Write, prefix)
	return found, Explain(err)
}

// definitions are the names and definitions that a query finds.
func definitions(ctx context.Context, q Querier, query, prefix string) (map[string]string, error) {
	rows, err := q.QueryContext(ctx, query, prefix)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	return found, Each(rows, func(rows *sql.Rows) error {
		var name, definition string
		err := rows.Scan(&name, &definition)
		found[name] = definition
		return err
	})
}

// Index makes an index by its definition, unless it is there.
func (t *Tx) Index(name, definition string) error {
	return t.db.place.index(t.Ctx, t.SQL, name, definition)
}

// Schema is how many steps of the schema the database has seen.
func (db *DB) Schema(ctx context.Context) (int, error) { return db.place.version(ctx, db.Read) }

// Erase runs f, which overwrites what names a person, so that what was there
// does not stay in the file or its journal. What a PostgreSQL server keeps in
// its log and its replicas is its own business.
func (db *DB) Erase(ctx context.Context, doing string, f func(*Tx) error) error {
	if db.Write != nil {
		if err := db.place.erasing(ctx, db); err != nil {
			return Explain(err)
		}
	}
	if err := db.Transact(ctx, doing, f); err != nil {
		return err
	}
	return db.place.erased(ctx, db)
}

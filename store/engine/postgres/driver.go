// Package postgres runs the statements of the store on PostgreSQL, as a driver
// of database/sql.
//
// The statements are written once, as SQLite takes them. What PostgreSQL words
// otherwise is little, and is put into its words here (translate), once for each
// text. Everything else that differs is what a driver is for anyway:
//
//   - Values travel as text, and the server reads them as the type that it has
//     worked out for each place. So an integer may stand where a text is wanted,
//     as in SQLite. What is no UTF-8, and NUL, which PostgreSQL refuses in any
//     text, become U+FFFD.
//   - A connection answers one question at a time. Within a transaction a second
//     one may be asked while rows of the first are read, as in SQLite: what is
//     left of them is then taken into memory. Who reads a lot beside other
//     questions asks with Streamed, which reads by a cursor.
//   - A transaction that only reads sees one moment (REPEATABLE READ). One that
//     writes begins as Connector.Begin says.
//
// QUIRK: PgBouncer before 1.21, in transaction mode, knows no prepared statement
// by name: use session mode there, or a newer one with max_prepared_statements.
package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Connector makes connections. It is a driver.Connector, for sql.OpenDB.
type Connector struct {
	config *pgconn.Config
	begin  string // of a transaction that may write
}

// Connect begins a session. It fails with ErrTooOld or ErrEncoding when the
// server can't hold the store.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	pg, err := pgconn.ConnectConfig(ctx, c.config)
	if err != nil {
		return nil, err
	}
	if err := suits(pg); err != nil {
		return nil, errors.Join(err, pg.Close(ctx))
	}
	return &conn{pg: pg, begin: c.begin, statements: map[string]*statement{}}, nil
}

// Driver is there for database/sql alone.
func (c *Connector) Driver() driver.Driver { return sqlDriver{} }

type sqlDriver struct{}

func (sqlDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("postgres: open it by a Connector")
}

// conn is one session.
type conn struct {
	pg         *pgconn.PgConn
	begin      string
	statements map[string]*statement  // prepared, by text
	prepared   int                    // how many ever were, for their names
	reading    *rows                  // whose rows are still on their way
	waiting    []*question            // writes of the transaction that travel with what is asked next
	ahead      map[string][]*question // answers to what will be asked, by its words
	cursors    int
	within     bool // a transaction
	used       time.Time
}

// statement is one that the server has prepared.
type statement struct {
	*pgconn.StatementDescription
	formats []int16 // of the columns
}

// manyStatements is how many are kept prepared at a time.
const manyStatements = 1000

func (c *conn) prepare(ctx context.Context, query string) (*statement, error) {
	if s := c.statements[query]; s != nil {
		return s, nil
	}
	if err := c.flush(ctx); err != nil { // it may be about a table that they make
		return nil, err
	}
	if len(c.statements) >= manyStatements {
		if _, err := c.pg.Exec(ctx, "DEALLOCATE ALL").ReadAll(); err != nil {
			return nil, err
		}
		clear(c.statements)
	}
	c.prepared++
	d, err := c.pg.Prepare(ctx, fmt.Sprintf("h%d", c.prepared), translate(query), nil)
	if err != nil {
		return nil, err
	}
	s := &statement{StatementDescription: d}
	s.formats = make([]int16, len(d.Fields))
	for i := range d.Fields {
		if d.Fields[i].DataTypeOID == oidBytes {
			s.formats[i], d.Fields[i].Format = 1, 1
		}
	}
	c.statements[query] = s
	return s, nil
}

// run sends a statement with its values.
func (c *conn) run(ctx context.Context, query string, args []driver.NamedValue) (*rows, error) {
	if err := c.drain(); err != nil {
		return nil, c.lost(err)
	}
	q, err := c.question(ctx, query, args)
	if err != nil {
		return nil, err
	}
	c.used = time.Now()
	r := &rows{conn: c, query: query, fields: q.Fields}
	if len(c.waiting) > 0 {
		err = r.together(ctx, q)
	} else {
		r.from = c.pg.ExecStatement(ctx, q.StatementDescription, q.values, q.formats, q.statement.formats)
	}
	if err == nil {
		c.reading = r
	}
	return r, err
}

// drain takes what is left of the rows that are being read into memory.
func (c *conn) drain() error {
	if c.reading == nil {
		return nil
	}
	return c.reading.keep()
}

// lost tells database/sql to try another connection where nothing of the
// statement can have reached the server.
func (c *conn) lost(err error) error {
	if !c.within && c.pg.IsClosed() && pgconn.SafeToRetry(err) {
		return driver.ErrBadConn
	}
	return err
}

// PrepareContext costs nothing: a statement is prepared when it is first run,
// and stays so.
func (c *conn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &stmt{c, query}, nil
}

// Prepare is PrepareContext.
func (c *conn) Prepare(query string) (driver.Stmt, error) { return &stmt{c, query}, nil }

// QueryContext reads rows.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.within && ctx.Value(streamed{}) != nil {
		return c.stream(ctx, query, args)
	}
	if r, err := c.foreseen(ctx, query, args); r != nil || err != nil {
		return r, err
	}
	return c.run(ctx, query, args)
}

// ExecContext runs a statement. One without values may be a script of several.
// In a transaction it travels with what is asked next, at the latest with the
// commit, and an error of it is told there: a write costs no round trip.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if asks, ok := ctx.Value(asking{}).([]Ask); ok {
		return driver.ResultNoRows, c.ask(ctx, asks)
	}
	if len(args) == 0 && strings.Contains(query, ";") {
		if err := errors.Join(c.drain(), c.flush(ctx)); err != nil {
			return nil, err
		}
		_, err := c.pg.Exec(ctx, translate(query)).ReadAll()
		return driver.ResultNoRows, err
	}
	if c.within {
		return c.write(ctx, query, args)
	}
	r, err := c.run(ctx, query, args)
	if err != nil {
		return nil, err
	}
	tag, err := r.from.Close()
	if err = errors.Join(err, r.done()); err != nil {
		return nil, c.changed(query, err)
	}
	return driver.RowsAffected(tag.RowsAffected()), nil
}

// changed forgets a statement that no longer fits what the tables are.
func (c *conn) changed(query string, err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && (e.Code == "0A000" || e.Code == "26000") {
		delete(c.statements, query)
	}
	return c.lost(err)
}

// BeginTx begins a transaction, and sends nothing else of its own.
func (c *conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	begin := c.begin
	if o.ReadOnly {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	}
	if err := c.drain(); err != nil {
		return nil, c.lost(err)
	}
	if _, err := c.pg.Exec(ctx, begin).ReadAll(); err != nil {
		if !c.pg.IsClosed() {
			// The transaction had begun when its lock was not to be had.
			_, undone := c.pg.Exec(ctx, "ROLLBACK").ReadAll()
			err = errors.Join(err, undone)
		}
		return nil, c.lost(err)
	}
	c.within, c.used = true, time.Now()
	return transaction{c}, nil
}

// Begin is BeginTx.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Close ends the session.
func (c *conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pg.Close(ctx)
}

// idle is after how long a connection is looked at before it is used again: the
// server may have been started anew meanwhile.
const idle = time.Second

// ResetSession is called before a connection is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	if c.pg.IsClosed() || c.pg.TxStatus() != 'I' {
		return driver.ErrBadConn
	}
	if time.Since(c.used) > idle && c.pg.Ping(ctx) != nil {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid tells that the session goes on.
func (c *conn) IsValid() bool { return !c.pg.IsClosed() }

// Ping asks the server for nothing.
func (c *conn) Ping(ctx context.Context) error { return c.lost(c.pg.Ping(ctx)) }

type transaction struct{ *conn }

// Commit sends what waits, and fails, too, where the server only rolled back.
func (t transaction) Commit() error {
	defer t.ended()
	if err := t.drain(); err != nil {
		return err
	}
	ctx := context.Background()
	q := &question{query: "COMMIT"}
	err := t.flush(ctx, q)
	if err == nil && q.tag.String() != q.query {
		err = errors.New("the server rolled the transaction back")
	}
	if err != nil && t.pg.TxStatus() != 'I' && !t.pg.IsClosed() {
		_, undone := t.pg.Exec(ctx, "ROLLBACK").ReadAll()
		err = errors.Join(err, undone)
	}
	return err
}

// Rollback forgets what waits.
func (t transaction) Rollback() error {
	defer t.ended()
	if err := t.drain(); err != nil {
		return err
	}
	_, err := t.pg.Exec(context.Background(), "ROLLBACK").ReadAll()
	return err
}

func (t transaction) ended() { t.within, t.waiting, t.ahead = false, nil, nil }

type stmt struct {
	conn  *conn
	query string
}

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}

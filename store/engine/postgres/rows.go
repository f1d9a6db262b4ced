package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"
)

// rows are those of one statement: on their way, or in memory.
type rows struct {
	conn   *conn
	query  string
	fields []pgconn.FieldDescription
	from   *pgconn.ResultReader // nil: all that is left is kept
	pipe   *pgconn.Pipeline     // that they came with others by; nil: alone
	kept   [][][]byte
	err    error // that ended them
	more   func() error
}

// Columns are the names of the columns.
func (r *rows) Columns() []string {
	names := make([]string, len(r.fields))
	for i := range r.fields {
		names[i] = r.fields[i].Name
	}
	return names
}

// Next reads a row.
func (r *rows) Next(to []driver.Value) error {
	if r.from != nil {
		if r.from.NextRow() {
			return decode(r.fields, r.from.Values(), to)
		}
		if _, err := r.from.Close(); errors.Join(err, r.done()) != nil {
			r.err = r.conn.changed(r.query, err)
		}
	}
	if len(r.kept) == 0 && r.more != nil && r.err == nil {
		r.err = r.more()
	}
	switch {
	case len(r.kept) > 0:
		row := r.kept[0]
		r.kept[0], r.kept = nil, r.kept[1:]
		return decode(r.fields, row, to)
	case r.err != nil:
		return r.err
	}
	return io.EOF
}

// keep takes what is left into memory, so that the connection is free.
func (r *rows) keep() error {
	for r.from.NextRow() {
		r.kept = append(r.kept, copied(r.from.Values()))
	}
	_, err := r.from.Close()
	r.err = errors.Join(err, r.done())
	return nil // whoever reads on is told of an error
}

// done tells that nothing is on its way any more.
func (r *rows) done() (err error) {
	if r.pipe != nil {
		err = r.pipe.Close()
	}
	r.from, r.pipe = nil, nil
	if r.conn.reading == r {
		r.conn.reading = nil
	}
	return err
}

// Close reads past what is left.
func (r *rows) Close() error {
	r.kept, r.more = nil, nil
	if r.from == nil {
		return nil
	}
	_, err := r.from.Close()
	return errors.Join(err, r.done())
}

func copied(values [][]byte) [][]byte {
	out, size := make([][]byte, len(values)), 0
	for _, v := range values {
		size += len(v)
	}
	all := make([]byte, 0, size)
	for i, v := range values {
		if v != nil {
			all = append(all, v...)
			out[i] = all[len(all)-len(v) : len(all) : len(all)]
		}
	}
	return out
}

type streamed struct{}

// Streamed makes a query within a transaction read its rows a piece at a time,
// so that other questions can be asked meanwhile in bounded memory.
func Streamed(ctx context.Context) context.Context { return context.WithValue(ctx, streamed{}, true) }

// piece is how many rows of a stream are in memory at a time.
const piece = 1000

// stream reads a query by a cursor, which ends with the transaction.
func (c *conn) stream(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.cursors++
	name := fmt.Sprintf("stream%d", c.cursors)
	declared, err := c.run(ctx, "DECLARE "+name+" NO SCROLL CURSOR FOR "+query, args)
	if err == nil {
		err = declared.Close()
	}
	// Each has a name of its own: it is not run again.
	delete(c.statements, "DECLARE "+name+" NO SCROLL CURSOR FOR "+query)
	if err != nil {
		return nil, err
	}
	r := &rows{conn: c, query: query}
	r.more = func() error {
		if err := c.drain(); err != nil {
			return err
		}
		from := c.pg.ExecParams(ctx, fmt.Sprintf("FETCH %d FROM %s", piece, name), nil, nil, nil, nil)
		n := 0
		for from.NextRow() {
			r.kept = append(r.kept, copied(from.Values()))
			n++
		}
		if r.fields == nil {
			r.fields = append(r.fields, from.FieldDescriptions()...)
		}
		if n < piece {
			r.more = nil
		}
		_, err := from.Close()
		return err
	}
	return r, r.more()
}

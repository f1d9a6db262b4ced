package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// question is a statement with its values, and what became of it.
type question struct {
	*statement // nil: its words travel, and it has no values
	query      string
	values     [][]byte
	formats    []int16

	rows [][][]byte // where they are to be kept
	keep bool
	tag  pgconn.CommandTag
	err  error
	sent bool
}

func (c *conn) question(ctx context.Context, query string, args []driver.NamedValue) (*question, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, c.lost(err)
	}
	q := &question{statement: s, query: query}
	if q.values, q.formats, err = encode(s.ParamOIDs, args); err != nil {
		return nil, fmt.Errorf("%w in %q", err, query)
	}
	return q, nil
}

// What waits is bounded: it is in memory.
const (
	mostWaiting      = 256     // statements that are sent together
	mostWaitingBytes = 1 << 20 // of them
)

// write has a statement of the transaction wait for what is asked next.
func (c *conn) write(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.drain(); err != nil {
		return nil, err
	}
	q, err := c.question(ctx, query, args)
	if err != nil {
		return nil, err
	}
	for i, v := range q.values {
		q.values[i] = slices.Clone(v) // bytes are the caller's
	}
	c.waiting = append(c.waiting, q)
	size := 0
	for _, w := range c.waiting {
		for _, v := range w.values {
			size += len(v)
		}
	}
	if len(q.Fields) > 0 || size > mostWaitingBytes || len(c.waiting) > mostWaiting {
		err = c.flush(ctx)
	}
	return written{c, q}, err
}

// written is the result of a write, which is sent when it is asked for.
type written struct {
	conn *conn
	*question
}

// LastInsertId is not told: statements say RETURNING.
func (w written) LastInsertId() (int64, error) { return driver.ResultNoRows.LastInsertId() }

// RowsAffected is how many rows were written.
func (w written) RowsAffected() (int64, error) {
	if !w.sent {
		if err := w.conn.flush(context.Background()); err != nil {
			return 0, err
		}
	}
	return w.tag.RowsAffected(), w.err
}

// flush sends what waits, and some more, in one round trip.
func (c *conn) flush(ctx context.Context, more ...*question) error {
	if len(c.waiting)+len(more) == 0 {
		return nil
	}
	p, err := c.send(ctx, more)
	for _, q := range more {
		if err == nil {
			err = c.answer(p, q)
		}
	}
	if ended := p.Close(); err == nil && ended != nil {
		err = c.lost(ended)
	}
	return err
}

// send sends what waits, and some more, and reads what became of what waited.
func (c *conn) send(ctx context.Context, more []*question) (p *pgconn.Pipeline, err error) {
	waiting := c.waiting
	c.waiting = nil
	p = c.pg.StartPipeline(ctx)
	for _, q := range append(waiting, more...) {
		q.sent = true
		if q.statement == nil {
			p.SendQueryParams(q.query, nil, nil, nil, nil)
		} else {
			p.SendQueryStatement(q.StatementDescription, q.values, q.formats, q.statement.formats)
		}
	}
	if err = p.Sync(); err != nil {
		return p, c.lost(err)
	}
	for _, q := range waiting {
		if err == nil {
			err = c.answer(p, q)
		}
	}
	return p, err
}

// answer reads what became of the next question.
func (c *conn) answer(p *pgconn.Pipeline, q *question) error {
	got, err := p.GetResults()
	if from, ok := got.(*pgconn.ResultReader); ok && err == nil {
		for from.NextRow() {
			if q.keep {
				q.rows = append(q.rows, copied(from.Values()))
			}
		}
		q.tag, err = from.Close()
	}
	if err != nil {
		q.err = fmt.Errorf("%w in %.80q", c.changed(q.query, err), q.query)
	}
	return q.err
}

// together asks a question with what waits, and has its rows read on their way.
func (r *rows) together(ctx context.Context, q *question) error {
	p, err := r.conn.send(ctx, []*question{q})
	if err == nil {
		var got any
		if got, err = p.GetResults(); err == nil {
			r.from, r.pipe = got.(*pgconn.ResultReader), p
			return nil
		}
		err = r.conn.changed(q.query, err)
	}
	_ = p.Close() // the first error counts
	return err
}

// Ask is a question that will be asked.
type Ask struct {
	Query string
	Args  []any
}

type asking struct{}

// Ahead makes an Exec within a transaction, of any words, ask questions before
// they are asked, all in one round trip. An answer serves once, when the same
// is asked with the same values.
func Ahead(ctx context.Context, asks []Ask) context.Context {
	return context.WithValue(ctx, asking{}, asks)
}

func (c *conn) ask(ctx context.Context, asks []Ask) error {
	if err := c.drain(); err != nil {
		return err
	}
	var all []*question
	for _, a := range asks {
		args := make([]driver.NamedValue, len(a.Args))
		for i, v := range a.Args {
			v, err := driver.DefaultParameterConverter.ConvertValue(v)
			if err != nil {
				return fmt.Errorf("%w in %q", err, a.Query)
			}
			args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
		}
		q, err := c.question(ctx, a.Query, args)
		if err != nil {
			return err
		}
		q.keep = true
		all = append(all, q)
	}
	if err := c.flush(ctx, all...); err != nil {
		return err
	}
	if c.ahead == nil {
		c.ahead = map[string][]*question{}
	}
	for _, q := range all {
		c.ahead[q.words()] = append(c.ahead[q.words()], q)
	}
	return nil
}

// words are those of a question with its values.
func (q *question) words() string {
	var b strings.Builder
	b.WriteString(q.query)
	for _, v := range q.values {
		fmt.Fprintf(&b, "\x00%q", v)
	}
	return b.String()
}

// foreseen are the rows of a question that was asked ahead; nil: it was not.
func (c *conn) foreseen(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(c.ahead) == 0 {
		return nil, nil
	}
	q, err := c.question(ctx, query, args)
	if err != nil {
		return nil, err
	}
	asked := c.ahead[q.words()]
	if len(asked) == 0 {
		return nil, nil
	}
	c.ahead[q.words()] = asked[1:]
	return &rows{conn: c, query: query, fields: q.Fields, kept: asked[0].rows}, nil
}

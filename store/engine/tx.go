package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"harvester/store/engine/postgres"
)

// Tx is one writing transaction. Its statements are prepared once for the life
// of the database, and bound once for each transaction.
type Tx struct {
	Ctx context.Context //nolint:containedctx // it lives no longer than the call that made it
	SQL *sql.Tx         // for statements that are made up for one call
	Now time.Time       // one moment for all that it writes, UTC

	db    *DB
	ready *prepared
	bound map[string]*sql.Stmt
}

// Transact runs f in one writing transaction, which is committed when f
// returns nil and leaves no trace otherwise. Errors begin with what was being
// done.
func (db *DB) Transact(ctx context.Context, doing string, f func(*Tx) error) error {
	return db.transact(ctx, db.Write, &db.writing, doing, f)
}

// Beside is Transact for what belongs to no order: on a server it waits for
// others over single rows only, and several run at a time. It must not give
// numbers to messages and events.
func (db *DB) Beside(ctx context.Context, doing string, f func(*Tx) error) error {
	if db.beside == nil {
		return db.Transact(ctx, doing, f)
	}
	return db.transact(ctx, db.beside, &db.besides, doing, f)
}

func (db *DB) transact(ctx context.Context, on *sql.DB, ready *prepared, doing string, f func(*Tx) error) error {
	if on == nil {
		return fmt.Errorf("%s: the database was opened for reading only", doing)
	}
	err := ready.prepare(ctx, on)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, Explain(err))
	}
	t, err := on.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, Explain(err))
	}
	defer t.Rollback() // after Commit it does nothing, else the first error counts
	// Each statement under a context that can end costs a goroutine; the
	// transaction itself ends with ctx all the same.
	tx := &Tx{Ctx: context.WithoutCancel(ctx), db: db, ready: ready, SQL: t, Now: db.Now().UTC(), bound: map[string]*sql.Stmt{}}
	if err = fenceOf(ctx)(tx); err == nil {
		err = f(tx)
	}
	if err == nil {
		err = t.Commit()
		db.commits.Add(1) // also when that can't be told
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		err = ctx.Err() // it was rolled back under the statement
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, Explain(err))
	}
	return nil
}

// Exec runs a statement of constant text.
func (t *Tx) Exec(query string, args ...any) (sql.Result, error) {
	s, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.Ctx, args...)
}

// Query reads rows by a statement of constant text.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.statement(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(t.Ctx, args...)
}

// Row reads one row by a statement of constant text into to. It fails with
// sql.ErrNoRows when there is none.
func (t *Tx) Row(query string, args []any, to ...any) error {
	s, err := t.statement(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(t.Ctx, args...).Scan(to...)
}

func (t *Tx) statement(query string) (*sql.Stmt, error) {
	if s := t.bound[query]; s != nil {
		return s, nil
	}
	s := t.ready.get(query)
	if s != nil {
		s = t.SQL.StmtContext(t.Ctx, s)
	} else {
		var err error
		if s, err = t.SQL.PrepareContext(t.Ctx, query); err != nil {
			return nil, fmt.Errorf("preparing %q: %w", query, err)
		}
	}
	t.bound[query] = s
	return s, nil
}

// Ask is a question in constant text that will be asked.
type Ask = postgres.Ask

// Far tells that each question costs a round trip, and that Ahead saves some.
func (t *Tx) Far() bool { return t.records() }

// Ahead asks questions that will be asked in the same words, all in one round
// trip on a server; for a file it does nothing. What is written in between must
// not change the answers.
func (t *Tx) Ahead(asks ...Ask) error {
	if !t.Far() || len(asks) == 0 {
		return nil
	}
	_, err := t.SQL.ExecContext(postgres.Ahead(t.Ctx, asks), "")
	return err
}

// Snapshot is one moment of the database, for several questions that must
// agree.
type Snapshot struct {
	Ctx context.Context //nolint:containedctx // it lives no longer than the call that made it
	SQL *sql.Tx

	place place
}

// Snapshot runs f on one moment of the database.
func (db *DB) Snapshot(ctx context.Context, f func(*Snapshot) error) error {
	t, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer t.Rollback() // it only read
	return f(&Snapshot{ctx, t, db.place})
}

// Scratch is Snapshot on a connection of its own that can keep temporary tables,
// on disk, while f runs.
func (db *DB) Scratch(ctx context.Context, f func(*Snapshot) error) (err error) {
	own, err := db.place.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	own.SetMaxOpenConns(1)
	t, err := own.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() // what it wrote was temporary
	return f(&Snapshot{ctx, t, db.place})
}

// Exec runs a statement; only temporary tables can be written, in a Scratch.
func (s *Snapshot) Exec(query string, args ...any) (sql.Result, error) {
	return s.SQL.ExecContext(s.Ctx, query, args...)
}

// Query reads rows.
func (s *Snapshot) Query(query string, args ...any) (*sql.Rows, error) {
	return s.SQL.QueryContext(s.Ctx, query, args...)
}

// Stream reads many rows in bounded memory while other questions are asked.
func (s *Snapshot) Stream(query string, args ...any) (*sql.Rows, error) {
	return s.SQL.QueryContext(postgres.Streamed(s.Ctx), query, args...)
}

func (s *Snapshot) records() bool { return s.place.records() }

func (t *Tx) records() bool { return t.db.place.records() }

// Reader reads rows by statements of constant text: a Tx, or a Snapshot.
type Reader interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// Reading is a statement of constant text for readers, prepared once.
func (db *DB) Reading(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := db.reading.get(query); s != nil {
		return s, nil
	}
	s, err := db.Read.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", query, err)
	}
	return db.reading.keep(query, s), nil
}

// prepared are the statements of constant text that were asked for. The first
// transaction that needs one prepares it for itself, as the only connection
// that can write is its own; those after it find it here.
type prepared struct {
	mu    sync.Mutex
	ready map[string]*sql.Stmt
	asked []string
}

// get returns a statement, or nil and has it prepared the next time.
func (p *prepared) get(query string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.ready[query]
	if !known {
		if p.ready == nil {
			p.ready = map[string]*sql.Stmt{}
		}
		p.ready[query] = nil
		p.asked = append(p.asked, query)
	}
	return s
}

// prepare makes ready what was asked for.
func (p *prepared) prepare(ctx context.Context, db *sql.DB) error {
	p.mu.Lock()
	asked := p.asked
	p.asked = nil
	p.mu.Unlock()
	for i, query := range asked {
		s, err := db.PrepareContext(ctx, query)
		if err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.asked = append(p.asked, asked[i:]...)
			return fmt.Errorf("preparing %q: %w", query, err)
		}
		p.keep(query, s)
	}
	return nil
}

// keep makes a statement the one of its text, unless another came first.
func (p *prepared) keep(query string, s *sql.Stmt) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.ready[query]; first != nil {
		s.Close() //nolint:errcheck,gosec // it was never used
		return first
	}
	p.ready[query] = s
	return s
}

func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for query, s := range p.ready {
		if s != nil {
			errs = append(errs, s.Close())
		}
		delete(p.ready, query)
	}
	return errors.Join(errs...)
}

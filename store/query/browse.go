package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
	"time"
)

// EventSearch narrows the events that a person looks through. The zero value is
// all of them.
type EventSearch struct {
	Address  string // in any spelling
	Incident string // its id
	Kind     bounce.Kind
	Action   string // failed, delayed, …
	Reason   string
	Class    string
	Receiver string // operator, or the domain where none is known
	Stream   string
	Since    time.Time
	Until    time.Time // not part of it
	Below    Place     // only what is older
	Limit    int
}

// Place is where an event stands among all, by time.
type Place struct {
	At int64 // ms since 1970
	ID int64
}

// Events is a page of events, latest first.
type EventsFound struct {
	Events []Event
	Next   Place     // where older ones begin; zero at the end
	Down   time.Time // so far back was looked when nothing more was found; zero when the page is full, or at the end
}

// looked is how many events one page looks through at most: rare ones far back
// are found in several steps, each of which is answered at once.
const looked = 10_000

// Search returns a page of events, latest first. It looks through no more than
// 10,000 events, however many there are; Next goes on from there.
func (db Notices) Search(ctx context.Context, f EventSearch) (EventsFound, error) {
	out, err := db.search(ctx, &f)
	if err != nil {
		return out, fmt.Errorf("looking through the events: %w", engine.Explain(err))
	}
	return out, nil
}

// conditions are the search as SQL: what an index answers, and what has to be
// looked at.
func (f *EventSearch) conditions() (indexed, seen condition) {
	if f.Address != "" {
		indexed.and(`key = ?`, policy.Key(f.Address))
	}
	if f.Incident != "" {
		cond, args := causedBy(f.Incident)
		indexed.and(cond, args...)
	}
	if !f.Since.IsZero() {
		indexed.and(`at >= ?`, f.Since.UnixMilli())
	}
	if !f.Until.IsZero() {
		indexed.and(`at < ?`, f.Until.UnixMilli())
	}
	if f.Below != (Place{}) {
		indexed.and(`at <= ? AND (at, id) < (?, ?)`, f.Below.At, f.Below.At, f.Below.ID)
	}
	if f.Kind != bounce.KindNone {
		seen.and(`kind = ?`, f.Kind.String())
	}
	for _, x := range []struct{ column, word string }{{"action", f.Action}, {"reason", f.Reason}, {"class", f.Class}, {"stream", f.Stream}} {
		if x.word != "" {
			seen.and(x.column+` = ?`, x.word)
		}
	}
	if f.Receiver != "" {
		seen.and(receiverColumn+` = ?`, f.Receiver)
	}
	return indexed, seen
}

// condition is a conjunction in the making.
type condition struct {
	sql  string
	args []any
}

func (c *condition) and(sql string, args ...any) {
	if c.sql != "" {
		c.sql += ` AND `
	}
	c.sql += sql
	c.args = append(c.args, args...)
}

func (c *condition) where() string {
	if c.sql == "" {
		return ""
	}
	return ` WHERE ` + c.sql
}

func (db Notices) search(ctx context.Context, f *EventSearch) (out EventsFound, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	indexed, seen := f.conditions()
	const newest = ` ORDER BY at DESC, id DESC LIMIT `
	tx, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot
	if err != nil {
		return out, err
	}
	defer tx.Rollback() // it only read
	// What is looked through is read in its order as far as the page asks for: by
	// the index of the times alone, which has what is mostly asked for.
	columns := `id, at, kind, action, reason, operator, domain, stream`
	if f.Class != "" {
		columns += `, class`
	}
	rows, err := tx.QueryContext(ctx, `SELECT `+eventColumns+` FROM events WHERE id IN (SELECT id FROM (SELECT `+columns+` FROM events`+indexed.where()+newest+fmt.Sprint(looked)+`) looked`+
		seen.where()+newest+fmt.Sprint(f.Limit+1)+`)`+newest+fmt.Sprint(f.Limit+1), append(indexed.args, seen.args...)...)
	if err != nil {
		return out, err
	}
	out.Events = []Event{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var e Event
		err := rows.Scan(e.columns()...)
		out.Events = append(out.Events, e)
		return err
	})
	if err != nil {
		return out, err
	}
	if len(out.Events) > f.Limit {
		out.Events = out.Events[:f.Limit]
		last := &out.Events[f.Limit-1]
		out.Next = Place{last.At.UnixMilli(), last.ID}
		return out, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT at, id FROM events`+indexed.where()+newest+`1 OFFSET `+fmt.Sprint(looked-1), indexed.args...).Scan(&out.Next.At, &out.Next.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return out, nil
	}
	out.Down = time.UnixMilli(out.Next.At).UTC()
	return out, err
}

// Struck is an address that an incident cost.
type Struck struct {
	Key     string
	Address string // as the latest event has it
	N       int    // failures
	Last    time.Time
	Reason  bounce.Reason
	Event   int64 // the latest
}

// Struck are the addresses that failed for an incident since a time, by key,
// beyond one: at most limit.
func (db Incidents) Struck(ctx context.Context, in *Incident, beyond string, limit int) ([]Struck, error) {
	cond, args := in.events()
	rows, err := db.Read.QueryContext(ctx, `SELECT key, address, n, at, reason, id FROM (
  SELECT key, address, at, reason, id, count(*) OVER (PARTITION BY key) AS n, row_number() OVER (PARTITION BY key ORDER BY at DESC, id DESC) AS place
  FROM events WHERE `+cond+` AND duplicate_of IS NULL AND key > ?) s WHERE place = 1 ORDER BY key LIMIT ?`, append(args, beyond, limit)...)
	if err != nil {
		return nil, fmt.Errorf("reading whom an incident struck: %w", engine.Explain(err))
	}
	var out []Struck
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var s Struck
		err := rows.Scan(&s.Key, &s.Address, &s.N, engine.When(&s.Last), engine.Text(&s.Reason), &s.Event)
		out = append(out, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading whom an incident struck: %w", engine.Explain(err))
	}
	return out, nil
}

// AddressOf is the address that an event is about; it fails with ErrNotFound.
func (db Notices) AddressOf(ctx context.Context, event int64) (address string, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT address FROM events WHERE id = ? AND key <> ''`, event).Scan(&address)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("the address of event %d: %w", event, engine.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("reading event %d: %w", event, engine.Explain(err))
	}
	return address, nil
}

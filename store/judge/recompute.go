package judge

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"math"
	"reflect"
	"time"
)

// Applied says what came of deciding all history anew.
type Applied struct {
	facts.Outcome
	Revised    int   `json:"revised"`    // events that read differently
	Generation int64 `json:"generation"` // of the list; grows with each time
}

// Apply decides all history under a scenario, stores what follows, and writes
// down who did what in the log of runs, under a kind. The list follows the
// configuration again when the database is opened the next time. It fails with
// ErrStopped under a clock that can't be believed.
func (db *Judge) Apply(ctx context.Context, s Scenario, kind job.Kind, why string) (Applied, error) {
	if !s.Now.IsZero() {
		return Applied{}, errors.New("another time can be tried, but not applied")
	}
	if err := db.MayDecide(ctx); err != nil {
		return Applied{}, err
	}
	under, ours := *db, *db.Ours
	ours.Policy = s.Policy
	under.Ours = &ours
	return under.Recompute(ctx, s, kind, why, Reach{Events: s.Meaning != nil})
}

// Reach is how much is derived anew. The zero value is the whole list, with the
// counts that it rests on.
type Reach struct {
	Events bool     `json:"events"` // single events are judged anew first
	Lines  []string `json:"lines"`  // only what falls under these policy lines; the counts stay as they are
}

// Recompute derives everything within reach anew from the stored facts: the events
// by the meaning where it is asked for, and the list by the policy. It works in
// steps, each committed, in bounded memory: first the events, then a walk over
// all addresses that finds those whose rows differ, and last one transaction
// that writes these. Until then the list is the old one, whole. What was cut off
// goes on where it was the next time, unless another meaning was tried.
func (db *Judge) Recompute(ctx context.Context, s Scenario, kind job.Kind, why string, r Reach) (a Applied, err error) {
	const doing = "computing the suppression list anew"
	var p progress
	err = db.transact(ctx, doing, func(w *Judging) error {
		was, err := ComputedWith(ctx, w.SQL)
		if err != nil {
			return err
		}
		p, err = w.resume(progress{With: db.fingerprint(was), Reach: r, again: s.Meaning == nil})
		return err
	})
	for err == nil && !p.Read {
		err = db.transact(ctx, doing, func(w *Judging) error { return w.reread(ctx, s.Meaning, &p) })
	}
	var windows []policy.Window
	if err == nil {
		err = db.Snapshot(ctx, func(q *engine.Snapshot) error {
			if len(r.Lines) > 0 {
				windows, _, err = ReadWindows(q.Ctx, q.SQL)
			} else {
				windows, err = allWindows(q, "events", time.UnixMilli(math.MaxInt64))
			}
			return err
		})
	}
	if err == nil && !p.Walked {
		err = db.Scratch(ctx, func(q *engine.Snapshot) error { return db.walk(q, windows, &p) })
	}
	if err != nil {
		return a, err
	}
	a.Revised = p.Revised
	err = db.transact(ctx, doing, func(w *Judging) error {
		if len(r.Lines) == 0 {
			if err := w.countAll(windows); err != nil {
				return err
			}
		}
		if err := w.settle(); err != nil {
			return err
		}
		if err := w.computedWith(p.With); err != nil {
			return err
		}
		a.Outcome = w.Out
		if err := w.logged(&a, kind, why); err != nil {
			return err
		}
		return w.guard()
	})
	return a, err
}

// progress is how far a recomputation has come.
type progress struct {
	With string `json:"with"` // the fingerprint that it works for
	Reach
	Event   int64  `json:"event"`   // the last that was read
	Revised int    `json:"revised"` // of them
	Read    bool   `json:"read"`    // all were
	Key     string `json:"key"`     // the last that was looked at
	Walked  bool   `json:"walked"`  // all were

	again bool // what was cut off can go on
}

const (
	readAtOnce   = 10_000 // events of one step
	walkedAtOnce = 20_000 // addresses of one step
)

// resume goes on with what was cut off, or begins anew.
func (w *Judging) resume(p progress) (progress, error) {
	var was progress
	var value string
	err := w.Row(`SELECT value FROM meta WHERE name = 'recomputing'`, nil, &value)
	if err == nil && p.again {
		if err = json.Unmarshal([]byte(value), &was); err != nil {
			err = nil // a damaged mark is none
		} else if was.With == p.With && reflect.DeepEqual(was.Reach, p.Reach) {
			return was, nil
		}
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	if _, err := w.Exec(`DELETE FROM undecided`); err != nil {
		return p, err
	}
	p.Read = !p.Events
	return p, w.keep(&p)
}

func (w *Judging) keep(p *progress) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = w.Exec(facts.PutMeta, "recomputing", string(value))
	return err
}

// reread judges the next events anew.
func (w *Judging) reread(ctx context.Context, meaning facts.Meaning, p *progress) error {
	var last sql.NullInt64
	if err := w.Row(`SELECT max(id) FROM (SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?) next`, []any{p.Event, readAtOnce}, &last); err != nil {
		return err
	}
	if p.Read = !last.Valid; p.Read {
		return w.keep(p)
	}
	n, err := w.Revise(ctx, meaning, p.Event, last.Int64)
	if err != nil {
		return err
	}
	p.Event, p.Revised = last.Int64, p.Revised+n
	return w.keep(p)
}

// walk looks at all addresses within reach and notes those whose rows differ.
func (db *Judge) walk(q *engine.Snapshot, windows []policy.Window, p *progress) error {
	decide, err := db.deciding(q, windows, db.Ours.Policy, db.Now())
	if err != nil {
		return err
	}
	var differ []string
	walked := 0
	note := func() error {
		err := db.transact(q.Ctx, "looking for what differs", func(w *Judging) error {
			if err := insertUndecided.Rows(w.Tx, differ); err != nil {
				return err
			}
			return w.keep(p)
		})
		differ = differ[:0]
		return err
	}
	selected, err := concerned(q, p.Lines)
	if err != nil {
		return err
	}
	err = eachPast(q, selected, p.Key, func(key string, past *past) error {
		if v := decide(key, past); past.differs(key, &v) {
			differ = append(differ, key)
		}
		p.Key = key
		if walked++; walked%walkedAtOnce != 0 {
			return nil
		}
		return note()
	})
	if err != nil {
		return err
	}
	p.Walked = true
	return note()
}

var insertUndecided = engine.Insert[string]{Table: "undecided", Conflict: "ON CONFLICT DO NOTHING", Columns: []engine.Column[string]{
	{Name: "key", Of: func(key *string) any { return *key }},
}}

// countAll writes the counts of all concentrations, and decides about the
// addresses that a burst since the walk concerns.
func (w *Judging) countAll(walked []policy.Window) error {
	if _, err := w.recount(); err != nil {
		return err
	}
	if err := w.within(movedWindows(walked, w.windows), w.Touched.Keys); err != nil {
		return err
	}
	return w.refold(w.Touched.Keys)
}

// settle writes the rows of the addresses that the walk found.
func (w *Judging) settle() error {
	for beyond := ""; ; {
		keys := map[string]bool{}
		rows, err := w.Query(`SELECT key FROM undecided WHERE key > ? ORDER BY key LIMIT ?`, beyond, 20*page)
		if err != nil {
			return err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			err := rows.Scan(&beyond)
			keys[beyond] = true
			return err
		})
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		if err := w.refold(keys); err != nil {
			return err
		}
	}
	if err := w.recountList(); err != nil {
		return err
	}
	if _, err := w.Exec(`DELETE FROM undecided`); err != nil {
		return err
	}
	_, err := w.Exec(`DELETE FROM meta WHERE name = 'recomputing'`)
	return err
}

// logged opens a new generation of the list and writes it into the log of
// runs. The log of an empty database would say nothing.
func (w *Judging) logged(a *Applied, kind job.Kind, why string) error {
	err := w.SQL.QueryRowContext(w.Ctx, `INSERT INTO meta (name, value) SELECT 'generation', '1' WHERE EXISTS (SELECT 1 FROM events)
 ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT) RETURNING value`).Scan(&a.Generation)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	detail := fmt.Sprintf("generation %d: %s; %s read differently, %d suppressed, %d lifted, %d held", a.Generation, why, count.Of(a.Revised, "event"), a.Added, a.Removed, a.Held)
	_, err = w.SQL.ExecContext(w.Ctx, `INSERT INTO runs (kind, started, ended, ok, detail) VALUES (?, ?, ?, 1, ?)`, kind, w.Now.UnixMilli(), w.Now.UnixMilli(), detail)
	return err
}

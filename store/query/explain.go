package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"slices"
	"time"
)

// Explanation says why an address is, or is not, on the list: all that is
// stored about it and what the policy makes of it.
type Explanation struct {
	Address   string            `json:"address"` // as first seen, else as asked for
	Key       string            `json:"key"`
	State     policy.State      `json:"state"`
	Why       string            `json:"why,omitempty"`     // an operator's word, or why it is protected
	WhyNot    []string          `json:"why_not"`           // why it is not on the list; none when it is
	Listed    []Suppression     `json:"listed"`            // what stands on the list, held rows included
	Events    []ExplainedEvent  `json:"events"`            // oldest first
	Overrides []policy.Override `json:"overrides"`         // acts that cover the address, undone ones too
	Standing  []Standing        `json:"standing"`          // what is in force, and on what it rests
	Counters  []policy.Counter  `json:"counters"`          // what counts, and is short of its policy line
	Windows   []policy.Window   `json:"windows"`           // bursts that hold or discount some of the events
	Rulings   []policy.Ruling   `json:"rulings"`           // the operator's decisions about such bursts, latest first
	Episodes  []policy.Episode  `json:"-"`                 // in force, in full
	Past      []policy.Episode  `json:"-"`                 // expired or lifted
	History   []judge.Change    `json:"history"`           // how the list changed for it, oldest first
	Exports   []facts.Export    `json:"exports"`           // files that carry it: published after it came into force
	Stopped   *judge.Trip       `json:"stopped,omitempty"` // the guard keeps the exports still
	Changes   []string          `json:"changes"`           // what would change the verdict
}

// Standing is one stretch of time in which evidence, or the operator, speaks
// against the address, with the events that were counted.
type Standing struct {
	Source    policy.Source `json:"source"`
	Family    string        `json:"family"`
	Line      string        `json:"line"`   // the policy line, in words
	Origin    string        `json:"origin"` // "built in", or where the operator set the line
	Stream    string        `json:"stream,omitempty"`
	Since     time.Time     `json:"since"`
	LastSeen  time.Time     `json:"last_seen"`
	Expires   time.Time     `json:"expires,omitzero"`
	Held      bool          `json:"held,omitempty"`
	HeldUntil time.Time     `json:"held_until,omitzero"`
	Events    []int64       `json:"events"`             // counted, by id
	Override  int64         `json:"override,omitempty"` // the operator's act
	Import    int64         `json:"import,omitempty"`   // that brought it
}

// Carried says what a file that is exported under a name takes of the list.
type Carried map[string]Filter

// Explain derives the verdict on an address anew from what is stored. exports
// are the files in use: what another wrote once is taken to carry everything.
func (db List) Explain(ctx context.Context, address string, exports Carried) (Explanation, error) {
	x := Explanation{Address: address, Key: policy.Key(engine.CleanText(address))}
	if err := db.explain(ctx, &x, exports); err != nil {
		return x, fmt.Errorf("explaining %s: %w", address, engine.Explain(err))
	}
	return x, nil
}

func (db List) explain(ctx context.Context, x *Explanation, exports Carried) error {
	return db.Snapshot(ctx, func(q *engine.Snapshot) error { return db.explained(q, x, exports) })
}

func (db List) explained(q *engine.Snapshot, x *Explanation, exports Carried) error {
	ctx, tx := q.Ctx, q.SQL
	v, err := db.judge.Verdict(q, x.Key)
	if err != nil {
		return err
	}
	x.State, x.Why, x.Episodes, x.Past = v.State, v.Why, v.Episodes, v.Past
	x.Counters, x.Overrides, x.Windows, x.Rulings = v.Counters, v.Acts, v.Windows, v.Rulings
	for _, ep := range v.Episodes {
		st := Standing{Source: ep.Source, Family: ep.Family, Line: ep.Line.String(), Origin: ep.Line.Origin, Stream: ep.Stream, Since: ep.Since,
			LastSeen: ep.LastSeen, Expires: ep.Expires, Held: ep.Held, HeldUntil: ep.HeldUntil, Override: ep.Override, Import: ep.Import, Events: []int64{}}
		for _, i := range ep.Counted {
			st.Events = append(st.Events, v.Events[i].ID)
		}
		x.Standing = append(x.Standing, st)
	}
	full, err := eventsOf(ctx, tx, `e.key = ?`, x.Key)
	if err != nil {
		return err
	}
	for i, e := range v.Events {
		full := full[e.ID]
		db.attribution(&full)
		n := v.Notes[i]
		full.Line, full.Counted, full.Why = n.Line, n.Counted, n.Why
		full.Beside = n.Beside
		if n.DuplicateOf >= 0 {
			full.DuplicateOf = v.Events[n.DuplicateOf].ID
		}
		x.Events = append(x.Events, full)
	}
	if len(x.Events) > 0 {
		x.Address = x.Events[0].Address
	}
	if x.Listed, err = db.Lookup(ctx, x.Key); err != nil {
		return err
	}
	// What was forgotten stands on the list without an event.
	if x.State == policy.Clear && slices.ContainsFunc(x.Listed, func(s Suppression) bool { return s.State == policy.Suppressed }) {
		x.State = policy.Suppressed
	}
	if x.History, err = history(ctx, tx, x.Key); err != nil {
		return err
	}
	if x.Exports, err = carriers(ctx, tx, x.History, exports); err != nil {
		return err
	}
	if trip, stopped, err := db.guard.Tripped(ctx); err != nil {
		return err
	} else if stopped {
		x.Stopped = &trip
	}
	x.Changes = v.WhatIf()
	if x.State != policy.Suppressed {
		x.WhyNot = v.WhyNot()
	}
	return nil
}

func history(ctx context.Context, q engine.Querier, key string) (out []judge.Change, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+judge.ChangeColumns+` FROM changes WHERE key = ? ORDER BY id`, key)
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var c judge.Change
		err := rows.Scan(c.Columns()...)
		out = append(out, c)
		return err
	})
	return out, err
}

// slot is where a row of the list stands for an address.
type slot struct{ source, stream string }

// carriers are the files whose newest generation was written while the address
// stood on the part of the list that they take.
func carriers(ctx context.Context, q engine.Querier, changes []judge.Change, exports Carried) (out []facts.Export, err error) {
	rows, err := q.QueryContext(ctx, `SELECT name, profile, path, generation, at, rows, bytes, sha256 FROM exports e
 WHERE state = 'published' AND generation = (SELECT max(generation) FROM exports n WHERE n.name = e.name AND n.state = 'published') ORDER BY name`)
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var e facts.Export
		err := rows.Scan(&e.Name, &e.Profile, &e.Path, &e.Generation, engine.When(&e.At), &e.Rows, &e.Bytes, &e.SHA256)
		standing, came := map[slot]bool{}, map[slot]time.Time{}
		for _, c := range changes {
			if c.At.After(e.At) {
				continue
			}
			s := slot{c.Source, c.Stream}
			if c.Op == "add" && c.Why != "" {
				c.At = came[s] // it stood already, for another reason
			}
			came[s], standing[s] = c.At, c.Op == "add" && exports[e.Name].takes(c)
		}
		for _, on := range standing {
			if on {
				out = append(out, e)
				break
			}
		}
		return err
	})
	return out, err
}

// takes tells whether a row of the list falls under the filter.
func (f Filter) takes(c judge.Change) bool {
	return (len(f.Sources) == 0 || slices.Contains(f.Sources, c.Source)) &&
		(f.Stream == "" || c.Stream == "" || c.Stream == f.Stream) &&
		(len(f.Reasons) == 0 || slices.Contains(f.Reasons, c.Reason)) &&
		(len(f.Domains) == 0 || slices.ContainsFunc(f.Domains, func(d string) bool { return policy.DomainKey(d) == policy.Domain(c.Key) })) &&
		(len(f.Classes) == 0 || slices.Contains(f.Classes, c.Class)) &&
		!c.At.Before(f.Since)
}

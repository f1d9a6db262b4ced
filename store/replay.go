package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"harvester/store/policy"
)

// Scenario is under what all stored history is decided again. Nothing is
// written.
type Scenario struct {
	Policy  policy.Table
	Now     time.Time // zero: the database's own
	Meaning Meaning   // nil: as stored
}

// Difference is how the list would differ from the one that stands.
type Difference struct {
	Events   int       `json:"events"`  // looked at
	Revised  int       `json:"revised"` // that read differently
	Before   int       `json:"before"`  // rows in force
	After    int       `json:"after"`
	Readings []Reading `json:"readings"` // what reads differently, most frequent first
	Groups   []Group   `json:"groups"`   // the changes by domain, reason and stream, each with the most changes first
	Changes  []Change  `json:"changes"`  // by address; At is the evidence's time
}

// Reading is how many stored replies another rule pack reads differently.
type Reading struct {
	Was  string `json:"was"`  // reason
	Rule string `json:"rule"` // that gave it, "" for none
	Now  string `json:"now"`  // reason; it may be the same, by another rule
	By   string `json:"by"`   // the rule that gives it
	N    int    `json:"n"`
}

// Group is how many rows of the list that have something in common would
// change.
type Group struct {
	By      string `json:"by"` // domain, reason, stream
	Name    string `json:"name"`
	Added   int    `json:"added"`
	Held    int    `json:"held"`
	Removed int    `json:"removed"`
}

// group counts the changes.
func (d *Difference) group() {
	d.Groups = []Group{}
	if d.Changes == nil {
		d.Changes = []Change{}
	}
	if d.Readings == nil {
		d.Readings = []Reading{}
	}
	for _, by := range []struct {
		name string
		of   func(Change) string
	}{
		{"domain", func(c Change) string { return policy.Domain(c.Key) }},
		{"reason", func(c Change) string { return c.Reason }},
		{"stream", func(c Change) string { return c.Stream }},
	} {
		at := map[string]*Group{}
		for _, c := range d.Changes {
			g := at[by.of(c)]
			if g == nil {
				g = &Group{By: by.name, Name: by.of(c)}
				at[g.Name] = g
			}
			switch c.Op {
			case "add":
				g.Added++
			case "hold":
				g.Held++
			case "remove":
				g.Removed++
			}
		}
		names := slices.SortedFunc(maps.Keys(at), func(a, b string) int {
			return cmp.Or(cmp.Compare(at[b].size(), at[a].size()), strings.Compare(a, b))
		})
		for _, n := range names {
			d.Groups = append(d.Groups, *at[n])
		}
	}
}

func (g *Group) size() int { return g.Added + g.Held + g.Removed }

// listRow is what a replay compares of a row.
type listRow struct {
	state, reason, address, line string
	since                        time.Time
}

// Replay decides all history under a scenario and returns the difference to
// the list that stands. Under what the list was computed with it is empty.
func (db *DB) Replay(ctx context.Context, s Scenario) (Difference, error) {
	d, err := db.replay(ctx, s)
	if err != nil {
		return d, fmt.Errorf("replaying history: %w", clear(err))
	}
	return d, nil
}

func (db *DB) replay(ctx context.Context, s Scenario) (d Difference, err error) {
	if s.Now.IsZero() {
		s.Now = db.opts.Now()
	}
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot
	if err != nil {
		return d, err
	}
	defer tx.Rollback() // it only read
	w := &writing{ctx: ctx, db: db, tx: tx, now: s.Now}
	history, windows, err := w.imagine(s, &d)
	if err != nil {
		return d, err
	}
	_, rulings, err := readWindows(ctx, tx)
	if err != nil {
		return d, err
	}
	acts, err := overridesByPattern(ctx, tx)
	if err != nil {
		return d, err
	}
	stands, err := standing(ctx, tx, db.opts.Now())
	if err != nil {
		return d, err
	}
	keys := map[string]bool{}
	for k := range history {
		keys[k] = true
	}
	for k := range stands {
		keys[k] = true
	}
	for k := range acts.plain {
		keys[k] = true
	}
	for key := range keys {
		var events []policy.Event
		for _, e := range history[key] {
			e.place(windows, rulings)
			events = append(events, e.Event)
		}
		v := policy.Evaluate(events, acts.on(key), s.Policy, s.Now)
		if policy.Protected(key, db.own) != "" {
			v.Episodes = nil
		}
		d.compare(key, v, stands[key])
	}
	slices.SortFunc(d.Changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Source, b.Source), strings.Compare(a.Stream, b.Stream), strings.Compare(a.Op, b.Op))
	})
	d.group()
	return d, nil
}

// imagine reads all history under a scenario's reading, and the windows that
// it would make.
func (w *writing) imagine(s Scenario, d *Difference) (map[string][]storedEvent, []policy.Window, error) {
	history := map[string][]storedEvent{}
	members := map[bin]map[string]bool{}
	revised := map[int64]*judged{}
	readings := map[Reading]int{}
	if s.Meaning != nil {
		err := w.eachJudged(w.ctx, 0, math.MaxInt64, func(j *judged) error {
			before := j.rcpt
			j.mean(s.Meaning)
			if j.rcpt != before {
				w.db.conclude(&j.was, &j.res, &j.rcpt)
				revised[j.id] = j
				d.Revised++
				readings[Reading{Was: before.Reason.String(), Rule: before.Rule, Now: j.rcpt.Reason.String(), By: j.rcpt.Rule}]++
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for r, n := range readings {
		r.N = n
		d.Readings = append(d.Readings, r)
	}
	slices.SortFunc(d.Readings, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Was+a.Rule+a.Now+a.By, b.Was+b.Rule+b.Now+b.By))
	})
	rows, err := w.tx.QueryContext(w.ctx, selectAllHistory)
	if err != nil {
		return nil, nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
		e, err := scanEvent(rows)
		if err != nil || e.At.After(s.Now) {
			return err
		}
		d.Events++
		if j := revised[e.ID]; j != nil {
			e.Reason, e.Confidence, e.Rule, e.concern = j.rcpt.Reason, j.rcpt.Confidence, j.rcpt.Rule, j.was.concern
		}
		history[e.key] = append(history[e.key], e)
		for kind, subject := range policy.Subjects(e.concern, e.operator, policy.Domain(e.key)) {
			b := bin{kind, subject, e.At.UnixMilli() / policy.Width(kind).Milliseconds()}
			if members[b] == nil {
				members[b] = map[string]bool{}
			}
			if kind == policy.OwnPath {
				members[b][e.operator] = true
			} else {
				members[b][e.key] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	bins := map[bin][]policy.Bin{} // by subject
	for b, m := range members {
		s := bin{b.kind, b.subject, 0}
		bins[s] = append(bins[s], policy.Bin{Start: time.UnixMilli(b.at * policy.Width(b.kind).Milliseconds()).UTC(), N: len(m)})
	}
	var windows []policy.Window
	for s, bs := range bins {
		windows = append(windows, policy.Windows(s.kind, s.subject, bs)...)
	}
	return history, windows, nil
}

func (d *Difference) compare(key string, v policy.Verdict, stands map[slot]listRow) {
	now := map[slot]bool{}
	for _, ep := range v.List() {
		s := slot{ep.Source.String(), ep.Stream}
		now[s] = true
		c := Change{At: ep.Since, Op: "add", Key: key, Address: key, Source: s.source, Stream: s.stream, Reason: "manual", Why: ep.Line.String()}
		if ep.Trigger >= 0 {
			e := v.Events[ep.Trigger]
			c.Reason, c.Address = e.Reason.String(), e.Address
			if ep.Source != policy.SourceBounce {
				c.Reason = s.source
			} else {
				c.Class = e.Reason.Class(e.Action)
			}
		}
		was, stood := stands[s]
		if ep.Held {
			c.Op = "hold"
		} else {
			d.After++
		}
		if stood && (was.state == policy.HeldBack.String()) == ep.Held {
			continue
		}
		d.Changes = append(d.Changes, c)
	}
	for s, was := range stands {
		if was.state == policy.Suppressed.String() {
			d.Before++
		}
		if !now[s] {
			d.Changes = append(d.Changes, Change{At: was.since, Op: "remove", Key: key, Address: was.address, Source: s.source, Stream: s.stream,
				Reason: was.reason, Why: "it rested on: " + was.line})
		}
	}
}

// standing is the list as it holds now: rows that expired and were not yet
// cleared away are left out.
func standing(ctx context.Context, q querier, now time.Time) (map[string]map[slot]listRow, error) {
	rows, err := q.QueryContext(ctx, `SELECT key, source, stream, state, reason, address, line, since FROM suppressions WHERE expires IS NULL OR expires > ?`, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	out := map[string]map[slot]listRow{}
	return out, scan(rows, func(rows *sql.Rows) error {
		var key string
		var s slot
		var r listRow
		err := rows.Scan(&key, &s.source, &s.stream, &r.state, &r.reason, &r.address, &r.line, when{&r.since})
		if out[key] == nil {
			out[key] = map[slot]listRow{}
		}
		out[key][s] = r
		return err
	})
}

// actIndex finds the acts on an address.
type actIndex struct {
	plain   map[string][]policy.Override
	domains []policy.Override
}

func overridesByPattern(ctx context.Context, q querier) (actIndex, error) {
	a := actIndex{plain: map[string][]policy.Override{}}
	rows, err := q.QueryContext(ctx, `SELECT `+overrideColumns+` FROM overrides o WHERE o.act <> 'undo' ORDER BY o.id`)
	if err != nil {
		return a, err
	}
	all, err := scanOverrides(rows)
	for _, o := range all {
		if strings.HasPrefix(o.Pattern, "@") {
			a.domains = append(a.domains, o)
		} else {
			a.plain[o.Pattern] = append(a.plain[o.Pattern], o)
		}
	}
	return a, err
}

func (a actIndex) on(key string) []policy.Override {
	out := slices.Clone(a.plain[key])
	for _, o := range a.domains {
		if policy.Covers(o.Pattern, key) {
			out = append(out, o)
		}
	}
	return out
}

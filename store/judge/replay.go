package judge

import (
	"cmp"
	"context"
	"fmt"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Scenario is under what all stored history is decided again. Nothing is
// written.
type Scenario struct {
	Policy  policy.Table
	Now     time.Time     // zero: the database's own
	Meaning facts.Meaning // nil: as stored
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

// Replay decides all history under a scenario and returns the difference to
// the list that stands. Under what the list was computed with it is empty. It
// reads one moment of the database, addresses in order, a bounded number of
// them at a time: memory holds the difference and the bursts.
func (db *Judge) Replay(ctx context.Context, s Scenario) (d Difference, err error) {
	if s.Now.IsZero() {
		s.Now = db.Now()
	}
	replay := func(q *engine.Snapshot) error { return db.replay(q, s, &d) }
	if err = db.Scratch(ctx, replay); err != nil {
		return d, fmt.Errorf("replaying history: %w", engine.Explain(err))
	}
	return d, nil
}

func (db *Judge) replay(q *engine.Snapshot, s Scenario, d *Difference) error {
	events, selected := "events", inOrder
	if s.Meaning != nil {
		if err := db.imagine(q, s.Meaning, d); err != nil {
			return err
		}
		events, selected = imaginedEvents, imagined
	}
	err := q.SQL.QueryRowContext(q.Ctx, `SELECT count(*) FROM events WHERE at <= ?`, s.Now.UnixMilli()).Scan(&d.Events)
	if err != nil {
		return err
	}
	windows, err := allWindows(q, events, s.Now)
	if err != nil {
		return err
	}
	decide, err := db.deciding(q, windows, s.Policy, s.Now)
	if err != nil {
		return err
	}
	now := db.Now().UnixMilli()
	err = eachPast(q, selected, "", func(key string, p *past) error {
		v := decide(key, p)
		d.compare(key, &v, p.listed, now)
		return q.Ctx.Err()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(d.Changes, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Source, b.Source), strings.Compare(a.Stream, b.Stream), strings.Compare(a.Op, b.Op))
	})
	d.group()
	return nil
}

// reread holds, of one connection, the events that another meaning reads
// differently.
const createReread = `CREATE TEMP TABLE reread (id INTEGER PRIMARY KEY, reason TEXT, confidence TEXT, rule TEXT, concern TEXT, unread TEXT)`

// imaginedEvents are the events as far as concentrations count them, as they
// would read.
const imaginedEvents = `(SELECT e.key, e.domain, e.operator, e.forgeable, e.at, ifnull(r.concern, e.concern) AS concern FROM events e LEFT JOIN reread r ON r.id = e.id) AS imagined`

// imagined is inOrder, as the events would read.
var imagined = selections{
	events: "SELECT " + strings.NewReplacer("e.reason", "ifnull(r.reason, e.reason)", "e.confidence", "ifnull(r.confidence, e.confidence)",
		"e.rule", "ifnull(r.rule, e.rule)", "e.concern", "ifnull(r.concern, e.concern)", "e.unread", "ifnull(r.unread, e.unread)").Replace(engine.Names(eventFields)) +
		" FROM events e NOT INDEXED LEFT JOIN reread r ON r.id = e.id WHERE e.key > ? ORDER BY e.key",
	rows: inOrder.rows, acts: inOrder.acts,
}

type rereading struct {
	id      int64
	rcpt    parse.Recipient
	concern string
}

var insertRereadings = engine.Insert[rereading]{Table: "reread", Columns: []engine.Column[rereading]{
	{Name: "id", Of: func(r *rereading) any { return r.id }},
	{Name: "reason", Of: func(r *rereading) any { return r.rcpt.Reason.String() }},
	{Name: "confidence", Of: func(r *rereading) any { return r.rcpt.Confidence.String() }},
	{Name: "rule", Of: func(r *rereading) any { return r.rcpt.Rule }},
	{Name: "concern", Of: func(r *rereading) any { return r.concern }},
	{Name: "unread", Of: func(r *rereading) any { return r.rcpt.Unread }},
}}

// imagine reads all replies by another meaning, and keeps what it says where
// it differs.
func (db *Judge) imagine(q *engine.Snapshot, meaning facts.Meaning, d *Difference) error {
	if _, err := q.SQL.ExecContext(q.Ctx, createReread); err != nil {
		return err
	}
	readings := map[Reading]int{}
	var some []rereading
	err := facts.EachStored(q, 0, math.MaxInt64, func(j *facts.Stored) error {
		before := j.Rcpt
		j.Reread(meaning)
		if j.Rcpt == before {
			return nil
		}
		some = append(some, rereading{j.ID, j.Rcpt, j.Concern(db.Ours)})
		d.Revised++
		readings[Reading{Was: before.Reason.String(), Rule: before.Rule, Now: j.Rcpt.Reason.String(), By: j.Rcpt.Rule}]++
		if len(some) < 1024 {
			return nil
		}
		err := insertRereadings.Rows(q, some)
		some = some[:0]
		return err
	})
	if err != nil {
		return err
	}
	if err := insertRereadings.Rows(q, some); err != nil {
		return err
	}
	for r, n := range readings {
		r.N = n
		d.Readings = append(d.Readings, r)
	}
	slices.SortFunc(d.Readings, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Was+a.Rule+a.Now+a.By, b.Was+b.Rule+b.Now+b.By))
	})
	return nil
}

// compare adds what would change for one address. Rows that expired and were
// not yet cleared away do not count as standing.
func (d *Difference) compare(key string, v *policy.Verdict, stands map[slot]row, at int64) {
	maps.DeleteFunc(stands, func(_ slot, r row) bool { return r.expires.Valid && r.expires.Int64 <= at })
	suppressed := policy.Suppressed.String()
	asked := map[slot]bool{}
	for _, r := range rowsOf(key, v) {
		asked[r.slot()] = true
		c := r.change("add")
		c.Why = r.line
		if r.state == suppressed {
			d.After++
		} else {
			c.Op = "hold"
		}
		if was, stood := stands[r.slot()]; !stood || was.state != r.state {
			d.Changes = append(d.Changes, c)
		}
	}
	for s, was := range stands {
		if was.state == suppressed {
			d.Before++
		}
		if !asked[s] {
			c := was.change("remove")
			c.Class, c.Why = bounce.ClassNone, "it rested on: "+was.line
			d.Changes = append(d.Changes, c)
		}
	}
}

// change is a row as the list's history shows it; At is the evidence's time.
func (r *row) change(op string) Change {
	c := Change{At: time.UnixMilli(r.since).UTC(), Op: op, Key: r.key, Address: r.address, Source: r.source, Stream: r.stream, Reason: r.reason}
	_ = c.Class.UnmarshalText([]byte(r.class)) // we wrote it
	return c
}

package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/policy"
	"math"
	"slices"
	"strings"
	"time"
)

// Incident is a stretch of failures with one cause on our side: what it is,
// how to mend it, whom it hit.
type Incident struct {
	ID        string         `json:"id"`     // of the cause, with our domain: "spf:example.org"
	Cause     policy.Cause   `json:"cause"`  // title, steps, page
	Domain    string         `json:"domain"` // of ours, where a record of it has to be mended
	Named     []string       `json:"named"`  // addresses and selectors that the replies name
	Opened    time.Time      `json:"opened"`
	LastSeen  time.Time      `json:"last_seen"`
	Closed    time.Time      `json:"closed,omitzero"`     // zero: open
	ClosedBy  string         `json:"closed_by,omitempty"` // quiet, or success: a receiver that it hit took mail since
	Count     int            `json:"count"`               // failures
	Addresses int            `json:"addresses"`           // that they concern
	Hours     []policy.Tally `json:"hours"`
	Earlier   int            `json:"earlier"`   // incidents of the same cause before it
	Includes  []string       `json:"includes"`  // causes that only follow from it
	Receivers []string       `json:"receivers"` // who runs the servers that refused
	Proven    int            `json:"proven"`    // failures that are shown to be of our mail; see docs/proof.md
	ProvenBy  int            `json:"proven_by"` // receivers behind them; those whose notices anybody can have written count once for each sender
	Sample    string         `json:"sample"`    // the latest reply
	Acts      []IncidentAct  `json:"acts"`

	shown bool // some of them by notices that nobody outside can have made up
}

// IncidentAct is what an operator did about an incident.
type IncidentAct struct {
	At     time.Time `json:"at"`
	Act    string    `json:"act"` // ack, note
	Text   string    `json:"text"`
	Author string    `json:"author"`
}

// Incidents returns the incidents that were open at or after since, the open
// ones first, then by the last failure. They are a fold over the stored
// events: nothing but an operator's acts is kept of them.
func (db Incidents) Incidents(ctx context.Context, since time.Time) ([]Incident, error) {
	return db.incidents(ctx, func(in *Incident) bool { return in.Closed.IsZero() || !in.Closed.Before(since) }, math.MaxInt)
}

// Of returns the incidents of one cause, by its id, the open one first, then by
// the last failure. So many of them are whole; of the others only the hours are
// read, and what follows from them.
func (db Incidents) Of(ctx context.Context, id string, whole int) ([]Incident, error) {
	return db.incidents(ctx, func(in *Incident) bool { return in.ID == id }, whole)
}

func (db Incidents) incidents(ctx context.Context, wanted func(*Incident) bool, whole int) ([]Incident, error) {
	out, err := db.fold(ctx, wanted, whole)
	if err != nil {
		return nil, fmt.Errorf("reading the incidents: %w", engine.Explain(err))
	}
	return out, nil
}

// fold is what the stored events come to.
func (db Incidents) fold(ctx context.Context, wanted func(*Incident) bool, whole int) ([]Incident, error) {
	tx, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only read
	rows, err := tx.QueryContext(ctx, `SELECT cause, at / 3600000, count(*) FROM events WHERE cause <> '' AND duplicate_of IS NULL
 GROUP BY cause, at / 3600000 ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	hours := map[string][]policy.Tally{}
	var causes []string
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var cause string
		var hour int64
		var n int
		err := rows.Scan(&cause, &hour, &n)
		if hours[cause] == nil {
			causes = append(causes, cause)
		}
		hours[cause] = append(hours[cause], policy.Tally{Hour: time.UnixMilli(hour * 3600000).UTC(), N: n})
		return err
	})
	if err != nil {
		return nil, err
	}
	successes, err := successesOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	var all []policy.Incident
	for _, c := range causes {
		all = append(all, policy.Incidents(c, hours[c], successes[c], db.Now())...)
	}
	paths, err := pathIncidents(ctx, tx, db.Now())
	if err != nil {
		return nil, err
	}
	all = append(all, paths...)
	merged := merge(all)
	out := slices.DeleteFunc(slices.Clone(merged), func(in Incident) bool { return !wanted(&in) })
	watched, err := watchIncidents(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	out = append(out, watched...)
	slices.SortStableFunc(out, func(a, b Incident) int {
		if a.Closed.IsZero() != b.Closed.IsZero() {
			if a.Closed.IsZero() {
				return -1
			}
			return 1
		}
		return b.LastSeen.Compare(a.LastSeen)
	})
	for i := range out[:min(whole, len(out))] {
		if in := &out[i]; in.Count > 0 { // a watched record has no failures
			if err := in.complete(ctx, tx, in.next(merged)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// successesOf are, by cause, the times at which receivers that it hit took mail
// of ours.
func successesOf(ctx context.Context, q engine.Querier) (map[string][]time.Time, error) {
	rows, err := q.QueryContext(ctx, `SELECT h.cause, s.at FROM (SELECT DISTINCT operator, at FROM events WHERE `+succeeded+` AND proof <> 'returned') s
 JOIN (SELECT DISTINCT cause, operator FROM events WHERE cause <> '') h ON h.operator = s.operator`)
	if err != nil {
		return nil, err
	}
	out := map[string][]time.Time{}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var cause string
		var at time.Time
		err := rows.Scan(&cause, engine.When(&at))
		out[cause] = append(out[cause], at)
		return err
	})
}

// succeeded is the condition of the index events_success.
const succeeded = `(action = 'delivered' OR kind = 'receipt') AND proof <> 'none'`

// pathIncidents are the windows in which our own path was broken.
func pathIncidents(ctx context.Context, q engine.Querier, now time.Time) ([]policy.Incident, error) {
	windows, _, err := judge.ReadWindows(ctx, q)
	if err != nil {
		return nil, err
	}
	hours := map[string][]policy.Tally{}
	var causes []string
	for _, x := range windows {
		if x.Kind != policy.OwnPath {
			continue
		}
		rows, err := q.QueryContext(ctx, `SELECT at / 3600000, count(*) FROM events WHERE concern = ? AND at >= ? AND at < ? GROUP BY 1 ORDER BY 1`,
			x.Subject, x.Start.UnixMilli(), x.Until.UnixMilli())
		if err != nil {
			return nil, err
		}
		cause := policy.PathKey(x.Subject)
		if hours[cause] == nil {
			causes = append(causes, cause)
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var hour int64
			var n int
			err := rows.Scan(&hour, &n)
			hours[cause] = append(hours[cause], policy.Tally{Hour: time.UnixMilli(hour * 3600000).UTC(), N: n})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var out []policy.Incident
	for _, c := range causes {
		out = append(out, policy.Incidents(c, hours[c], nil, now)...)
	}
	return out, nil
}

// merge puts what only follows from another incident into it.
func merge(all []policy.Incident) []Incident {
	into := make([]int, len(all))
	for i := range all {
		into[i] = i
		for j := range all {
			if policy.Consequence(all[j], all[i]) {
				into[i] = j
				break
			}
		}
	}
	at := map[int]*Incident{}
	var order []int
	for i, in := range all {
		if into[i] == i {
			c, domain, _ := policy.CauseByKey(in.Cause)
			at[i] = &Incident{ID: in.Cause, Cause: c, Domain: domain, Opened: in.Opened, LastSeen: in.LastSeen, Closed: in.Closed, ClosedBy: in.ClosedBy,
				Count: in.Count, Hours: in.Hours, Earlier: in.Earlier, Includes: []string{}, Named: []string{}, Receivers: []string{}, Acts: []IncidentAct{}}
			order = append(order, i)
		}
	}
	for i, in := range all {
		if into[i] == i {
			continue
		}
		to := at[into[i]]
		to.Count += in.Count
		if in.Opened.Before(to.Opened) {
			to.Opened = in.Opened
		}
		if in.LastSeen.After(to.LastSeen) {
			to.LastSeen, to.Closed, to.ClosedBy = in.LastSeen, in.Closed, in.ClosedBy
		}
		to.Hours = addHours(to.Hours, in.Hours)
		if !slices.Contains(to.Includes, in.Cause) {
			to.Includes = append(to.Includes, in.Cause)
		}
	}
	out := make([]Incident, len(order))
	for n, i := range order {
		out[n] = *at[i]
	}
	return out
}

func addHours(a, b []policy.Tally) []policy.Tally {
	sum := slices.Clone(a)
	for _, h := range b {
		i, found := slices.BinarySearchFunc(sum, h, func(x, y policy.Tally) int { return x.Hour.Compare(y.Hour) })
		if found {
			sum[i].N += h.N
		} else {
			sum = slices.Insert(sum, i, h)
		}
	}
	return sum
}

// next is when the following incident of the same cause opened, zero when
// there is none.
func (in *Incident) next(all []Incident) (at time.Time) {
	for _, o := range all {
		if o.ID == in.ID && o.Opened.After(in.Opened) && (at.IsZero() || o.Opened.Before(at)) {
			at = o.Opened
		}
	}
	return at
}

// events is the condition under which an event belongs to the incident.
func (in *Incident) events() (cond string, args []any) {
	cond, args = causedBy(append([]string{in.ID}, in.Includes...)...)
	return cond + ` AND at >= ? AND at < ?`, append(args, in.Opened.UnixMilli(), in.LastSeen.Add(time.Hour).UnixMilli())
}

// causedBy is the condition of the events of an incident and those that it
// includes, by their ids. The index holds events with a cause only, and is not
// used where the condition doesn't say that.
func causedBy(ids ...string) (cond string, args []any) {
	if concern, ok := policy.PathConcern(ids[0]); ok {
		return `concern = ?`, []any{concern}
	}
	for _, id := range ids {
		args = append(args, id)
	}
	return `cause <> '' AND cause IN (?` + strings.Repeat(`,?`, len(ids)-1) + `)`, args
}

// complete reads what the fold does not carry: names, receivers, the latest
// reply, the operator's acts up to the next incident of the cause. Many a note
// is written when the incident is over.
func (in *Incident) complete(ctx context.Context, q engine.Querier, next time.Time) error {
	cond, args := in.events()
	words := func(column string, limit int) ([]string, error) {
		rows, err := q.QueryContext(ctx, `SELECT `+column+` FROM events WHERE `+cond+` AND `+column+` <> '' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT `+fmt.Sprint(limit), args...)
		if err != nil {
			return nil, err
		}
		out := []string{}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var s string
			err := rows.Scan(&s)
			out = append(out, s)
			return err
		})
		return out, err
	}
	var err error
	if in.Named, err = words(`named`, 20); err != nil {
		return err
	}
	if in.Receivers, err = words(`operator`, 1000); err != nil {
		return err
	}
	if err = q.QueryRowContext(ctx, `SELECT count(DISTINCT key) FROM events WHERE `+cond+` AND duplicate_of IS NULL AND key <> ''`, args...).Scan(&in.Addresses); err != nil {
		return err
	}
	if err = in.prove(ctx, q, cond, args); err != nil {
		return err
	}
	err = q.QueryRowContext(ctx, `SELECT diagnostic FROM events WHERE `+cond+` ORDER BY at DESC, key LIMIT 1`, args...).Scan(&in.Sample)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	rows, err := q.QueryContext(ctx, `SELECT at, act, text, author FROM incident_acts WHERE incident = ? AND at >= ? ORDER BY id`, in.ID, in.Opened.UnixMilli())
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var a IncidentAct
		err := rows.Scan(engine.When(&a.At), &a.Act, &a.Text, &a.Author)
		if next.IsZero() || a.At.Before(next) {
			in.Acts = append(in.Acts, a)
		}
		return err
	})
}

// IncidentAct records that an operator has seen an incident ("ack") or wrote
// something down about it ("note"). It fails with ErrNotFound for an id that
// never was an incident.
func (db Incidents) IncidentAct(ctx context.Context, id, act, text, author string) error {
	if act != "ack" && act != "note" {
		return fmt.Errorf("unknown act %q on an incident (ack or note)", act)
	}
	if strings.TrimSpace(author) == "" || act == "note" && strings.TrimSpace(text) == "" {
		return errors.New("an act on an incident needs an author, and a note its text")
	}
	known, err := db.Of(ctx, id, 0)
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return fmt.Errorf("incident %q: %w", id, engine.ErrNotFound)
	}
	return db.Transact(ctx, "recording an act on an incident", func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(ctx, `INSERT INTO incident_acts (at, incident, act, text, author) VALUES (?,?,?,?,?)`, w.Now.UnixMilli(), id, act, text, author)
		return err
	})
}

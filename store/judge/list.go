package judge

import (
	"cmp"
	"database/sql"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
)

// row is what the list shows of an address for one source and stream, as far
// as it decides whether the stored row must be rewritten.
type row struct {
	key, scope             string
	source, stream, state  string
	since, lastSeen        int64
	expires, heldUntil     sql.NullInt64
	count                  int
	line                   string
	event, override        sql.NullInt64
	address, reason, class string
}

type slot struct{ source, stream string }

func (r *row) slot() slot { return slot{r.source, r.stream} }

func (s slot) compare(o slot) int {
	return cmp.Or(cmp.Compare(s.source, o.source), cmp.Compare(s.stream, o.stream))
}

// rowsOf are the rows of the list that a verdict asks for.
func rowsOf(key string, v *policy.Verdict) []row {
	episodes := v.List()
	if len(episodes) == 0 {
		return nil
	}
	address := key
	for i := range v.Events {
		if v.Events[i].Address != "" {
			address = v.Events[i].Address
			break
		}
	}
	rows := make([]row, len(episodes))
	for i, ep := range episodes {
		r := row{key: key, address: address, source: ep.Source.String(), stream: ep.Stream, scope: ep.Line.Scope.String(),
			state: policy.Suppressed.String(), since: ep.Since.UnixMilli(), lastSeen: ep.LastSeen.UnixMilli(), count: ep.Count, line: ep.Line.String()}
		if ep.Held {
			r.state = policy.HeldBack.String()
			if !ep.Waiting {
				r.heldUntil = sql.NullInt64{Int64: ep.HeldUntil.UnixMilli(), Valid: true}
			}
		}
		if !ep.Expires.IsZero() {
			r.expires = sql.NullInt64{Int64: ep.Expires.UnixMilli(), Valid: true}
		}
		r.reason, r.class = "manual", bounce.ClassNone.String()
		if ep.Trigger >= 0 {
			e := &v.Events[ep.Trigger]
			r.event = sql.NullInt64{Int64: e.ID, Valid: true}
			r.reason, r.class = e.Reason.String(), e.Reason.Class(e.Action).String()
			if e.Behind {
				r.class = bounce.ClassSoft.String()
			}
			if ep.Source != policy.SourceBounce {
				r.reason, r.class = ep.Source.String(), bounce.ClassNone.String()
			}
		} else {
			r.override = sql.NullInt64{Int64: ep.Override, Valid: true}
			switch {
			case ep.Import == 0 || ep.Source == policy.SourceOperator:
			case ep.Source == policy.SourceBounce:
				r.reason, r.class = ep.Cause.String(), ep.Cause.Class(bounce.Failed).String()
			default:
				r.reason = ep.Source.String()
			}
		}
		rows[i] = r
	}
	return rows
}

// list notes one row of the list if it differs from the one that stood.
func (w *Judging) list(r, was row, stood bool) {
	if stood && r == was {
		return
	}
	if stood {
		w.listed = append(w.listed, r)
	} else {
		w.newcomers = append(w.newcomers, r)
	}
	w.stands(r, 1)
	if stood {
		w.stands(was, -1)
	}
	held := r.state == policy.HeldBack.String()
	switch {
	case stood && was.state == r.state && !held && (was.reason != r.reason || was.class != r.class || was.scope != r.scope || was.event != r.event):
		// No new suppression, but files and services that take some reasons
		// only, know several lists, or quote the reply, must hear of it.
		w.changed("add", r, "was listed as "+was.reason)
	case stood && was.state == r.state:
		w.refreshed = append(w.refreshed, r.key)
	case held:
		w.Out.Held++
		w.changed("hold", r, "")
	default:
		w.Out.Added++
		w.changed("add", r, "")
	}
}

func (w *Judging) changed(op string, r row, why string) {
	w.changes = append(w.changes, change{row: r, at: w.Now.UnixMilli(), op: op, why: why})
}

// change is one row of the list's history.
type change struct {
	row
	at      int64
	op, why string
}

// writeList writes what was decided, with one statement for many rows.
func (w *Judging) writeList() error {
	if err := insertRows.Rows(w.Tx, w.newcomers); err != nil {
		return err
	}
	if err := putRows.Rows(w.Tx, w.listed); err != nil {
		return err
	}
	if err := insertRefreshed.Rows(w.Tx, w.refreshed); err != nil {
		return err
	}
	err := insertChanges.Rows(w.Tx, w.changes)
	w.newcomers, w.listed, w.changes, w.refreshed = w.newcomers[:0], w.listed[:0], w.changes[:0], w.refreshed[:0]
	if err != nil {
		return err
	}
	return w.writeStanding()
}

// insertRows and putRows write rows of the list, with what they show of the event
// that they rest on: those that did not stand, and those that did.
var (
	insertRows = listInsert("")
	putRows    = listInsert("key, source, stream")
)

func listInsert(key string) engine.Insert[row] {
	return engine.Insert[row]{Table: "suppressions", Key: key, Columns: []engine.Column[row]{
		{Name: "event", Of: func(r *row) any { return r.event }},
		{Name: "override", Of: func(r *row) any { return r.override }},
		{Name: "key", Of: func(r *row) any { return r.key }},
		{Name: "source", Of: func(r *row) any { return r.source }},
		{Name: "stream", Of: func(r *row) any { return r.stream }},
		{Name: "scope", Of: func(r *row) any { return r.scope }},
		{Name: "state", Of: func(r *row) any { return r.state }},
		{Name: "address", Of: func(r *row) any { return r.address }},
		{Name: "domain", Of: func(r *row) any { return policy.Domain(r.key) }},
		{Name: "reason", Of: func(r *row) any { return r.reason }},
		{Name: "class", Of: func(r *row) any { return r.class }},
		{Name: "since", Of: func(r *row) any { return r.since }},
		{Name: "last_seen", Of: func(r *row) any { return r.lastSeen }},
		{Name: "expires", Of: func(r *row) any { return r.expires }},
		{Name: "held_until", Of: func(r *row) any { return r.heldUntil }},
		{Name: "count", Of: func(r *row) any { return r.count }},
		{Name: "line", Of: func(r *row) any { return r.line }},
	}, Lookup: &engine.Lookup{
		Columns: []string{"kind", "proof", "rule", "rules", "status", "reply_code", "remote_mta", "diagnostic"},
		Exprs: []string{"ifnull(e.kind, '')", "ifnull(e.proof, 'none')", "ifnull(e.rule, '')", "ifnull(e.rules, '')", "ifnull(e.status, '')", "ifnull(e.reply_code, 0)",
			"ifnull(e.remote_mta, '')", "ifnull(e.diagnostic, '')"},
		Join: "LEFT JOIN events e ON e.id =", By: "event",
	}}
}

var insertRefreshed = engine.Insert[string]{Table: "refreshed", Columns: []engine.Column[string]{
	{Name: "key", Of: func(key *string) any { return *key }},
}}

var insertChanges = engine.Insert[change]{Table: "changes", Columns: []engine.Column[change]{
	{Name: "at", Of: func(c *change) any { return c.at }},
	{Name: "op", Of: func(c *change) any { return c.op }},
	{Name: "key", Of: func(c *change) any { return c.key }},
	{Name: "address", Of: func(c *change) any { return c.address }},
	{Name: "domain", Of: func(c *change) any { return policy.Domain(c.key) }},
	{Name: "source", Of: func(c *change) any { return c.source }},
	{Name: "stream", Of: func(c *change) any { return c.stream }},
	{Name: "reason", Of: func(c *change) any { return c.reason }},
	{Name: "class", Of: func(c *change) any { return c.class }},
	{Name: "why", Of: func(c *change) any { return c.why }},
}}

// Newcomers are the changes that brought a row into force, and not only gave
// it another reason.
const Newcomers = `op = 'add' AND why = ''`

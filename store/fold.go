package store

import (
	"database/sql"
	"encoding"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

const (
	historyColumns = `SELECT e.id, m.hash, e.idx, e.at, e.address, e.kind, e.action, e.reason, e.confidence, m.feedback_type, e.rule,
  e.proof, e.stream, e.original_message_id, e.duplicate_of, e.key, e.concern, e.operator, e.token, e.doubt, ` + ownLook
	selectHistory    = historyColumns + ` FROM json_each(?) k CROSS JOIN events e ON e.key = k.value JOIN messages m ON m.id = e.message`
	selectAllHistory = historyColumns + ` FROM events e JOIN messages m ON m.id = e.message`
	selectListed     = `SELECT s.key, source, stream, state, since, last_seen, expires, held_until, count, line, event, override, address, reason, class
 FROM json_each(?) k CROSS JOIN suppressions s ON s.key = k.value`

	// putEvent and putAct write a row of the list that rests on an event, and
	// on an operator's act.
	putEvent = `INSERT OR REPLACE INTO suppressions (key, source, stream, scope, state, address, domain, reason, class, since, last_seen, expires,
  held_until, count, line, event, override, kind, proof, rule, rules, status, reply_code, remote_mta, diagnostic)
 SELECT ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,id,?,kind,proof,rule,rules,status,reply_code,remote_mta,diagnostic FROM events WHERE id = ?`
	putAct = `INSERT OR REPLACE INTO suppressions (key, source, stream, scope, state, address, domain, reason, class, since, last_seen, expires,
  held_until, count, line, override, kind, proof) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'','none')`
	// newcomers are the changes that brought a row into force, and not only
	// gave it another reason.
	newcomers    = `op = 'add' AND why = ''`
	insertChange = `INSERT INTO changes (at, op, key, address, domain, source, stream, reason, class, why) VALUES (?,?,?,?,?,?,?,?,?,?)`
)

// ownLook is what our own look-up says of a domain that failed as unknown: it
// lives (1), or was seen dead for less than a day (2). One that is older than a
// week before the failure says nothing.
const ownLook = `CASE WHEN e.reason = 'domain_unknown' THEN ifnull((SELECT CASE WHEN d.state <> 'nxdomain' THEN 1 WHEN d.last - d.first < 86400000 THEN 2 ELSE 0 END
 FROM dns_records d WHERE d.name = e.domain || '.' AND d.type = 'LIFE' AND d.last >= e.at - 604800000 ORDER BY d.last DESC, d.id DESC LIMIT 1), 0) ELSE 0 END`

// livesBy are the words for ownLook.
var livesBy = [...]string{"", "our own look-up found the domain alive: held back", "our own look-up has seen the domain dead on one day only: held back"}

// row is what the list shows of an address for one source and stream, as far
// as it decides whether the stored row must be rewritten.
type row struct {
	source, stream, state  string
	since, lastSeen        int64
	expires, heldUntil     sql.NullInt64
	count                  int
	line                   string
	event, override        sql.NullInt64
	address, reason, class string
}

type slot struct{ source, stream string }

// refold recomputes the list for some addresses, a bounded number at a time.
func (w *writing) refold(keys map[string]bool) error {
	delete(keys, "")
	if err := w.loadWindows(); err != nil {
		return err
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(keys)), 500) {
		array, err := json.Marshal(chunk)
		if err != nil {
			return err
		}
		stored, err := w.load(string(array))
		if err != nil {
			return err
		}
		for _, key := range chunk {
			p := stored[key]
			if p == nil {
				p = &past{}
			}
			if err := w.address(key, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// past is what is stored of one address.
type past struct {
	events     []policy.Event
	duplicates []sql.NullInt64 // of the events
	acts       []policy.Override
	listed     map[slot]row
}

// load reads what is stored of the addresses in a JSON array of keys.
func (w *writing) load(keys string) (map[string]*past, error) {
	out := map[string]*past{}
	of := func(key string) *past {
		if out[key] == nil {
			out[key] = &past{}
		}
		return out[key]
	}
	rows, err := w.query(w.db.stmts.history, keys)
	if err != nil {
		return nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
		s, err := scanEvent(rows)
		p := of(s.key)
		s.place(w.windows, w.rulings)
		p.events, p.duplicates = append(p.events, s.Event), append(p.duplicates, s.duplicateOf)
		return err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = w.query(w.db.stmts.listed, keys); err != nil {
		return nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
		var r row
		var key string
		err := rows.Scan(&key, &r.source, &r.stream, &r.state, &r.since, &r.lastSeen, &r.expires, &r.heldUntil, &r.count, &r.line, &r.event,
			&r.override, &r.address, &r.reason, &r.class)
		p := of(key)
		if p.listed == nil {
			p.listed = map[slot]row{}
		}
		p.listed[slot{r.source, r.stream}] = r
		return err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = w.query(w.db.stmts.acts, keys); err != nil {
		return nil, err
	}
	acts, err := scanOverrides(rows)
	for _, o := range acts {
		p := of(o.Pattern)
		p.acts = append(p.acts, o)
	}
	return out, err
}

// address recomputes the list for one address and writes what differs.
func (w *writing) address(key string, p *past) error {
	acts, err := w.domainActs(key)
	if err != nil {
		return err
	}
	v := w.db.evaluate(key, p.events, append(acts, p.acts...), w.now)
	if err := w.link(v, p); err != nil {
		return err
	}
	old := p.listed
	for _, ep := range v.List() {
		s := slot{ep.Source.String(), ep.Stream}
		was, stood := old[s]
		delete(old, s)
		if err := w.list(key, v, ep, was, stood); err != nil {
			return err
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(old), func(a, b slot) int { return slices.Compare([]string{a.source, a.stream}, []string{b.source, b.stream}) }) {
		was := old[s]
		if _, err := w.exec(w.db.stmts.drop, key, s.source, s.stream); err != nil {
			return err
		}
		if err := w.changed("remove", key, was, w.why(v, was)); err != nil {
			return err
		}
		if was.state == policy.Suppressed.String() {
			w.out.Removed++
		}
	}
	return nil
}

// evaluate decides on one address. A protected one is never listed, whatever
// its events say.
func (db *DB) evaluate(key string, events []policy.Event, acts []policy.Override, now time.Time) policy.Verdict {
	v := policy.Evaluate(events, acts, db.opts.Policy, now)
	if why := policy.Protected(key, db.own); why != "" {
		v.State, v.Why, v.Episodes = policy.Clear, why, nil
	}
	return v
}

// link stores which events are further notices for one that counted.
func (w *writing) link(v policy.Verdict, p *past) error {
	was := make(map[int64]sql.NullInt64, len(p.events))
	for i, e := range p.events {
		was[e.ID] = p.duplicates[i]
	}
	for i, n := range v.Notes {
		var of sql.NullInt64
		if n.DuplicateOf >= 0 {
			of = sql.NullInt64{Int64: v.Events[n.DuplicateOf].ID, Valid: true}
		}
		if id := v.Events[i].ID; of != was[id] {
			if _, err := w.exec(w.db.stmts.duplicate, of, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedEvent is an event as it is read for a decision.
type storedEvent struct {
	policy.Event
	duplicateOf            sql.NullInt64
	key, concern, operator string
}

func scanEvent(rows *sql.Rows) (e storedEvent, err error) {
	var hash []byte
	var look int
	err = rows.Scan(&e.ID, &hash, &e.Index, when{&e.At}, &e.Address, text(&e.Kind), text(&e.Action), text(&e.Reason), text(&e.Confidence),
		&e.Feedback, &e.Rule, text(&e.Proof), &e.Stream, &e.Message, &e.duplicateOf, &e.key, &e.concern, &e.operator,
		&e.Token, &e.Doubt, &look)
	e.Lives = livesBy[min(look, len(livesBy)-1)]
	e.Hash = string(hash)
	return e, err
}

// place puts the event into its circumstances.
func (e *storedEvent) place(windows []policy.Window, rulings []policy.Ruling) {
	if e.concern != "" && len(windows)+len(rulings) > 0 {
		policy.Place(&e.Event, policy.Subjects(e.concern, e.operator, policy.Domain(e.key)), windows, rulings)
	}
}

// in tells whether the event lies in a window.
func (e *storedEvent) in(x policy.Window) bool {
	return policy.Subjects(e.concern, e.operator, policy.Domain(e.key))[x.Kind] == x.Subject && !e.At.Before(x.Start) && e.At.Before(x.Until)
}

// list writes one row of the list if it differs from the one that stood.
func (w *writing) list(key string, v policy.Verdict, ep policy.Episode, was row, stood bool) error {
	r := row{source: ep.Source.String(), stream: ep.Stream, state: policy.Suppressed.String(), since: ep.Since.UnixMilli(),
		lastSeen: ep.LastSeen.UnixMilli(), count: ep.Count, line: ep.Line.String(), address: key}
	if ep.Held {
		r.state = policy.HeldBack.String()
		r.heldUntil = sql.NullInt64{Int64: ep.HeldUntil.UnixMilli(), Valid: true}
	}
	if !ep.Expires.IsZero() {
		r.expires = sql.NullInt64{Int64: ep.Expires.UnixMilli(), Valid: true}
	}
	for _, e := range v.Events {
		if e.Address != "" {
			r.address = e.Address
			break
		}
	}
	r.reason, r.class = "manual", bounce.ClassNone.String()
	if ep.Trigger >= 0 {
		e := &v.Events[ep.Trigger]
		r.event = sql.NullInt64{Int64: e.ID, Valid: true}
		r.reason, r.class = e.Reason.String(), e.Reason.Class(e.Action).String()
		if ep.Source != policy.SourceBounce {
			r.reason, r.class = ep.Source.String(), bounce.ClassNone.String()
		}
	} else {
		r.override = sql.NullInt64{Int64: ep.Override, Valid: true}
	}
	if stood && r == was {
		return nil
	}
	args := []any{key, r.source, r.stream, ep.Line.Scope.String(), r.state, r.address, policy.Domain(key), r.reason, r.class, r.since,
		r.lastSeen, r.expires, r.heldUntil, r.count, r.line, r.override}
	put := w.db.stmts.putAct
	if r.event.Valid {
		put, args = w.db.stmts.putEvent, append(args, r.event)
	}
	_, err := w.exec(put, args...)
	switch {
	case err != nil:
		return err
	case stood && was.state == r.state && !ep.Held && (was.reason != r.reason || was.class != r.class):
		// No new suppression, but files and services that take some reasons
		// only, or know several lists, must hear of it.
		return w.changed("add", key, r, "was listed as "+was.reason)
	case stood && was.state == r.state:
		return nil
	}
	op := "add"
	if ep.Held {
		op = "hold"
		w.out.Held++
	} else {
		w.out.Added++
	}
	return w.changed(op, key, r, "")
}

func (w *writing) changed(op, key string, r row, why string) error {
	_, err := w.exec(w.db.stmts.change, w.now.UnixMilli(), op, key, r.address, policy.Domain(key), r.source, r.stream, r.reason, r.class, why)
	return err
}

// why says why a row left the list.
func (w *writing) why(v policy.Verdict, was row) string {
	switch {
	case v.Why != "":
		return v.Why
	case was.expires.Valid && was.expires.Int64 <= w.now.UnixMilli():
		return "expired"
	}
	return "lifted: delivered since, removed by the operator, or counted anew"
}

// word scans a column into a value that reads its own words.
type wordScanner struct{ to encoding.TextUnmarshaler }

func text(to encoding.TextUnmarshaler) wordScanner { return wordScanner{to} }

// Scan reads a text column.
func (s wordScanner) Scan(v any) error {
	t, _ := v.(string)
	return s.to.UnmarshalText([]byte(t))
}

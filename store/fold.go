package store

import (
	"database/sql"
	"encoding"
	"maps"
	"slices"

	"harvester/store/policy"
)

const (
	selectHistory = `SELECT e.id, m.hash, e.idx, e.at, e.address, e.kind, e.action, e.reason, e.confidence, m.feedback_type, e.rule,
  e.proof, e.stream, e.original_message_id, e.duplicate_of
 FROM events e JOIN messages m ON m.id = e.message WHERE e.key = ?`
	selectListed = `SELECT source, stream, state, since, last_seen, expires, held_until, count, line, event, override, address, reason, class
 FROM suppressions WHERE key = ?`
	selectTrigger = `SELECT kind, reason, class, proof, rule, rules, status, reply_code, remote_mta, diagnostic FROM events WHERE id = ?`

	upsertSuppression = `INSERT OR REPLACE INTO suppressions (key, source, stream, scope, state, address, domain, kind, reason, class, since,
  last_seen, expires, held_until, count, line, proof, rule, rules, status, reply_code, remote_mta, diagnostic, event, override)
 VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertChange = `INSERT INTO changes (at, op, key, address, domain, source, stream, reason, class, why) VALUES (?,?,?,?,?,?,?,?,?,?)`
)

// row is what the list shows of an address for one source and stream, as far
// as it decides whether the stored row must be rewritten.
type row struct {
	source, stream, state   string
	since, lastSeen         int64
	expires, heldUntil      sql.NullInt64
	count                   int
	line                    string
	event, override         sql.NullInt64
	address, reason, class_ string
}

type slot struct{ source, stream string }

// refold recomputes the list for some addresses.
func (w *writing) refold(keys map[string]bool) error {
	delete(keys, "")
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := w.address(key); err != nil {
			return err
		}
	}
	return nil
}

// address recomputes the list for one address and writes what differs.
func (w *writing) address(key string) error {
	v, duplicates, err := w.verdict(key)
	if err != nil {
		return err
	}
	for i, n := range v.Notes {
		var of any
		if n.DuplicateOf >= 0 {
			of = v.Events[n.DuplicateOf].ID
		}
		if was := duplicates[v.Events[i].ID]; (of == nil) != !was.Valid || of != nil && of != was.Int64 {
			if _, err := w.exec(w.db.stmts.duplicate, of, v.Events[i].ID); err != nil {
				return err
			}
		}
	}
	old, err := w.listed(key)
	if err != nil {
		return err
	}
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

// verdict evaluates one address. A protected one is never listed, whatever its
// events say.
func (w *writing) verdict(key string) (policy.Verdict, map[int64]sql.NullInt64, error) {
	rows, err := w.tx.StmtContext(w.ctx, w.db.stmts.history).QueryContext(w.ctx, key)
	if err != nil {
		return policy.Verdict{}, nil, err
	}
	var events []policy.Event
	duplicates := map[int64]sql.NullInt64{}
	err = scan(rows, func(rows *sql.Rows) error {
		e, of, err := scanEvent(rows)
		events = append(events, e)
		duplicates[e.ID] = of
		return err
	})
	if err != nil {
		return policy.Verdict{}, nil, err
	}
	acts, err := w.acts(key)
	if err != nil {
		return policy.Verdict{}, nil, err
	}
	v := policy.Evaluate(events, acts, w.db.opts.Policy, w.now)
	if why := policy.Protected(key, w.db.own); why != "" {
		v.State, v.Why, v.Episodes = policy.Clear, why, nil
	}
	return v, duplicates, nil
}

func scanEvent(rows *sql.Rows) (e policy.Event, duplicateOf sql.NullInt64, err error) {
	var hash []byte
	err = rows.Scan(&e.ID, &hash, &e.Index, when{&e.At}, &e.Address, text(&e.Kind), text(&e.Action), text(&e.Reason), text(&e.Confidence),
		&e.Feedback, &e.Rule, text(&e.Proof), &e.Stream, &e.Message, &duplicateOf)
	e.Hash = string(hash)
	return e, duplicateOf, err
}

func (w *writing) listed(key string) (map[slot]row, error) {
	rows, err := w.tx.StmtContext(w.ctx, w.db.stmts.listed).QueryContext(w.ctx, key)
	if err != nil {
		return nil, err
	}
	old := map[slot]row{}
	return old, scan(rows, func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.source, &r.stream, &r.state, &r.since, &r.lastSeen, &r.expires, &r.heldUntil, &r.count, &r.line, &r.event,
			&r.override, &r.address, &r.reason, &r.class_)
		old[slot{r.source, r.stream}] = r
		return err
	})
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
	var kind, proof, rule, rules, status, mta, diagnostic string
	var code int
	r.reason, r.class_, proof = "manual", "none", policy.ProofNone.String()
	if ep.Trigger >= 0 {
		r.event = sql.NullInt64{Int64: v.Events[ep.Trigger].ID, Valid: true}
		err := w.tx.StmtContext(w.ctx, w.db.stmts.trigger).QueryRowContext(w.ctx, r.event.Int64).Scan(&kind, &r.reason, &r.class_, &proof,
			&rule, &rules, &status, &code, &mta, &diagnostic)
		if err != nil {
			return err
		}
		if ep.Source != policy.SourceBounce {
			r.reason = ep.Source.String()
		}
	} else {
		r.override = sql.NullInt64{Int64: ep.Override, Valid: true}
	}
	if stood && r == was {
		return nil
	}
	_, err := w.exec(w.db.stmts.put, key, r.source, r.stream, ep.Line.Scope.String(), r.state, r.address, policy.Domain(key), kind,
		r.reason, r.class_, r.since, r.lastSeen, r.expires, r.heldUntil, r.count, r.line, proof, rule, rules, status, code, mta, diagnostic,
		r.event, r.override)
	if err != nil || stood && was.state == r.state {
		return err
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
	_, err := w.exec(w.db.stmts.change, w.now.UnixMilli(), op, key, r.address, policy.Domain(key), r.source, r.stream, r.reason, r.class_, why)
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

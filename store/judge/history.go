package judge

import (
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// page is how many addresses are read at a time.
const page = 500

// past is what is stored of one address: all that a verdict follows from, and
// the rows of the list that stand.
type past struct {
	events []policy.Event
	linked map[int64]int64 // event to the one that it is stored as a further notice of
	acts   []policy.Override
	listed map[slot]row
}

// stored is an event as it is read.
type stored struct {
	policy.Event
	key         string
	duplicateOf int64
	look        int
}

var eventFields = []engine.Field[stored]{
	{Column: "e.key", To: func(e *stored) any { return &e.key }},
	{Column: "e.id", To: func(e *stored) any { return &e.ID }},
	{Column: "e.message", To: func(e *stored) any { return &e.Notice }},
	{Column: "e.idx", To: func(e *stored) any { return &e.Index }},
	{Column: "e.at", To: func(e *stored) any { return engine.When(&e.At) }},
	{Column: "e.address", To: func(e *stored) any { return &e.Address }},
	{Column: "e.kind", To: func(e *stored) any { return engine.Text(&e.Kind) }},
	{Column: "e.action", To: func(e *stored) any { return engine.Text(&e.Action) }},
	{Column: "e.reason", To: func(e *stored) any { return engine.Text(&e.Reason) }},
	{Column: "e.confidence", To: func(e *stored) any { return engine.Text(&e.Confidence) }},
	{Column: "CASE e.kind WHEN 'complaint' THEN (SELECT feedback_type FROM messages WHERE id = e.message) ELSE '' END", To: func(e *stored) any { return &e.Feedback }},
	{Column: "e.rule", To: func(e *stored) any { return &e.Rule }},
	{Column: "e.proof", To: func(e *stored) any { return engine.Text(&e.Proof) }},
	{Column: "e.stream", To: func(e *stored) any { return &e.Stream }},
	{Column: "e.original_message_id", To: func(e *stored) any { return &e.Message }},
	{Column: "e.token", To: func(e *stored) any { return &e.Token }},
	{Column: "e.doubt", To: func(e *stored) any { return &e.Doubt }},
	{Column: "e.concern", To: func(e *stored) any { return &e.Concern }},
	{Column: "e.operator", To: func(e *stored) any { return &e.Operator }},
	{Column: ownLook, To: func(e *stored) any { return &e.look }},
	{Column: "ifnull(e.duplicate_of, 0)", To: func(e *stored) any { return &e.duplicateOf }},
}

var rowFields = []engine.Field[row]{
	{Column: "s.key", To: func(r *row) any { return &r.key }},
	{Column: "s.source", To: func(r *row) any { return &r.source }},
	{Column: "s.stream", To: func(r *row) any { return &r.stream }},
	{Column: "s.scope", To: func(r *row) any { return &r.scope }},
	{Column: "s.state", To: func(r *row) any { return &r.state }},
	{Column: "s.address", To: func(r *row) any { return &r.address }},
	{Column: "s.reason", To: func(r *row) any { return &r.reason }},
	{Column: "s.class", To: func(r *row) any { return &r.class }},
	{Column: "s.since", To: func(r *row) any { return &r.since }},
	{Column: "s.last_seen", To: func(r *row) any { return &r.lastSeen }},
	{Column: "s.expires", To: func(r *row) any { return &r.expires }},
	{Column: "s.held_until", To: func(r *row) any { return &r.heldUntil }},
	{Column: "s.count", To: func(r *row) any { return &r.count }},
	{Column: "s.line", To: func(r *row) any { return &r.line }},
	{Column: "s.event", To: func(r *row) any { return &r.event }},
	{Column: "s.override", To: func(r *row) any { return &r.override }},
}

// selections read pasts: of some addresses, or of all between two.
type selections struct{ events, rows, acts string }

func selecting(events, rows, acts string) selections {
	return selections{
		"SELECT " + engine.Names(eventFields) + " FROM " + events,
		"SELECT " + engine.Names(rowFields) + " FROM " + rows,
		"SELECT " + facts.OverrideColumns + " FROM " + acts + " AND o.act <> 'undo' ORDER BY o.id",
	}
}

var (
	ofKeys = selecting(
		"json_each(?) k CROSS JOIN events e ON e.key = k.value",
		"json_each(?) k CROSS JOIN suppressions s ON s.key = k.value",
		"json_each(?) k CROSS JOIN overrides o ON o.pattern = k.value WHERE true")
	ofRange = selecting(
		"events e WHERE e.key > ? AND e.key <= ?",
		"suppressions s WHERE s.key > ? AND s.key <= ?",
		"overrides o WHERE o.pattern > ? AND o.pattern <= ?")
)

// pastOf reads what is stored of some addresses, nothing included.
func pastOf(q engine.Reader, keys []string) (map[string]*past, error) {
	array, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	out, err := pasts(q, ofKeys, string(array))
	for _, k := range keys {
		if out != nil && out[k] == nil {
			out[k] = &past{}
		}
	}
	return out, err
}

// eachPast calls f for every address that anything is stored of, in the order
// of their keys, beyond a key. Only one page is in memory. After each page it
// calls done with the last key.
func eachPast(q engine.Reader, s selections, beyond string, f func(key string, p *past) error, done func(key string) error) error {
	for {
		to, more, err := lastOfPage(q, beyond)
		if err != nil || !more {
			return err
		}
		some, err := pasts(q, s, beyond, to)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(some)) {
			if err := f(key, some[key]); err != nil {
				return err
			}
		}
		if err := done(to); err != nil {
			return err
		}
		beyond = to
	}
}

// lastOfPage is the last key of the page beyond another; false when there is none.
func lastOfPage(q engine.Reader, beyond string) (last string, more bool, err error) {
	rows, err := q.Query(`SELECT max(key) FROM (SELECT * FROM (SELECT DISTINCT key FROM events WHERE key > ?1 ORDER BY key LIMIT ?2)
  UNION SELECT * FROM (SELECT DISTINCT pattern FROM overrides WHERE pattern > ?1 AND NOT (pattern >= '@' AND pattern < 'A') ORDER BY pattern LIMIT ?2)
  UNION SELECT * FROM (SELECT DISTINCT key FROM suppressions WHERE key > ?1 ORDER BY key LIMIT ?2) ORDER BY key LIMIT ?2)`, beyond, page)
	if err != nil {
		return "", false, err
	}
	var key sql.NullString
	err = engine.Each(rows, func(rows *sql.Rows) error { return rows.Scan(&key) })
	return key.String, key.Valid, err
}

func pasts(q engine.Reader, s selections, args ...any) (map[string]*past, error) {
	out := map[string]*past{}
	of := func(key string) *past {
		p := out[key]
		if p == nil {
			p = &past{}
			out[key] = p
		}
		return p
	}
	rows, err := q.Query(s.events, args...)
	if err != nil {
		return nil, err
	}
	var e stored
	to := engine.Targets(eventFields, &e)
	err = engine.Each(rows, func(rows *sql.Rows) error {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		e.Lives = livesBy[min(e.look, len(livesBy)-1)]
		p := of(e.key)
		p.events = append(p.events, e.Event)
		if e.duplicateOf != 0 {
			if p.linked == nil {
				p.linked = map[int64]int64{}
			}
			p.linked[e.ID] = e.duplicateOf
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rows, err = q.Query(s.rows, args...); err != nil {
		return nil, err
	}
	var r row
	to = engine.Targets(rowFields, &r)
	err = engine.Each(rows, func(rows *sql.Rows) error {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		p := of(r.key)
		if p.listed == nil {
			p.listed = map[slot]row{}
		}
		p.listed[slot{r.source, r.stream}] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rows, err = q.Query(s.acts, args...); err != nil {
		return nil, err
	}
	acts, err := facts.ScanOverrides(rows)
	if err != nil {
		return nil, err
	}
	for _, o := range acts {
		if !strings.HasPrefix(o.Pattern, "@") {
			p := of(o.Pattern)
			p.acts = append(p.acts, o)
		}
	}
	delete(out, "") // the events that name nobody
	return out, distinguish(q, out)
}

// distinguish reads the hashes of notices that came in at the same instant as
// another about the same address: only they need one to have an order.
func distinguish(q engine.Reader, all map[string]*past) error {
	same := map[int64]bool{}
	for _, p := range all {
		slices.SortFunc(p.events, func(a, b policy.Event) int { return a.At.Compare(b.At) })
		for i := 1; i < len(p.events); i++ {
			if a, b := &p.events[i-1], &p.events[i]; a.At.Equal(b.At) {
				same[a.Notice], same[b.Notice] = true, true
			}
		}
	}
	if len(same) == 0 {
		return nil
	}
	array, err := json.Marshal(slices.Sorted(maps.Keys(same)))
	if err != nil {
		return err
	}
	rows, err := q.Query(`SELECT m.id, m.hash FROM json_each(?) k CROSS JOIN messages m ON m.id = k.value`, string(array))
	if err != nil {
		return err
	}
	hashes := map[int64]string{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var id int64
		var hash []byte
		err := rows.Scan(&id, &hash)
		hashes[id] = string(hash)
		return err
	})
	for _, p := range all {
		for i := range p.events {
			p.events[i].Hash = hashes[p.events[i].Notice]
		}
	}
	return err
}

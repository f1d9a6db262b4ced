package judge

import (
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"harvester/parse/bounce"
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
}

var eventFields = []engine.Field[stored]{
	{Column: "e.key", To: func(e *stored) any { return &e.key }},
	{Column: "e.id", To: func(e *stored) any { return &e.ID }},
	{Column: "e.message", To: func(e *stored) any { return &e.Notice }},
	{Column: "e.idx", To: func(e *stored) any { return &e.Index }},
	{Column: "e.at", To: func(e *stored) any { return engine.When(&e.At) }},
	{Column: "e.address", To: func(e *stored) any { return &e.Address }},
	{Column: "e.original_message_id", To: func(e *stored) any { return &e.Message }},
	{Column: "e.token", To: func(e *stored) any { return &e.Token }},
	{Column: "e.operator", To: func(e *stored) any { return &e.Operator }}, // there are as many as domains
	{Column: "ifnull(e.duplicate_of, 0)", To: func(e *stored) any { return &e.duplicateOf }},
	engine.Recurring(takeWords, []engine.Field[stored]{
		{Column: "e.kind", To: func(e *stored) any { return engine.Text(&e.Kind) }},
		{Column: "e.action", To: func(e *stored) any { return engine.Text(&e.Action) }},
		{Column: "e.reason", To: func(e *stored) any { return engine.Text(&e.Reason) }},
		{Column: "e.confidence", To: func(e *stored) any { return engine.Text(&e.Confidence) }},
		{Column: "CASE e.kind WHEN " + engine.Word(bounce.KindComplaint) + " THEN (SELECT feedback_type FROM messages WHERE id = e.message) ELSE '' END", To: func(e *stored) any { return &e.Feedback }},
		{Column: "CASE WHEN e.behind <> '' THEN 'yes' ELSE '' END", To: func(e *stored) any { return &e.Behind }},
		{Column: "CASE WHEN e.unread <> '' THEN 'yes' ELSE '' END", To: func(e *stored) any { return &e.Unread }},
		{Column: "CASE WHEN e.accepted <> '' AND e.accepted NOT LIKE '-%' THEN 'yes' ELSE '' END", To: func(e *stored) any { return &e.Accepted }},
		{Column: "e.rule", To: func(e *stored) any { return &e.Rule }},
		{Column: "e.proof", To: func(e *stored) any { return engine.Text(&e.Proof) }},
		{Column: "e.stream", To: func(e *stored) any { return &e.Stream }},
		{Column: "e.doubt", To: func(e *stored) any { return &e.Doubt }},
		{Column: "e.concern", To: func(e *stored) any { return &e.Concern }},
		{Column: "e.forgeable", To: func(e *stored) any { return &e.Forgeable }},
		{Column: beside, To: func(e *stored) any { return engine.When(&e.Beside) }},
		{Column: ownLook, To: func(e *stored) any { return &e.Lives }},
	}...),
}

// takeWords copies the fields that recur: all but the identity, the times and
// the addresses of an event.
func takeWords(to, from *stored) {
	was := to.Event
	to.Event = from.Event
	to.ID, to.Notice, to.Index, to.At = was.ID, was.Notice, was.Index, was.At
	to.Address, to.Message, to.Token, to.Operator = was.Address, was.Message, was.Token, was.Operator
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

// selections read pasts: of some addresses, or of all beyond one in the order of
// their keys.
type selections struct{ events, rows, acts string }

func selecting(fields, events, rows, acts string) selections {
	return selections{
		"SELECT " + fields + " FROM " + events,
		"SELECT " + engine.Names(rowFields) + " FROM " + rows,
		"SELECT " + facts.OverrideColumns + " FROM " + acts,
	}
}

var (
	ofKeys = selecting(engine.Names(eventFields),
		"json_each(?) k CROSS JOIN events e ON e.key = k.value",
		"json_each(?) k CROSS JOIN suppressions s ON s.key = k.value",
		"json_each(?) k CROSS JOIN overrides o ON o.pattern = k.value WHERE o.act <> 'undo' ORDER BY o.id")
	// Events are read as they lie in the file and sorted, which is a third of
	// the work of looking each one up by the index of the keys.
	inOrder = selecting(engine.Names(eventFields),
		"events e NOT INDEXED WHERE e.key > ? ORDER BY e.key",
		"suppressions s WHERE s.key > ? ORDER BY s.key",
		"overrides o WHERE o.pattern > ? AND NOT (o.pattern >= '@' AND o.pattern < 'A') AND o.act <> 'undo' ORDER BY o.pattern, o.id")
)

// ofConcerned is inOrder, of the addresses that the temporary table concerned
// names.
var ofConcerned = selecting(engine.Names(eventFields),
	"concerned c CROSS JOIN events e ON e.key = c.key WHERE c.key > ? ORDER BY c.key",
	"concerned c CROSS JOIN suppressions s ON s.key = c.key WHERE c.key > ? ORDER BY c.key",
	"concerned c CROSS JOIN overrides o ON o.pattern = c.key WHERE c.key > ? AND o.act <> 'undo' ORDER BY c.key, o.id")

// pastOf reads what is stored of some addresses, nothing included.
func pastOf(q engine.Reader, keys []string) (map[string]*past, error) {
	array, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*past, len(keys))
	for _, k := range keys {
		out[k] = &past{}
	}
	if t, ok := q.(*engine.Tx); ok {
		err := t.Ahead(engine.Ask{Query: ofKeys.events, Args: []any{string(array)}}, engine.Ask{Query: ofKeys.rows, Args: []any{string(array)}}, engine.Ask{Query: ofKeys.acts, Args: []any{string(array)}})
		if err != nil {
			return nil, err
		}
	}
	rows, err := q.Query(ofKeys.events, string(array))
	if err != nil {
		return nil, err
	}
	var e stored
	to := engine.Targets(eventFields, &e)
	err = engine.Each(rows, func(rows *sql.Rows) error {
		err := rows.Scan(to...)
		out[e.key].event(&e)
		return err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = q.Query(ofKeys.rows, string(array)); err != nil {
		return nil, err
	}
	var r row
	to = engine.Targets(rowFields, &r)
	err = engine.Each(rows, func(rows *sql.Rows) error {
		err := rows.Scan(to...)
		out[r.key].row(&r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if rows, err = q.Query(ofKeys.acts, string(array)); err != nil {
		return nil, err
	}
	acts, err := facts.ScanOverrides(rows)
	if err != nil {
		return nil, err
	}
	for _, o := range acts {
		out[o.Pattern].acts = append(out[o.Pattern].acts, o)
	}
	return out, distinguish(q, slices.Collect(maps.Values(out))...)
}

// eachPast calls f for every address that anything is stored of, in the order
// of their keys, beyond a key. What f is given is good until it returns: only one
// address is in memory. What is sorted lies in temporary files of the connection,
// which a Scratch keeps on disk.
func eachPast(q *engine.Snapshot, s selections, beyond string, f func(key string, p *past) error) (err error) {
	var e stored
	var r row
	var o policy.Override
	events, err := openStream(q, s.events, beyond, engine.Targets(eventFields, &e), &e.key)
	defer func() { err = errors.Join(err, events.close()) }()
	if err != nil {
		return err
	}
	rows, err := openStream(q, s.rows, beyond, engine.Targets(rowFields, &r), &r.key)
	defer func() { err = errors.Join(err, rows.close()) }()
	if err != nil {
		return err
	}
	acts, err := openStream(q, s.acts, beyond, facts.OverrideTargets(&o), &o.Pattern)
	defer func() { err = errors.Join(err, acts.close()) }()
	if err != nil {
		return err
	}
	p := &past{}
	for {
		key, any := firstKey(events, rows, acts)
		if !any {
			return nil
		}
		*p = past{events: p.events[:0]}
		for err == nil && events.at(key) {
			p.event(&e)
			err = events.next()
		}
		for err == nil && rows.at(key) {
			p.row(&r)
			err = rows.next()
		}
		for err == nil && acts.at(key) {
			p.acts = append(p.acts, o)
			err = acts.next()
		}
		if err == nil {
			err = distinguish(q, p)
		}
		if err == nil {
			err = f(key, p)
		}
		if err != nil {
			return err
		}
	}
}

// stream is the rows of one query in the order of a key, one in hand.
type stream struct {
	rows *sql.Rows
	to   []any   // where a row is read to
	key  *string // of the row in hand
	ends bool
}

func openStream(q *engine.Snapshot, query, beyond string, to []any, key *string) (*stream, error) {
	rows, err := q.Stream(query, beyond)
	s := &stream{rows: rows, to: to, key: key}
	if err != nil {
		return s, err
	}
	return s, s.next()
}

func (s *stream) next() error {
	if s.ends = !s.rows.Next(); s.ends {
		return s.rows.Err()
	}
	return s.rows.Scan(s.to...)
}

func (s *stream) at(key string) bool { return !s.ends && *s.key == key }

func (s *stream) close() error {
	if s == nil || s.rows == nil {
		return nil
	}
	return s.rows.Close()
}

// firstKey is the least key in hand.
func firstKey(streams ...*stream) (key string, any bool) {
	for _, s := range streams {
		if !s.ends && (!any || *s.key < key) {
			key, any = *s.key, true
		}
	}
	return key, any
}

// event adds an event as it was read.
func (p *past) event(e *stored) {
	p.events = append(p.events, e.Event)
	if e.duplicateOf != 0 {
		if p.linked == nil {
			p.linked = map[int64]int64{}
		}
		p.linked[e.ID] = e.duplicateOf
	}
}

// row adds a row of the list.
func (p *past) row(r *row) {
	if p.listed == nil {
		p.listed = map[slot]row{}
	}
	p.listed[r.slot()] = *r
}

// distinguish reads the hashes of notices that came in at the same instant as
// another about the same address: only they need one to have an order.
func distinguish(q engine.Reader, all ...*past) error {
	var same map[int64]bool
	for _, p := range all {
		slices.SortFunc(p.events, func(a, b policy.Event) int { return a.At.Compare(b.At) })
		for i := 1; i < len(p.events); i++ {
			if a, b := &p.events[i-1], &p.events[i]; a.At.Equal(b.At) {
				if same == nil {
					same = map[int64]bool{}
				}
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
	rows, err := q.Query(`SELECT m.id, m.hash FROM json_each(?) k CROSS JOIN messages m ON m.id = CAST(k.value AS INTEGER)`, string(array))
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

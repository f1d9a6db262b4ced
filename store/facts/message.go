package facts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"harvester/harvest"
	"harvester/parse"
	"harvester/store/engine"
	"harvester/store/policy"
	"slices"
	"time"
)

// Item is one harvested message and what it says.
type Item struct {
	Message     harvest.Message
	Result      parse.Result // ignored for a message that is gone or poison
	Disposition harvest.Disposition
	Target      string // folder of a Move
}

// Batch is what one transaction stores: messages, copies of what was sent, and
// the cursor that holds once they are stored. A cursor without a mailbox is none
// (an import).
type Batch struct {
	Items  []Item
	Copies []Copy // become rows of the ledger, and nothing else
	Cursor harvest.Cursor
}

// Outcome says what a Commit changed.
type Outcome struct {
	Messages int // contents seen for the first time
	Known    int // contents that were stored already, found at this or another place
	Gone     int
	Poison   int
	Events   int // recipients stored
	Added    int // suppressions that came into force
	Held     int // suppressions held back by a burst
	Removed  int // suppressions that ceased
	Sent     int // rows new to the ledger
	Proven   int // stored events that rows of the ledger prove
	Handed   int // messages handed in for the leader, of which nothing else is told yet
}

// Add adds what another changed.
func (o *Outcome) Add(a Outcome) {
	o.Messages += a.Messages
	o.Known += a.Known
	o.Gone += a.Gone
	o.Poison += a.Poison
	o.Events += a.Events
	o.Added += a.Added
	o.Held += a.Held
	o.Removed += a.Removed
	o.Sent += a.Sent
	o.Proven += a.Proven
	o.Handed += a.Handed
}

// RawCap is how much of a message nobody understood is kept, in bytes.
const RawCap = 256 << 10

// Store stores a batch: messages, what they say, copies of what was sent, and
// the cursor. Storing what is there already changes nothing: the same bytes
// found again attach a further place to the message that is there.
func (w *Writing) Store(ctx context.Context, b Batch) error {
	if err := w.items(ctx, b.Items); err != nil {
		return err
	}
	if len(b.Copies) > 0 {
		if err := w.Sent(w.rowsOf(b.Copies)); err != nil {
			return err
		}
	}
	return keepCursor(w.Tx, b.Cursor)
}

func keepCursor(t *engine.Tx, c harvest.Cursor) error {
	if c.Mailbox == "" {
		return nil
	}
	_, err := t.Exec(`INSERT INTO cursors (mailbox, folder, uidvalidity, last_uid, state, at) VALUES (?,?,?,?,?,?)
 ON CONFLICT (mailbox, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, state = excluded.state, at = excluded.at`,
		c.Mailbox, c.Folder, c.UIDValidity, c.LastUID, c.State, t.Now.UnixMilli())
	return err
}

// items stores messages, with one statement for the rows of many.
func (w *Writing) items(ctx context.Context, items []Item) error {
	known, err := w.known(items)
	if err != nil {
		return err
	}
	r := rows{known: known}
	if err := w.Row(selectLast, nil, &r.lastMessage, &r.lastEvent); err != nil {
		return err
	}
	if err := w.askItems(items, known); err != nil {
		return err
	}
	for i := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.item(&items[i], &r); err != nil {
			return err
		}
	}
	return r.write(w.Tx)
}

// known finds which of the contents are stored already.
func (w *Writing) known(items []Item) (map[[sha256.Size]byte]*content, error) {
	out := map[[sha256.Size]byte]*content{}
	for some := range slices.Chunk(items, 500) {
		var hashes []string
		for i := range some {
			m := &some[i].Message
			if m.Gone || m.Poison != nil {
				continue
			}
			if m.Hash == ([sha256.Size]byte{}) {
				m.Hash = sha256.Sum256(m.Raw)
			}
			hashes = append(hashes, hex.EncodeToString(m.Hash[:]))
		}
		array, err := json.Marshal(hashes)
		if err != nil {
			return nil, err
		}
		found, err := w.Query(`SELECT m.hash, m.id, m.at FROM json_each(?) k CROSS JOIN messages m ON m.hash = unhex(k.value)`, string(array))
		if err != nil {
			return nil, err
		}
		err = engine.Each(found, func(rows *sql.Rows) error {
			var hash []byte
			c := &content{stored: true}
			err := rows.Scan(&hash, &c.id, &c.at)
			out[[sha256.Size]byte(hash)] = c
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *Writing) item(it *Item, r *rows) error {
	engine.Clean(&it.Result)
	engine.Clean(&it.Message.Locator)
	m := &it.Message
	switch {
	case m.Gone:
		w.Out.Gone++
		if err := w.readable(m); err != nil {
			return err
		}
		r.place(it, nil, "gone", "")
		return nil
	case m.Poison != nil:
		if m.Again { // it is counted once
			return nil
		}
		w.Out.Poison++
		r.place(it, nil, "poison", m.Poison.Error())
		return nil
	}
	if err := w.unname(it); err != nil {
		return err
	}
	if err := w.readable(m); err != nil {
		return err
	}
	at := arrival(*m, it.Result, w.Now, w.Known)
	if c := r.known[m.Hash]; c != nil {
		r.place(it, c.id, "stored", "")
		w.Out.Known++
		if at.UnixMilli() >= c.at {
			return nil
		}
		return w.earlier(c, r, at.UnixMilli())
	}
	r.lastMessage++
	id := r.lastMessage
	r.known[m.Hash] = &content{id: id, at: at.UnixMilli(), message: len(r.messages), event: len(r.events), place: len(w.Touched.New)}
	r.messages = append(r.messages, messageRow{id: id, at: at.UnixMilli(), now: w.Now.UnixMilli(), Item: it})
	r.place(it, id, "stored", "")
	w.Out.Messages++
	w.optOut(it)
	for i := range it.Result.Recipients {
		if err := w.event(it, r, i, at); err != nil {
			return err
		}
	}
	if puzzling(&it.Result) {
		return r.raw(id, m.Raw)
	}
	return nil
}

// readable forgets that a message could not be read by an earlier visit.
func (w *Writing) readable(m *harvest.Message) error {
	if !m.Again {
		return nil
	}
	_, err := w.Exec(`DELETE FROM locators WHERE mailbox = ? AND folder = ? AND uidvalidity = ? AND uid = ? AND name = ? AND state = 'poison'`,
		m.Mailbox, m.Folder, m.UIDValidity, m.UID, m.Name)
	return err
}

// event adds one recipient of a notice.
func (w *Writing) event(it *Item, r *rows, i int, at time.Time) error {
	res, rcpt := &it.Result, &it.Result.Recipients[i]
	a, err := w.attribute(res, rcpt, at, it.Message.Mailbox)
	if err != nil {
		return err
	}
	r.lastEvent++
	if w.Touched.First == 0 {
		w.Touched.First = r.lastEvent
	}
	w.Touched.New = append(w.Touched.New, Place{a.traits(), at.UnixMilli()})
	if a.key != "" {
		w.Touched.Keys[a.key] = true
	}
	r.events = append(r.events, eventRow{id: r.lastEvent, message: r.lastMessage, idx: i, at: at.UnixMilli(), attribution: a, result: res, Recipient: rcpt})
	w.Out.Events++
	return nil
}

// earlier moves a message, and its events, back in time: a place shows an
// earlier arrival, and the order in which copies are found makes no difference.
func (w *Writing) earlier(c *content, r *rows, at int64) error {
	was := c.at
	c.at = at
	if !c.stored { // its rows are still to be written
		r.messages[c.message].at = at
		for i := c.event; i < len(r.events) && r.events[i].message == c.id; i++ {
			r.events[i].at = at
			w.Touched.New[c.place+i-c.event].At = at
		}
		return nil
	}
	if _, err := w.Exec(`UPDATE messages SET at = ? WHERE id = ?`, at, c.id); err != nil {
		return err
	}
	if _, err := w.Exec(`UPDATE events SET at = ? WHERE message = ?`, at, c.id); err != nil {
		return err
	}
	events, err := w.Query(selectTraits, c.id)
	if err != nil {
		return err
	}
	return engine.Each(events, func(rows *sql.Rows) error {
		var t policy.Traits
		err := rows.Scan(&t.Key, &t.Concern, &t.Operator, &t.Forgeable)
		w.Touched.Keys[t.Key] = true
		w.Touched.Moved = append(w.Touched.Moved, Place{t, was}, Place{t, at})
		return err
	})
}

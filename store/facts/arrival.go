package facts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/fleet"

	"github.com/klauspost/compress/zstd"
)

// Arrival is what a worker handed in for the leader: a batch as it was read, what
// was settled on a server, or rows of the ledger. It stays until the leader has
// stored what it holds, in the transaction that does.
type Arrival struct {
	ID      int64
	Mailbox string
	Mails   int
	Batch   Batch // without its cursor, which was kept when it was handed in
	Settled []harvest.Settlement
	Sent    []Sent
}

// HandIn keeps a batch for the leader, and its cursor: the mail may be settled
// then. It waits for nobody.
func HandIn(ctx context.Context, db *engine.DB, worker string, b Batch) (Outcome, error) {
	out := Outcome{Handed: len(b.Items) + len(b.Copies)}
	err := db.Beside(ctx, "handing in a batch", func(t *engine.Tx) error {
		mailbox := b.Cursor.Mailbox
		switch {
		case len(b.Items) > 0:
			mailbox = b.Items[0].Message.Mailbox
		case len(b.Copies) > 0:
			mailbox = b.Copies[0].Message.Mailbox
		}
		if err := handIn(t, worker, &Arrival{Mailbox: mailbox, Mails: out.Handed, Batch: b}); err != nil {
			return err
		}
		return keepCursor(t, b.Cursor)
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// HandInSettled keeps for the leader what was settled on a server.
func HandInSettled(ctx context.Context, db *engine.DB, worker string, done []harvest.Settlement) error {
	if len(done) == 0 {
		return nil
	}
	return db.Beside(ctx, "handing in what was settled", func(t *engine.Tx) error {
		return handIn(t, worker, &Arrival{Mailbox: done[0].Mailbox, Settled: done})
	})
}

// HandInSent keeps rows of the ledger for the leader.
func HandInSent(ctx context.Context, db *engine.DB, worker string, rows []Sent) error {
	return db.Beside(ctx, "handing in rows of the ledger", func(t *engine.Tx) error {
		return handIn(t, worker, &Arrival{Sent: rows})
	})
}

func handIn(t *engine.Tx, worker string, a *Arrival) error {
	if len(a.Batch.Items)+len(a.Batch.Copies)+len(a.Settled)+len(a.Sent) == 0 {
		return nil
	}
	body, err := encodeArrival(a)
	if err != nil {
		return err
	}
	_, err = t.Exec(`INSERT INTO arrivals (at, worker, mailbox, mails, body) VALUES (`+fleet.Clock+`, ?, ?, ?, ?)`, worker, a.Mailbox, a.Mails, body)
	return err
}

// AskArrivals is what Arrivals asks.
func AskArrivals(limit int) engine.Ask {
	return engine.Ask{Query: `SELECT id, mailbox, mails, body FROM arrivals WHERE trouble = '' ORDER BY id LIMIT ?`, Args: []any{limit}}
}

// Arrivals reads what was handed in, in its order, at most so many.
func Arrivals(t *engine.Tx, limit int) (out []Arrival, err error) {
	ask := AskArrivals(limit)
	rows, err := t.Query(ask.Query, ask.Args...)
	if err != nil {
		return nil, err
	}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var a Arrival
		var body []byte
		if err := rows.Scan(&a.ID, &a.Mailbox, &a.Mails, &body); err != nil {
			return err
		}
		if err := decodeArrival(body, &a); err != nil {
			return fmt.Errorf("arrival %d of %s: %w", a.ID, a.Mailbox, err)
		}
		out = append(out, a)
		return nil
	})
}

// Pending is what was handed in and is not judged yet.
type Pending struct {
	Arrivals int       `json:"arrivals"`
	Mails    int       `json:"mails"`
	Oldest   time.Time `json:"oldest,omitzero"` // by the database's clock
	Now      time.Time `json:"now"`             // of the same clock
	Troubles int       `json:"troubles"`        // of the arrivals: the leader could not take them
	Trouble  string    `json:"trouble,omitempty"`
}

// Lag is how long the oldest of it waits.
func (p *Pending) Lag() time.Duration {
	if p.Oldest.IsZero() {
		return 0
	}
	return max(0, p.Now.Sub(p.Oldest))
}

// Pending counts what waits for the leader.
func (db Mailboxes) Pending(ctx context.Context) (p Pending, err error) {
	if !db.OnServer() {
		return p, nil
	}
	err = db.Read.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(mails), 0), min(at), `+fleet.Clock+`, count(*) FILTER (WHERE trouble <> ''), coalesce(max(trouble), '') FROM arrivals`).
		Scan(&p.Arrivals, &p.Mails, engine.When(&p.Oldest), engine.When(&p.Now), &p.Troubles, &p.Trouble)
	if err != nil {
		err = fmt.Errorf("counting what was handed in: %w", engine.Explain(err))
	}
	return p, err
}

// written is an Arrival as a row holds it: JSON with the words of the field, so
// that a worker of another version can read it. Times stand as milliseconds,
// since a mail may claim any year, and RFC 3339 has four digits for it.
type written struct {
	Items   []writtenItem        `json:"items,omitempty"`
	Copies  []writtenCopy        `json:"copies,omitempty"`
	Settled []harvest.Settlement `json:"settled,omitempty"`
	Sent    []writtenSent        `json:"sent,omitempty"`
}

type writtenMessage struct {
	harvest.Locator
	Raw       []byte `json:",omitempty"` // of a mail that is kept to be looked at
	Size      int64  // of the whole
	Hash      []byte
	Received  millis
	Truncated bool   `json:",omitempty"`
	Gone      bool   `json:",omitempty"`
	Poison    string `json:",omitempty"`
	Again     bool   `json:",omitempty"`
}

type writtenItem struct {
	Message     writtenMessage
	Result      parse.Result
	Disposition harvest.Disposition `json:",omitempty"`
	Target      string              `json:",omitempty"`
	// What the stable form of a Result leaves out.
	Received, Arrival, Date, SignedFrom, SignedTo millis    `json:",omitzero"`
	Key                                           int       `json:",omitempty"`
	Certainty                                     []float64 `json:",omitempty"`
	Unread                                        []string  `json:",omitempty"`

	Unsubscribe parse.Unsubscribe `json:",omitempty"`
}

type writtenCopy struct {
	Message writtenMessage
	Copy    parse.Copy
	Date    millis

	Unsubscribe parse.Unsubscribe `json:",omitempty"`
}

type writtenSent struct {
	Sent
	At millis
}

// millis is a time as milliseconds since 1970, null for none.
type millis struct{ time.Time }

func (m millis) MarshalJSON() ([]byte, error) {
	if m.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(m.UnixMilli())
}

func (m *millis) UnmarshalJSON(b []byte) error {
	var ms *int64
	if err := json.Unmarshal(b, &ms); err != nil || ms == nil {
		m.Time = time.Time{}
		return err
	}
	m.Time = time.UnixMilli(*ms).UTC()
	return nil
}

func writeMessage(m *harvest.Message, keep bool) writtenMessage {
	engine.Clean(&m.Locator)
	if m.Hash == ([sha256.Size]byte{}) && !m.Gone && m.Poison == nil {
		m.Hash = sha256.Sum256(m.Raw)
	}
	w := writtenMessage{Locator: m.Locator, Size: max(m.Size, int64(len(m.Raw))), Hash: m.Hash[:], Received: millis{m.Received}, Truncated: m.Truncated, Gone: m.Gone, Again: m.Again}
	if m.Poison != nil {
		w.Poison = m.Poison.Error()
	}
	if keep {
		w.Raw = m.Raw[:min(len(m.Raw), RawCap)]
	}
	return w
}

func (w *writtenMessage) read() harvest.Message {
	m := harvest.Message{Locator: w.Locator, Raw: w.Raw, Size: w.Size, Received: w.Received.Time, Truncated: w.Truncated, Gone: w.Gone, Again: w.Again}
	copy(m.Hash[:], w.Hash)
	if w.Poison != "" {
		m.Poison = errors.New(w.Poison)
	}
	return m
}

func writeItem(it *Item) writtenItem {
	engine.Clean(&it.Result)
	res := it.Result
	w := writtenItem{Message: writeMessage(&it.Message, puzzling(&res)), Disposition: it.Disposition, Target: it.Target,
		Received: millis{res.Received.Time}, Arrival: millis{res.Arrival.Time}, Date: millis{res.Date.Time}}
	w.Unsubscribe = res.Original.Unsubscribe
	res.Arrival, res.Date = parse.Time{}, parse.Time{}
	if res.Sent != nil {
		w.Key = res.Sent.Key
	}
	if s := res.Provenance.Signature; s != nil {
		timeless := *s
		w.SignedFrom, w.SignedTo = millis{s.From.Time}, millis{s.To.Time}
		timeless.From, timeless.To = parse.Time{}, parse.Time{}
		res.Provenance.Signature = &timeless
	}
	for i := range res.Recipients {
		w.Certainty, w.Unread = append(w.Certainty, res.Recipients[i].Certainty), append(w.Unread, res.Recipients[i].Unread)
	}
	w.Result = res
	return w
}

func (w *writtenItem) read() Item {
	res := w.Result
	res.Original.Unsubscribe = w.Unsubscribe
	res.Received.Time, res.Arrival.Time, res.Date.Time = w.Received.Time, w.Arrival.Time, w.Date.Time
	if res.Sent != nil {
		res.Sent.Key = w.Key
	}
	if s := res.Provenance.Signature; s != nil {
		s.From.Time, s.To.Time = w.SignedFrom.Time, w.SignedTo.Time
	}
	for i := range res.Recipients {
		if i < len(w.Certainty) && i < len(w.Unread) {
			res.Recipients[i].Certainty, res.Recipients[i].Unread = w.Certainty[i], w.Unread[i]
		}
	}
	return Item{Message: w.Message.read(), Result: res, Disposition: w.Disposition, Target: w.Target}
}

// puzzling tells that a message is kept to be looked at.
func puzzling(res *parse.Result) bool {
	if res.Kind == bounce.KindUnparsed {
		return true
	}
	for i := range res.Recipients {
		if r := &res.Recipients[i]; r.Reason == bounce.Unclassified && r.Action == bounce.Failed {
			return true
		}
	}
	return false
}

// arrivalWindow is what is looked back for repetitions: what is set aside for more
// costs more than it saves, for each batch, on both ends.
const arrivalWindow = 256 << 10

func encodeArrival(a *Arrival) ([]byte, error) {
	w := written{Settled: a.Settled}
	engine.Clean(&w.Settled)
	for i := range a.Batch.Items {
		w.Items = append(w.Items, writeItem(&a.Batch.Items[i]))
	}
	for i := range a.Batch.Copies {
		c := &a.Batch.Copies[i]
		engine.Clean(&c.Copy)
		date := c.Date
		read := c.Copy
		read.Date = parse.Time{}
		w.Copies = append(w.Copies, writtenCopy{Message: writeMessage(&c.Message, false), Copy: read, Date: millis{date.Time}, Unsubscribe: read.Mail.Unsubscribe})
	}
	for _, s := range a.Sent {
		engine.Clean(&s)
		at := s.At
		s.At = time.Time{}
		w.Sent = append(w.Sent, writtenSent{s, millis{at}})
	}
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(arrivalWindow))
	if err != nil {
		return nil, err
	}
	err = errors.Join(json.NewEncoder(z).Encode(&w), z.Close())
	return out.Bytes(), err
}

// mostArrival bounds what a row may unfold to: it comes from a worker, and holds
// a batch in memory.
const mostArrival = 1 << 30

func decodeArrival(body []byte, a *Arrival) error {
	z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	var w written
	if err := json.NewDecoder(io.LimitReader(z, mostArrival)).Decode(&w); err != nil {
		return errors.New("it can't be read: " + err.Error()) // an end too soon is not one of a connection
	}
	a.Settled = w.Settled
	for _, s := range w.Sent {
		s.Sent.At = s.At.Time
		a.Sent = append(a.Sent, s.Sent)
	}
	for i := range w.Items {
		a.Batch.Items = append(a.Batch.Items, w.Items[i].read())
	}
	for i := range w.Copies {
		c := &w.Copies[i]
		c.Copy.Date.Time, c.Copy.Mail.Unsubscribe = c.Date.Time, c.Unsubscribe
		a.Batch.Copies = append(a.Batch.Copies, Copy{Message: c.Message.read(), Copy: c.Copy})
	}
	return nil
}

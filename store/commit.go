package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/klauspost/compress/zstd"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/policy"
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
}

// rawCap is how much of a message nobody understood is kept, in bytes.
const rawCap = 256 << 10

const (
	insertMessage = `INSERT INTO messages (hash, at, harvested, size, truncated, kind, dialect, message_id, sender, return_path,
  delivered_to, subject, date, reporting_mta, arrival, envelope_id, sender_message, feedback_type, hint, rules,
  original_message_id, original_from, original_to, original_subject, original_date, original_return_path, original_sender,
  list_id, feedback_id, dkim, notes, provenance)
 VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (hash) DO NOTHING`
	insertLocator = `INSERT INTO locators (message, mailbox, folder, uidvalidity, uid, name, received, state, error, disposition, target)
 VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`
	insertEvent = `INSERT INTO events (message, idx, at, key, domain, address, kind, original_recipient, final_recipient, action, status,
  reply_code, reason, fault, class, vendor, rule, rules, confidence, remote_mta, diagnostic, evidence, proof, stream, operator, original_message_id, cause, named, concern,
  token, doubt)
 VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertRaw    = `INSERT INTO raws (message, size, data) VALUES (?,?,?)`
	upsertCursor = `INSERT INTO cursors (mailbox, folder, uidvalidity, last_uid, state, at) VALUES (?,?,?,?,?,?)
 ON CONFLICT DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, state = excluded.state, at = excluded.at`
)

// writing is one writing transaction.
type writing struct {
	ctx context.Context //nolint:containedctx // it lives no longer than the call that made it
	db  *DB
	tx  *sql.Tx
	now time.Time
	out Outcome

	stmts map[*sql.Stmt]*sql.Stmt // prepared ones, bound to the transaction

	onDomains []policy.Override // acts on whole domains, loaded once
	loaded    bool

	bins          map[bin]*growth // changed by what was stored
	firstEvent    int64           // of those stored in this transaction
	windows       []policy.Window
	rulings       []policy.Ruling // latest first
	windowsLoaded bool

	secretKey    []byte // of the tombstones, nil when there are none
	secretLoaded bool

	ledger     bool // it has rows
	ledgerSeen bool
}

func (w *writing) exec(s *sql.Stmt, args ...any) (sql.Result, error) {
	return w.bound(s).ExecContext(w.ctx, args...)
}

func (w *writing) query(s *sql.Stmt, args ...any) (*sql.Rows, error) {
	return w.bound(s).QueryContext(w.ctx, args...)
}

// bound is a prepared statement within this transaction. Binding it anew for
// each use would cost more than the use.
func (w *writing) bound(s *sql.Stmt) *sql.Stmt {
	b := w.stmts[s]
	if b == nil {
		b = w.tx.StmtContext(w.ctx, s)
		w.stmts[s] = b
	}
	return b
}

// Commit stores a batch in one transaction: messages, events, what follows for
// the suppression list, what is to be settled, and the cursor. It is the only
// writer of harvested facts, and repeating it changes nothing: the same bytes
// found again attach a further place to the message that is there.
func (db *DB) Commit(ctx context.Context, b Batch) (Outcome, error) {
	var out Outcome
	err := db.tx(ctx, "storing a batch", func(w *writing) error {
		touched := map[string]bool{}
		for i := range b.Items {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.item(&b.Items[i], touched); err != nil {
				return err
			}
		}
		if len(b.Copies) > 0 {
			if err := w.sent(w.rows(b.Copies), touched); err != nil {
				return err
			}
		}
		if c := b.Cursor; c.Mailbox != "" {
			if _, err := w.exec(db.stmts.cursor, c.Mailbox, c.Folder, c.UIDValidity, c.LastUID, c.State, w.now.UnixMilli()); err != nil {
				return err
			}
		}
		err := w.judge(touched)
		out = w.out
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// judge draws the conclusions from what is stored about some addresses, and
// looks at what they do to the list.
func (w *writing) judge(touched map[string]bool) error {
	if err := w.regard(touched); err != nil {
		return err
	}
	if err := w.refold(touched); err != nil {
		return err
	}
	return w.guard()
}

func (w *writing) item(it *Item, touched map[string]bool) error {
	m := &it.Message
	switch {
	case m.Gone:
		w.out.Gone++
		if err := w.readable(m); err != nil {
			return err
		}
		return w.locator(it, nil, "gone", "")
	case m.Poison != nil:
		if m.Again { // it is counted once
			return nil
		}
		w.out.Poison++
		return w.locator(it, nil, "poison", m.Poison.Error())
	}
	if m.Hash == ([sha256.Size]byte{}) {
		m.Hash = sha256.Sum256(m.Raw)
	}
	if err := w.unname(it); err != nil {
		return err
	}
	id, fresh, err := w.message(it, touched)
	if err != nil {
		return err
	}
	if err := w.readable(m); err != nil {
		return err
	}
	if err := w.locator(it, id, "stored", ""); err != nil {
		return err
	}
	if !fresh {
		w.out.Known++
		return nil
	}
	w.out.Messages++
	puzzling := it.Result.Kind == bounce.KindUnparsed
	at := arrival(*m, it.Result, w.now)
	for i := range it.Result.Recipients {
		r := &it.Result.Recipients[i]
		key, err := w.event(it, id, i, at)
		if err != nil {
			return err
		}
		puzzling = puzzling || r.Reason == bounce.Unclassified && r.Action == bounce.Failed
		if key != "" {
			touched[key] = true
		}
	}
	if puzzling {
		return w.raw(id, m.Raw)
	}
	return nil
}

// readable forgets that a message could not be read by an earlier visit.
func (w *writing) readable(m *harvest.Message) error {
	if !m.Again {
		return nil
	}
	_, err := w.tx.ExecContext(w.ctx, `DELETE FROM locators WHERE mailbox = ? AND folder = ? AND uidvalidity = ? AND uid = ? AND name = ? AND state = 'poison'`,
		m.Mailbox, m.Folder, m.UIDValidity, m.UID, m.Name)
	return err
}

// message stores a content, or finds it. A place that shows an earlier arrival
// moves the message, and its events, back in time, so that the order in which
// copies are found makes no difference.
func (w *writing) message(it *Item, touched map[string]bool) (id int64, fresh bool, err error) {
	m, r, o := &it.Message, &it.Result, &it.Result.Original
	at := arrival(*m, *r, w.now).UnixMilli()
	size := max(m.Size, int64(len(m.Raw)))
	res, err := w.exec(w.db.stmts.message, m.Hash[:], at, w.now.UnixMilli(), size, m.Truncated, r.Kind.String(), r.Dialect, r.MessageID,
		r.From, r.ReturnPath, r.DeliveredTo, r.Subject, millis(r.Date.Time), r.ReportingMTA, millis(r.Arrival.Time), r.EnvelopeID,
		r.SenderMessage, r.FeedbackType, r.Hint, r.Rules, o.MessageID, o.From, o.To, o.Subject, o.Date, o.ReturnPath, o.Sender,
		o.ListID, o.FeedbackID, list(o.DKIM), list(r.Notes), provenanceText(r.Provenance))
	if err != nil {
		return 0, false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		id, err := res.LastInsertId()
		return id, true, err
	}
	var was int64
	if err := w.bound(w.db.stmts.messageByHash).QueryRowContext(w.ctx, m.Hash[:]).Scan(&id, &was); err != nil {
		return 0, false, err
	}
	if at >= was {
		return id, false, nil
	}
	if _, err := w.exec(w.db.stmts.earlier, at, id); err != nil {
		return 0, false, err
	}
	if _, err := w.exec(w.db.stmts.earlierEvents, at, id); err != nil {
		return 0, false, err
	}
	events, err := w.query(w.db.stmts.messageEvents, id)
	if err != nil {
		return 0, false, err
	}
	return id, false, scan(events, func(rows *sql.Rows) error {
		var key, concern, operator string
		err := rows.Scan(&key, &concern, &operator)
		touched[key] = true
		w.note(concern, operator, policy.Domain(key), was)
		w.note(concern, operator, policy.Domain(key), at)
		return err
	})
}

func (w *writing) locator(it *Item, message any, state, failure string) error {
	m := &it.Message
	_, err := w.exec(w.db.stmts.locator, message, m.Mailbox, m.Folder, m.UIDValidity, m.UID, m.Name, millis(m.Received),
		state, failure, it.Disposition.String(), it.Target)
	return err
}

// event stores one recipient and returns its key.
func (w *writing) event(it *Item, message int64, i int, at time.Time) (string, error) {
	res, r := &it.Result, &it.Result.Recipients[i]
	a, err := w.attribute(res, r, at, it.Message.Mailbox)
	if err != nil {
		return "", err
	}
	w.join(a.key, a.concern, a.operator, at.UnixMilli())
	stored, err := w.exec(w.db.stmts.event, message, i, at.UnixMilli(), a.key, policy.Domain(a.key), r.Recipient, res.Kind.String(),
		r.OriginalRecipient, r.FinalRecipient, r.Action.String(), r.Status, r.ReplyCode, r.Reason.String(), r.Fault.String(),
		r.Class.String(), r.Vendor, r.Rule, res.Rules, r.Confidence.String(), r.RemoteMTA, r.Diagnostic, r.Evidence,
		a.proof.String(), a.stream, a.operator, res.Original.MessageID, a.cause, a.named, a.concern, a.token, a.doubt)
	if err != nil {
		return "", err
	}
	w.out.Events++
	if w.firstEvent == 0 {
		w.firstEvent, err = stored.LastInsertId()
	}
	return a.key, err
}

func (w *writing) raw(message int64, raw []byte) error {
	if len(raw) > rawCap {
		raw = raw[:rawCap]
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	_, err = w.exec(w.db.stmts.raw, message, len(raw), z.EncodeAll(raw, nil))
	return err
}

func list(words []string) string {
	if len(words) == 0 {
		return ""
	}
	b, err := json.Marshal(words)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// scan calls f for each row and closes rows.
func scan(rows *sql.Rows, f func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

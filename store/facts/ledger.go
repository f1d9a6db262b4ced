package facts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"harvester/harvest"
	"harvester/parse"
	"harvester/store/engine"
	"harvester/store/policy"
	"strings"
	"time"
)

// Sent is one mail to one recipient, as a line of the send ledger tells it.
type Sent struct {
	MessageID string // with or without angle brackets
	Recipient string
	Stream    string // of ours; "" has it told by the sender, or else by the returned mail
	Sender    string // of the envelope; "" when it is not known
	At        time.Time
}

// LedgerTime is how long a row of the ledger proves that a mail was sent.
const LedgerTime = 45 * 24 * time.Hour

const (
	insertSent   = `INSERT INTO sent (id, at, stream) VALUES (?,?,?) ON CONFLICT DO NOTHING`
	selectProven = `SELECT id FROM events WHERE key = ? AND original_message_id IN (?, ?) AND proof IN ('none', 'returned', 'authentic') ORDER BY id`
)

// Sent stores rows of the ledger and counts them, and judges anew the events
// that they prove.
func (w *Writing) Sent(some []Sent) error {
	oldest := w.sure().Add(-LedgerTime)
	asks, written, counts := make([]engine.Ask, len(some)), make([]sql.Result, len(some)), make([]DayStream, len(some))
	for i, s := range some {
		at := s.At
		if at.IsZero() {
			at = w.sure()
		}
		key, id := policy.Key(s.Recipient), BareID(s.MessageID)
		if s.Stream == "" && s.Sender != "" {
			s.Stream = w.Ours.configured(whence{DeliveredTo: s.Sender, original: &parse.Original{From: s.Sender}})
		}
		var err error
		if written[i], err = w.Exec(insertSent, ledgerID(id, key), at.UnixMilli(), s.Stream); err != nil {
			return err
		}
		asks[i] = engine.Ask{Query: selectProven, Args: []any{key, id, "<" + id + ">"}}
		if !at.Before(oldest) { // one that is too old is not kept, and would count again
			counts[i] = DayStream{EpochDay(at.UTC()), s.Stream}
		}
	}
	fresh := map[DayStream]int{}
	for i := range written {
		if n, err := written[i].RowsAffected(); err != nil {
			return err
		} else if n == 1 && counts[i] != (DayStream{}) {
			w.Out.Sent++
			fresh[counts[i]]++
		}
	}
	if err := w.countLedger(fresh); err != nil {
		return err
	}
	w.ledger, w.ledgerSeen = true, true
	if err := w.prove(some, asks); err != nil {
		return err
	}
	_, err := w.Exec(`DELETE FROM sent WHERE at < ?`, oldest.UnixMilli())
	return err
}

// prove judges the events anew that rows of the ledger prove. asks find them, one
// for each row.
func (w *Writing) prove(some []Sent, asks []engine.Ask) error {
	if err := w.Ahead(asks...); err != nil {
		return err
	}
	var ids []int64
	var again []engine.Ask
	for i, a := range asks {
		rows, err := w.Query(a.Query, a.Args...)
		if err != nil {
			return err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			again = append(again, engine.Ask{Query: selectStored, Args: []any{id - 1, id}},
				engine.Ask{Query: selectSent, Args: []any{ledgerID(BareID(some[i].MessageID), policy.Key(some[i].Recipient))}})
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := w.Ahead(again...); err != nil {
		return err
	}
	for _, id := range ids {
		n, err := w.Revise(w.Ctx, nil, id-1, id)
		if err != nil {
			return err
		}
		w.Out.Proven += n
	}
	return nil
}

// Copy is the copy of a mail that was sent, as a mailbox holds it.
type Copy struct {
	Message harvest.Message
	parse.Copy
}

// rows are those of the ledger that copies stand for.
func (w *Writing) rowsOf(copies []Copy) (rows []Sent) {
	for i := range copies {
		c := &copies[i]
		at := arrival(c.Message, parse.Result{Date: c.Date}, w.Now, w.Known)
		stream := w.Ours.configured(whence{Mailbox: c.Message.Mailbox, original: &c.Mail})
		for _, r := range c.Recipients {
			rows = append(rows, Sent{MessageID: c.Mail.MessageID, Recipient: r, Stream: stream, At: at})
		}
	}
	return rows
}

// inLedger tells whether the ledger names a mail to a recipient, and the
// stream that it says.
func (w *Writing) inLedger(messageID, key string) (stream string, ok bool, err error) {
	id := BareID(messageID)
	if err := w.seeLedger(); err != nil || !w.ledger || id == "" || key == "" {
		return "", false, err
	}
	err = w.Row(selectSent, []any{ledgerID(id, key)}, &stream)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return stream, err == nil, err
}

const (
	selectSent    = `SELECT stream FROM sent WHERE id = ?`
	selectAnySent = `SELECT EXISTS (SELECT 1 FROM sent)`
)

// seeLedger looks whether there is a ledger: who keeps none shall not pay for it
// with each event.
func (w *Writing) seeLedger() (err error) {
	if !w.ledgerSeen {
		err = w.Row(selectAnySent, nil, &w.ledger)
		w.ledgerSeen = err == nil
	}
	return err
}

// BareID is a Message-ID without its angle brackets.
func BareID(messageID string) string { return strings.Trim(messageID, "<> \t") }

func ledgerID(bare, key string) int64 {
	h := sha256.Sum256([]byte(bare + "\x00" + key))
	return int64(binary.BigEndian.Uint64(h[:8]) >> 1) //nolint:gosec // 63 bits fit
}

// LogPosition is what was kept about how far a log has been read, by the name
// of the source; nil at first.
func (db Volumes) LogPosition(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := db.Read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, "log "+name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading the position in log %s: %w", name, engine.Explain(err))
	}
	return value, nil
}

// KeepLogPosition stores how far a log has been read, once its rows are
// recorded.
func (db Volumes) KeepLogPosition(ctx context.Context, name string, position []byte) error {
	return db.Transact(ctx, "keeping the position in log "+name, func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(w.Ctx, PutMeta, "log "+name, string(position))
		return err
	})
}

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/store/policy"
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

// RecordSent adds to the ledger of what was sent, and raises the proof of
// failures that came in before their rows did. It returns how many rows were
// read and how many stored events they prove. Rows without a Message-ID or a
// recipient are an error that names their number; those before it are kept.
func (db *DB) RecordSent(ctx context.Context, rows iter.Seq2[Sent, error]) (read, proven int, err error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	for more := true; more; {
		var some []Sent
		for len(some) < 5000 {
			s, rowErr, ok := next()
			if !ok || rowErr != nil {
				more, err = false, rowErr
				break
			}
			if bareID(s.MessageID) == "" || policy.Domain(policy.Key(s.Recipient)) == "" {
				more, err = false, fmt.Errorf("row %d of the ledger: it needs a Message-ID and a recipient, and has %q and %q", read+len(some)+1, s.MessageID, s.Recipient)
				break
			}
			some = append(some, s)
		}
		n, txErr := db.sent(ctx, some)
		if txErr != nil {
			return read, proven, errors.Join(txErr, err)
		}
		read, proven = read+len(some), proven+n
	}
	return read, proven, err
}

func (db *DB) sent(ctx context.Context, some []Sent) (proven int, err error) {
	err = db.tx(ctx, "storing the send ledger", func(w *writing) error {
		touched := map[string]bool{}
		if err := w.sent(some, touched); err != nil {
			return err
		}
		proven = w.out.Proven
		return w.judge(touched)
	})
	return proven, err
}

// sent stores rows of the ledger and counts them, and judges anew the events
// that they prove.
func (w *writing) sent(some []Sent, touched map[string]bool) error {
	insert, err := w.tx.PrepareContext(w.ctx, `INSERT INTO sent (id, at, stream) VALUES (?,?,?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	defer insert.Close()
	find, err := w.tx.PrepareContext(w.ctx, `SELECT id FROM events WHERE key = ? AND original_message_id IN (?, ?) AND proof IN ('none', 'returned', 'authentic') ORDER BY id`)
	if err != nil {
		return err
	}
	defer find.Close()
	var ids []int64
	fresh, oldest := map[dayStream]int{}, w.now.Add(-LedgerTime)
	for _, s := range some {
		at := s.At
		if at.IsZero() {
			at = w.now
		}
		key, id := policy.Key(s.Recipient), bareID(s.MessageID)
		if s.Stream == "" && s.Sender != "" {
			s.Stream = w.db.configured(whence{deliveredTo: s.Sender, original: &parse.Original{From: s.Sender}})
		}
		res, err := insert.ExecContext(w.ctx, ledgerID(id, key), at.UnixMilli(), s.Stream)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 1 && !at.Before(oldest) { // one that is too old is not kept, and would count again
			w.out.Sent++
			fresh[dayStream{epochDay(at.UTC()), s.Stream}]++
		}
		rows, err := find.QueryContext(w.ctx, key, id, "<"+id+">")
		if err != nil {
			return err
		}
		if err := scan(rows, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}); err != nil {
			return err
		}
	}
	if err := w.countLedger(fresh); err != nil {
		return err
	}
	w.ledger, w.ledgerSeen = true, true
	for _, id := range ids {
		n, err := w.revise(w.ctx, nil, touched, id-1, id)
		if err != nil {
			return err
		}
		w.out.Proven += n
	}
	_, err = w.tx.ExecContext(w.ctx, `DELETE FROM sent WHERE at < ?`, oldest.UnixMilli())
	return err
}

// Copy is the copy of a mail that was sent, as a mailbox holds it.
type Copy struct {
	Message harvest.Message
	parse.Copy
}

// rows are those of the ledger that copies stand for.
func (w *writing) rows(copies []Copy) (rows []Sent) {
	for i := range copies {
		c := &copies[i]
		at := arrival(c.Message, parse.Result{Date: c.Date}, w.now)
		stream := w.db.configured(whence{mailbox: c.Message.Mailbox, original: &c.Mail})
		for _, r := range c.Recipients {
			rows = append(rows, Sent{MessageID: c.Mail.MessageID, Recipient: r, Stream: stream, At: at})
		}
	}
	return rows
}

// inLedger tells whether the ledger names a mail to a recipient, and the
// stream that it says.
func (w *writing) inLedger(messageID, key string) (stream string, ok bool, err error) {
	if !w.ledgerSeen {
		// Who keeps no ledger shall not pay for it with each event.
		if err := w.tx.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM sent)`).Scan(&w.ledger); err != nil {
			return "", false, err
		}
		w.ledgerSeen = true
	}
	id := bareID(messageID)
	if !w.ledger || id == "" || key == "" {
		return "", false, nil
	}
	err = w.bound(w.db.stmts.sent).QueryRowContext(w.ctx, ledgerID(id, key)).Scan(&stream)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return stream, err == nil, err
}

func bareID(messageID string) string { return strings.Trim(messageID, "<> \t") }

func ledgerID(bare, key string) int64 {
	h := sha256.Sum256([]byte(bare + "\x00" + key))
	return int64(binary.BigEndian.Uint64(h[:8]) >> 1) //nolint:gosec // 63 bits fit
}

// LogPosition is what was kept about how far a log has been read, by the name
// of the source; nil at first.
func (db *DB) LogPosition(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, "log "+name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading the position in log %s: %w", name, clear(err))
	}
	return value, nil
}

// KeepLogPosition stores how far a log has been read, once its rows are
// recorded.
func (db *DB) KeepLogPosition(ctx context.Context, name string, position []byte) error {
	return db.tx(ctx, "keeping the position in log "+name, func(w *writing) error {
		_, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)`, "log "+name, string(position))
		return err
	})
}

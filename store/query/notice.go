package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/harvest"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"time"
)

// Notice is one harvested message, as far as it is kept.
type Notice struct {
	ID           int64             `json:"id"`
	At           time.Time         `json:"at"`
	Kind         bounce.Kind       `json:"kind"`
	Dialect      string            `json:"dialect"`
	MessageID    string            `json:"message_id"`
	From         string            `json:"from"`
	DeliveredTo  string            `json:"delivered_to"`
	Subject      string            `json:"subject"`
	ReportingMTA string            `json:"reporting_mta"`
	Hint         string            `json:"hint"` // what recognised the kind
	RulePack     string            `json:"rule_pack"`
	Size         int64             `json:"size"`
	Notes        []string          `json:"notes"` // what was repaired or given up
	Places       []harvest.Locator `json:"places"`
	Recipients   []Recipient       `json:"recipients"`
}

// Recipient is one event of a notice. The address is empty when nobody is
// named, or was forgotten.
type Recipient struct {
	Event   int64  `json:"event"`
	Address string `json:"address"`
}

// Notice returns a message by its number; it fails with ErrNotFound.
func (db Notices) Notice(ctx context.Context, id int64) (Notice, error) {
	n, err := db.notice(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return n, fmt.Errorf("message %d: %w", id, engine.ErrNotFound)
	}
	if err != nil {
		return n, fmt.Errorf("reading message %d: %w", id, engine.Explain(err))
	}
	return n, nil
}

func (db Notices) notice(ctx context.Context, id int64) (n Notice, err error) {
	var notes string
	err = db.Read.QueryRowContext(ctx, `SELECT id, at, kind, dialect, message_id, sender, delivered_to, subject, reporting_mta, hint, rules, size, notes
 FROM messages WHERE id = ?`, id).Scan(&n.ID, engine.When(&n.At), engine.Text(&n.Kind), &n.Dialect, &n.MessageID, &n.From, &n.DeliveredTo, &n.Subject,
		&n.ReportingMTA, &n.Hint, &n.RulePack, &n.Size, &notes)
	if err != nil {
		return n, err
	}
	if notes != "" {
		if err := json.Unmarshal([]byte(notes), &n.Notes); err != nil {
			return n, err
		}
	}
	if n.Places, err = placesOf(ctx, db.Read, id); err != nil {
		return n, err
	}
	rows, err := db.Read.QueryContext(ctx, `SELECT id, key FROM events WHERE message = ? ORDER BY idx`, id)
	if err != nil {
		return n, err
	}
	return n, engine.Each(rows, func(rows *sql.Rows) error {
		var r Recipient
		err := rows.Scan(&r.Event, &r.Address)
		n.Recipients = append(n.Recipients, r)
		return err
	})
}

// NoticeOf returns the number of the message that an event comes from; it
// fails with ErrNotFound.
func (db Notices) NoticeOf(ctx context.Context, event int64) (message int64, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT message FROM events WHERE id = ?`, event).Scan(&message)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("event %d: %w", event, engine.ErrNotFound)
	}
	if err != nil {
		return 0, fmt.Errorf("reading event %d: %w", event, engine.Explain(err))
	}
	return message, nil
}

// NoticesWith returns the numbers of the messages with a Message-ID of their
// own, or of the mail that they are about, oldest first. It may be given with
// or without angle brackets.
func (db Notices) NoticesWith(ctx context.Context, messageID string) (ids []int64, err error) {
	bare := facts.BareID(messageID)
	rows, err := db.Read.QueryContext(ctx, `SELECT id FROM messages WHERE message_id IN (?1, ?2) OR original_message_id IN (?1, ?2) ORDER BY at, id`, bare, "<"+bare+">")
	if err == nil {
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("looking for message %s: %w", messageID, engine.Explain(err))
	}
	return ids, nil
}

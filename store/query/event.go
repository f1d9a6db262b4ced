package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/policy"
	"time"
)

// Event is one recipient that a message named, as harvested.
type Event struct {
	ID         int64             `json:"id"`
	Message    int64             `json:"message"` // number of the notice
	At         time.Time         `json:"at"`
	Address    string            `json:"address"`
	Kind       bounce.Kind       `json:"kind"`
	Action     bounce.Action     `json:"action"`
	Status     string            `json:"status"`
	ReplyCode  int               `json:"reply_code"`
	Reason     bounce.Reason     `json:"reason"`
	Fault      bounce.Fault      `json:"fault"`
	Class      bounce.Class      `json:"class"`
	Vendor     string            `json:"vendor"`
	Rule       string            `json:"rule"`
	Confidence bounce.Confidence `json:"confidence"`
	RemoteMTA  string            `json:"remote_mta"`
	Diagnostic string            `json:"diagnostic"`
	Proof      policy.Proof      `json:"proof"`
	Stream     string            `json:"stream"`
	Operator   string            `json:"operator"`   // who runs the receiving server
	MessageID  string            `json:"message_id"` // of the mail that failed
}

const eventColumns = `id, message, at, address, kind, action, status, reply_code, reason, fault, class, vendor, rule, confidence, remote_mta, diagnostic,
  proof, stream, operator, original_message_id`

// columns are where an event takes eventColumns.
func (e *Event) columns() []any {
	return []any{&e.ID, &e.Message, engine.When(&e.At), &e.Address, engine.Text(&e.Kind), engine.Text(&e.Action), &e.Status, &e.ReplyCode, engine.Text(&e.Reason), engine.Text(&e.Fault),
		engine.Text(&e.Class), &e.Vendor, &e.Rule, engine.Text(&e.Confidence), &e.RemoteMTA, &e.Diagnostic, engine.Text(&e.Proof), &e.Stream, &e.Operator, &e.MessageID}
}

// EventFilter narrows the stored events. The zero value is all of them.
type EventFilter struct {
	Address string // in any spelling
	Since   time.Time
	After   int64 // only events with a higher id
	Limit   int   // at most; 0: 1,000
}

// Events returns stored events in the order in which they were stored, which
// is the order of their ids: what comes in later always has a higher one.
func (db Notices) Events(ctx context.Context, f EventFilter) ([]Event, error) {
	query := `SELECT ` + eventColumns + ` FROM events WHERE id > ?`
	args := []any{f.After}
	if f.Address != "" {
		query, args = query+` AND key = ?`, append(args, policy.Key(f.Address))
	}
	if !f.Since.IsZero() {
		query, args = query+` AND at >= ?`, append(args, f.Since.UnixMilli())
	}
	if f.Limit <= 0 {
		f.Limit = 1000
	}
	rows, err := db.Read.QueryContext(ctx, query+` ORDER BY id LIMIT ?`, append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", engine.Explain(err))
	}
	out := []Event{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var e Event
		err := rows.Scan(e.columns()...)
		out = append(out, e)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", engine.Explain(err))
	}
	return out, nil
}

// Changes returns at most limit changes of the list that lie after a mark
// (ListMark), oldest first, and the mark behind the last of them.
func (db List) Changes(ctx context.Context, mark int64, limit int) (changes []judge.Change, next int64, err error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT id, `+judge.ChangeColumns+` FROM changes WHERE id > ? ORDER BY id LIMIT ?`, mark, limit)
	if err != nil {
		return nil, mark, fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	next, changes = mark, []judge.Change{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var c judge.Change
		err := rows.Scan(append([]any{&next}, c.Columns()...)...)
		changes = append(changes, c)
		return err
	})
	if err != nil {
		return nil, mark, fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	return changes, next, nil
}

// SuppressionClasses counts the entries in force by class.
func (db List) SuppressionClasses(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := tally(ctx, db.Read, out, `SELECT class, CAST(sum(n) AS INTEGER) FROM (`+standing+`) l WHERE state = 'suppressed' AND n > 0 GROUP BY class`,
		db.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("counting suppressions: %w", engine.Explain(err))
	}
	return out, nil
}

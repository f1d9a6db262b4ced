package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/policy"
	"time"
)

// Hold is one window with what it does and what was decided about it.
type Hold struct {
	policy.Window
	Addresses int    `json:"addresses"` // with an event in it
	Held      int    `json:"held"`      // verdicts held back by it now
	Ruling    string `json:"ruling,omitempty"`
	Reason    string `json:"reason,omitempty"` // of the ruling
	Author    string `json:"author,omitempty"`
}

// Waiting is how many verdicts wait for the operator, as anybody can have
// written the notices, and since when the oldest does.
func (db Reports) Waiting(ctx context.Context) (n int, since time.Time, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT count(*), min(since) FROM suppressions WHERE state = 'held' AND held_until IS NULL AND (expires IS NULL OR expires > ?)`,
		db.Now().UnixMilli()).Scan(&n, engine.When(&since))
	if err != nil {
		return 0, since, fmt.Errorf("counting what waits: %w", engine.Explain(err))
	}
	return n, since, nil
}

// Holds returns the windows that were open at or after since, oldest first.
func (db Reports) Holds(ctx context.Context, since time.Time) ([]Hold, error) {
	windows, _, err := judge.ReadWindows(ctx, db.Read)
	if err != nil {
		return nil, fmt.Errorf("reading the holds: %w", engine.Explain(err))
	}
	policy.SortWindows(windows)
	var out []Hold
	for _, x := range windows {
		if x.Until.Before(since) {
			continue
		}
		h := Hold{Window: x}
		within, args := judge.AddressesIn(&x)
		err := db.Read.QueryRowContext(ctx, `SELECT count(DISTINCT e.key), count(DISTINCT s.key) FROM (`+within+`) e
 LEFT JOIN suppressions s ON s.key = e.key AND s.state = 'held'`, args...).Scan(&h.Addresses, &h.Held)
		if err != nil {
			return nil, fmt.Errorf("reading the holds: %w", engine.Explain(err))
		}
		err = db.Read.QueryRowContext(ctx, `SELECT act, reason, author FROM rulings WHERE kind = ? AND subject = ? AND start < ? AND ends > ? ORDER BY id DESC LIMIT 1`,
			string(x.Kind), x.Subject, x.Until.UnixMilli(), x.Start.UnixMilli()).Scan(&h.Ruling, &h.Reason, &h.Author)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("reading the holds: %w", engine.Explain(err))
		}
		out = append(out, h)
	}
	return out, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"harvester/store/policy"
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

// Holds returns the windows that were open at or after since, oldest first.
func (db *DB) Holds(ctx context.Context, since time.Time) ([]Hold, error) {
	windows, _, err := readWindows(ctx, db.read)
	if err != nil {
		return nil, fmt.Errorf("reading the holds: %w", clear(err))
	}
	policy.SortWindows(windows)
	var out []Hold
	for _, x := range windows {
		if x.Until.Before(since) {
			continue
		}
		h := Hold{Window: x}
		err := db.read.QueryRowContext(ctx, `SELECT count(*), count(s.key) FROM (`+inWindow[x.Kind]+`) e
 LEFT JOIN suppressions s ON s.key = e.key AND s.source = 'bounce' AND s.stream = '' AND s.state = 'held'`,
			x.Start.UnixMilli(), x.Until.UnixMilli(), x.Subject).Scan(&h.Addresses, &h.Held)
		if err != nil {
			return nil, fmt.Errorf("reading the holds: %w", clear(err))
		}
		err = db.read.QueryRowContext(ctx, `SELECT act, reason, author FROM rulings WHERE kind = ? AND subject = ? AND start < ? AND ends > ? ORDER BY id DESC LIMIT 1`,
			string(x.Kind), x.Subject, x.Until.UnixMilli(), x.Start.UnixMilli()).Scan(&h.Ruling, &h.Reason, &h.Author)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("reading the holds: %w", clear(err))
		}
		out = append(out, h)
	}
	return out, nil
}

// Rule decides about the window of a subject that was open at a time: release
// counts its events as usual, otherwise they lose all weight, also those that
// were exported before the window was known. It fails with ErrNotFound when
// there is no such window.
func (db *DB) Rule(ctx context.Context, kind policy.WindowKind, subject string, at time.Time, release bool, reason, author string) (Outcome, error) {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(author) == "" {
		return Outcome{}, errors.New("deciding about a hold needs a reason and an author")
	}
	var out Outcome
	err := db.tx(ctx, "deciding about a hold", func(w *writing) error {
		if err := w.loadWindows(); err != nil {
			return err
		}
		for _, x := range w.windows {
			if x.Kind != kind || x.Subject != subject || at.Before(x.Start) || !at.Before(x.Until) {
				continue
			}
			act := "drop"
			if release {
				act = "release"
			}
			if _, err := w.tx.ExecContext(ctx, `INSERT INTO rulings (at, kind, subject, start, ends, act, reason, author) VALUES (?,?,?,?,?,?,?,?)`,
				w.now.UnixMilli(), string(kind), subject, x.Start.UnixMilli(), x.Until.UnixMilli(), act, reason, author); err != nil {
				return err
			}
			w.rulings = append([]policy.Ruling{{Kind: kind, Subject: subject, Start: x.Start, End: x.Until, Release: release}}, w.rulings...)
			keys := map[string]bool{}
			if err := w.within(x, keys); err != nil {
				return err
			}
			if err := w.refold(keys); err != nil {
				return err
			}
			out = w.out
			return w.guard()
		}
		return fmt.Errorf("%s %s at %s: %w", kind, subject, at.UTC().Format(time.RFC3339), ErrNotFound)
	})
	return out, err
}

package judge

import (
	"context"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"strings"
	"time"
)

// Rule decides about the window of a subject that was open at a time: release
// counts its events as usual, otherwise they lose all weight, also those that
// were exported before the window was known. It fails with ErrNotFound when
// there is no such window.
func (db *Judge) Rule(ctx context.Context, kind policy.WindowKind, subject string, at time.Time, release bool, reason, author string) (facts.Outcome, error) {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(author) == "" {
		return facts.Outcome{}, errors.New("deciding about a hold needs a reason and an author")
	}
	var out facts.Outcome
	err := db.decide(ctx, "deciding about a hold", func(w *Judging) error {
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
			if _, err := w.SQL.ExecContext(ctx, `INSERT INTO rulings (at, kind, subject, start, ends, act, reason, author) VALUES (?,?,?,?,?,?,?,?)`,
				w.Now.UnixMilli(), string(kind), subject, x.Start.UnixMilli(), x.Until.UnixMilli(), act, reason, author); err != nil {
				return err
			}
			w.rulings = append([]policy.Ruling{{Kind: kind, Subject: subject, Start: x.Start, End: x.Until, Release: release}}, w.rulings...)
			keys := map[string]bool{}
			if err := w.within([]policy.Window{x}, keys); err != nil {
				return err
			}
			if err := w.refold(keys); err != nil {
				return err
			}
			out = w.Out
			return w.guard()
		}
		return fmt.Errorf("%s %s at %s: %w", kind, subject, at.UTC().Format(time.RFC3339), engine.ErrNotFound)
	})
	return out, err
}

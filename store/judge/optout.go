package judge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
)

// OptOut believes an opt-out that nothing proves, or does not, by the word of an
// operator. It fails with ErrNotFound where there is no such event.
func (db *Judge) OptOut(ctx context.Context, event int64, believe bool, reason, author string) (facts.Outcome, error) {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(author) == "" {
		return facts.Outcome{}, errors.New("deciding about an opt-out needs a reason and an author")
	}
	word := author + ": " + reason
	if !believe {
		word = "-" + word
	}
	var out facts.Outcome
	err := db.decide(ctx, "deciding about an opt-out", func(w *Judging) error {
		var key string
		err := w.SQL.QueryRowContext(ctx, `UPDATE events SET accepted = ? WHERE id = ? AND kind IN `+engine.Words(bounce.KindUnsubscribe, bounce.KindComplaint)+` RETURNING key`, word, event).Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("opt-out %d: %w", event, engine.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := w.refold(map[string]bool{key: true}); err != nil {
			return err
		}
		out = w.Out
		return w.guard()
	})
	return out, err
}

package judge

import (
	"context"
	"harvester/store/engine"
	"harvester/store/facts"
)

// Refresh applies the passing of time: what expired leaves the list. When that
// is more than the guard allows, or the clock can't be believed, the exports
// stand still; under such a clock nothing expires.
func (db *Judge) Refresh(ctx context.Context) (facts.Outcome, error) {
	var out facts.Outcome
	if ok, err := db.believe(ctx); err != nil || !ok {
		return out, err
	}
	err := db.transact(ctx, "refreshing the suppression list", func(w *Judging) error {
		// Without DISTINCT, for which SQLite would walk the whole list by its key
		// instead of the few rows that expire by theirs.
		rows, err := w.SQL.QueryContext(ctx, `SELECT key FROM suppressions WHERE expires <= ?`, w.Now.UnixMilli())
		if err != nil {
			return err
		}
		keys := map[string]bool{}
		if err := engine.AddKeys(rows, keys); err != nil {
			return err
		}
		if err := w.refold(keys); err != nil {
			return err
		}
		out = w.Out
		return w.guard()
	})
	return out, err
}

package judge

import (
	"context"
	"database/sql"
	"harvester/store/engine"
	"harvester/store/facts"
)

// Refresh applies the passing of time: what expired leaves the list.
func (db *Judge) Refresh(ctx context.Context) (facts.Outcome, error) {
	var out facts.Outcome
	err := db.transact(ctx, "refreshing the suppression list", func(w *Judging) error {
		rows, err := w.SQL.QueryContext(ctx, `SELECT DISTINCT key FROM suppressions WHERE expires <= ?`, w.Now.UnixMilli())
		if err != nil {
			return err
		}
		keys := map[string]bool{}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var key string
			err := rows.Scan(&key)
			keys[key] = true
			return err
		})
		if err != nil {
			return err
		}
		err = w.refold(keys)
		out = w.Out
		return err
	})
	return out, err
}

package query

import (
	"context"
	"fmt"
	"harvester/store/engine"
	"iter"
)

// ListMark is a place in the history of the list: what changes later lies
// after it.
func (db List) ListMark(ctx context.Context) (int64, error) {
	var n int64
	if err := db.Read.QueryRowContext(ctx, `SELECT ifnull(max(id), 0) FROM changes`).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	return n, nil
}

// ListState names the content of the list: while it stays the same, so do the
// addresses and their kinds, and when all is asked for, every column. It costs
// the same however long the list is. Columns change with events, with time and
// with what rewrites history, without a place in the history of the list.
func (db List) ListState(ctx context.Context, all bool) (string, error) {
	query := `SELECT (SELECT ifnull(max(id), 0) FROM changes) || '.' || (SELECT count(*) FROM tombstones)`
	if all {
		query += ` || '.' || (SELECT ifnull(max(id), 0) FROM events) || '.' || (SELECT ifnull(max(id), 0) FROM overrides) || '.' ||
 (SELECT ifnull(max(id), 0) || '-' || ifnull(max(ended), 0) FROM runs WHERE kind IN ('replay', 'reclassify', 'retention'))`
	}
	var state string
	if err := db.Read.QueryRowContext(ctx, query).Scan(&state); err != nil {
		return "", fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	return state, nil
}

// ChangedAddress is an address whose place on the list changed.
type ChangedAddress struct{ Key, Address string }

// ChangedAfter yields the addresses that changed after mark, by key.
func (db List) ChangedAfter(ctx context.Context, mark int64) iter.Seq2[ChangedAddress, error] {
	return func(yield func(ChangedAddress, error) bool) {
		// The address is that of the row with the highest id.
		rows, err := db.Read.QueryContext(ctx, `SELECT key, address, max(id) FROM changes WHERE id > ? GROUP BY key ORDER BY key`, mark)
		if err != nil {
			yield(ChangedAddress{}, fmt.Errorf("reading the history of the list: %w", engine.Explain(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var c ChangedAddress
			var id int64
			if err := rows.Scan(&c.Key, &c.Address, &id); err != nil {
				yield(c, fmt.Errorf("reading the history of the list: %w", engine.Explain(err)))
				return
			}
			if !yield(c, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ChangedAddress{}, fmt.Errorf("reading the history of the list: %w", engine.Explain(err)))
		}
	}
}

package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
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

// Depth is how much of the list somebody looks at.
type Depth uint8

// The depths, each with what those before it see.
const (
	Addresses Depth = iota // the addresses and their kinds
	Words                  // what Filter.Brief reads
	Columns                // all
)

// ListState names the content of the list down to a depth: while it stays the
// same, so does all that is seen there. It costs the same however long the
// list is.
func (db List) ListState(ctx context.Context, depth Depth) (s facts.ListState, err error) {
	past, refreshed := `(SELECT count(*) FROM tombstones)`, `0`
	if depth >= Words {
		past += ` || '.' || (SELECT ifnull(max(id), 0) || '-' || ifnull(max(ended), 0) FROM runs WHERE kind IN ` + engine.Words(job.Replay, job.Reclassify, job.Retention) + `)`
	}
	if depth >= Columns {
		refreshed = `(SELECT ifnull(max(id), 0) FROM refreshed)`
	}
	err = db.Read.QueryRowContext(ctx, `SELECT (SELECT ifnull(max(id), 0) FROM changes), `+refreshed+`, CAST(`+past+` AS TEXT)`).Scan(&s.Mark, &s.Refreshed, &s.Past)
	if err != nil {
		return s, fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	return s, nil
}

// KnownBefore tells whether the list had anything of an address up to a mark.
func (db List) KnownBefore(ctx context.Context, key string, mark int64) (known bool, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM changes WHERE key = ? AND id <= ?)`, key, mark).Scan(&known)
	if err != nil {
		err = fmt.Errorf("reading the history of the list: %w", engine.Explain(err))
	}
	return known, err
}

// fewChanges are so many that they are sorted in memory.
const fewChanges = 50_000

// ChangedAddress is an address whose place on the list changed.
type ChangedAddress struct{ Key, Address string }

// ChangedAfter yields the addresses that changed after mark, by key.
func (db List) ChangedAfter(ctx context.Context, mark int64) iter.Seq2[ChangedAddress, error] {
	return func(yield func(ChangedAddress, error) bool) {
		// The address is that of the row with the highest id. Few changes are
		// sorted, many are read as they lie in the index: SQLite would always
		// walk that one, through the whole history.
		group := `key`
		last, err := db.ListMark(ctx)
		if last-mark < fewChanges {
			group = `+key`
		}
		var rows *sql.Rows
		if err == nil {
			rows, err = db.Read.QueryContext(ctx, `SELECT key, substr(max(CAST(1000000000000000000 + id AS TEXT) || address), 20) FROM changes WHERE id > ? GROUP BY `+group+` ORDER BY `+group, mark)
		}
		if err != nil {
			yield(ChangedAddress{}, fmt.Errorf("reading the history of the list: %w", engine.Explain(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var c ChangedAddress
			if err := rows.Scan(&c.Key, &c.Address); err != nil {
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

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"harvester/store/job"
)

// LastGeneration is the highest generation that an export of that name has
// used, withheld ones included; 0 when there is none.
func (db *DB) LastGeneration(ctx context.Context, name string) (int64, error) {
	var n int64
	err := db.read.QueryRowContext(ctx, `SELECT ifnull(max(generation), 0) FROM exports WHERE name = ?`, name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("reading the last generation of %s: %w", name, clear(err))
	}
	return n, nil
}

// ListMark is a place in the history of the list: what changes later lies
// after it.
func (db *DB) ListMark(ctx context.Context) (int64, error) {
	var n int64
	if err := db.read.QueryRowContext(ctx, `SELECT ifnull(max(id), 0) FROM changes`).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the history of the list: %w", clear(err))
	}
	return n, nil
}

// ListState names the content of the list: while it stays the same, so do the
// addresses and their kinds, and when all is asked for, every column. It costs
// the same however long the list is. Columns change with events, with time and
// with what rewrites history, without a place in the history of the list.
func (db *DB) ListState(ctx context.Context, all bool) (string, error) {
	query := `SELECT (SELECT ifnull(max(id), 0) FROM changes) || '.' || (SELECT count(*) FROM tombstones)`
	if all {
		query += ` || '.' || (SELECT ifnull(max(id), 0) FROM events) || '.' || (SELECT ifnull(max(id), 0) FROM overrides) || '.' ||
 (SELECT ifnull(max(id), 0) || '-' || ifnull(max(ended), 0) FROM runs WHERE kind IN ('replay', 'reclassify', 'retention'))`
	}
	var state string
	if err := db.read.QueryRowContext(ctx, query).Scan(&state); err != nil {
		return "", fmt.Errorf("reading the history of the list: %w", clear(err))
	}
	return state, nil
}

// ExportMarks say how far into the history of the list the latest file of an
// export reaches, and the one that its target has acknowledged.
type ExportMarks struct {
	Generation int64 `json:"generation"`
	Mark       int64 `json:"mark"`

	Form string `json:"form,omitempty"` // what besides the list the latest file was made of, and how its files stood then

	AckedGeneration int64 `json:"acked_generation"` // 0: none yet
	AckedMark       int64 `json:"acked_mark"`

	ToldGeneration int64 `json:"told_generation"` // the latest that on_change ran for without an error; 0: none yet
}

// ExportMarks returns the marks of an export; all zero when there are none.
func (db *DB) ExportMarks(ctx context.Context, name string) (m ExportMarks, err error) {
	return exportMarks(ctx, db.read, name)
}

func exportMarks(ctx context.Context, q querier, name string) (m ExportMarks, err error) {
	var value string
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, "marks of "+name).Scan(&value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, nil
	case err == nil:
		err = json.Unmarshal([]byte(value), &m)
	}
	if err != nil {
		return m, fmt.Errorf("reading the marks of %s: %w", name, clear(err))
	}
	return m, nil
}

// MarkExport records that generation of an export reaches up to mark, and in
// which form.
func (db *DB) MarkExport(ctx context.Context, name string, generation, mark int64, form string) error {
	return db.changeMarks(ctx, name, func(m *ExportMarks) error {
		m.Generation, m.Mark, m.Form = generation, mark, form
		return nil
	})
}

// AckExport records that the target of an export has taken in its latest
// generation, and returns the marks as they are then. The next delta counts
// from there.
func (db *DB) AckExport(ctx context.Context, name string) (m ExportMarks, err error) {
	err = db.changeMarks(ctx, name, func(was *ExportMarks) error {
		if was.Generation == 0 {
			return fmt.Errorf("export %s: %w (nothing was published that could be acknowledged)", name, ErrNotFound)
		}
		was.AckedGeneration, was.AckedMark = was.Generation, was.Mark
		m = *was
		return nil
	})
	return m, err
}

// ToldExport records that the command on_change of an export ran for a
// generation.
func (db *DB) ToldExport(ctx context.Context, name string, generation int64) error {
	return db.changeMarks(ctx, name, func(m *ExportMarks) error {
		m.ToldGeneration = generation
		return nil
	})
}

func (db *DB) changeMarks(ctx context.Context, name string, change func(*ExportMarks) error) error {
	return db.tx(ctx, "marking export "+name, func(w *writing) error {
		m, err := exportMarks(ctx, w.tx, name)
		if err != nil {
			return err
		}
		was := m
		if err := change(&m); err != nil || m == was {
			return err
		}
		value, err := json.Marshal(m)
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)`, "marks of "+name, string(value))
		return err
	})
}

// ChangedAddress is an address whose place on the list changed.
type ChangedAddress struct{ Key, Address string }

// ChangedAfter yields the addresses that changed after mark, by key.
func (db *DB) ChangedAfter(ctx context.Context, mark int64) iter.Seq2[ChangedAddress, error] {
	return func(yield func(ChangedAddress, error) bool) {
		// The address is that of the row with the highest id.
		rows, err := db.read.QueryContext(ctx, `SELECT key, address, max(id) FROM changes WHERE id > ? GROUP BY key ORDER BY key`, mark)
		if err != nil {
			yield(ChangedAddress{}, fmt.Errorf("reading the history of the list: %w", clear(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var c ChangedAddress
			var id int64
			if err := rows.Scan(&c.Key, &c.Address, &id); err != nil {
				yield(c, fmt.Errorf("reading the history of the list: %w", clear(err)))
				return
			}
			if !yield(c, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ChangedAddress{}, fmt.Errorf("reading the history of the list: %w", clear(err)))
		}
	}
}

// EverRead tells whether anything was ever read of a mailbox: it has a place
// where reading goes on, or its job once ran without an error.
func (db *DB) EverRead(ctx context.Context, mailbox string) (read bool, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cursors WHERE mailbox = ?) OR EXISTS (SELECT 1 FROM locators WHERE mailbox = ?)
 OR EXISTS (SELECT 1 FROM runs WHERE kind = ? AND subject = ? AND ok = 1)`, mailbox, mailbox, job.Harvest, mailbox).Scan(&read)
	if err != nil {
		return false, fmt.Errorf("looking whether %s was ever read: %w", mailbox, clear(err))
	}
	return read, nil
}

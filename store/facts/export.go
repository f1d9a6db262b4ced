package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/store/engine"
	"time"
)

// LastGeneration is the highest generation that an export of that name has
// used, withheld ones included; 0 when there is none.
func (db Exports) LastGeneration(ctx context.Context, name string) (int64, error) {
	var n int64
	err := db.Read.QueryRowContext(ctx, `SELECT ifnull(max(generation), 0) FROM exports WHERE name = ?`, name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("reading the last generation of %s: %w", name, engine.Explain(err))
	}
	return n, nil
}

// ExportMarks say how far into the history of the list the latest file of an
// export reaches, and the one that its target has acknowledged.
type ExportMarks struct {
	Generation int64 `json:"generation"`
	Mark       int64 `json:"mark"`

	Form  string    `json:"form,omitempty"` // what the latest file was made of, and how its files stood then
	State ListState `json:"list,omitzero"`  // of the list that it was made of

	AckedGeneration int64 `json:"acked_generation"` // 0: none yet
	AckedMark       int64 `json:"acked_mark"`

	ToldGeneration int64 `json:"told_generation"` // the latest that on_change ran for without an error; 0: none yet
}

// RefreshedKept are so many rows of what the list shows anew that are kept at
// least; whoever saw less of it looks at the list itself.
const RefreshedKept = 100_000

// ListState names the content of the list as far as somebody sees it.
type ListState struct {
	Mark      int64  `json:"mark"`                // how far its history reached
	Refreshed int64  `json:"refreshed,omitempty"` // how far those reached that show something newer
	Past      string `json:"past,omitempty"`      // of what changes it beside both
}

// ExportMarks returns the marks of an export; all zero when there are none.
func (db Exports) ExportMarks(ctx context.Context, name string) (m ExportMarks, err error) {
	return exportMarks(ctx, db.Read, name)
}

func exportMarks(ctx context.Context, q engine.Querier, name string) (m ExportMarks, err error) {
	var value string
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, "marks of "+name).Scan(&value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, nil
	case err == nil:
		err = json.Unmarshal([]byte(value), &m)
	}
	if err != nil {
		return m, fmt.Errorf("reading the marks of %s: %w", name, engine.Explain(err))
	}
	return m, nil
}

// MarkExport records that generation of an export was made of a state of the
// list, and in which form.
func (db Exports) MarkExport(ctx context.Context, name string, generation int64, form string, state ListState) error {
	return db.changeMarks(ctx, name, func(m *ExportMarks) error {
		m.Generation, m.Mark, m.Form, m.State = generation, state.Mark, form, state
		return nil
	})
}

// AckExport records that the target of an export has taken in its latest
// generation, and returns the marks as they are then. The next delta counts
// from there.
func (db Exports) AckExport(ctx context.Context, name string) (m ExportMarks, err error) {
	err = db.changeMarks(ctx, name, func(was *ExportMarks) error {
		if was.Generation == 0 {
			return fmt.Errorf("export %s: %w (nothing was published that could be acknowledged)", name, engine.ErrNotFound)
		}
		was.AckedGeneration, was.AckedMark = was.Generation, was.Mark
		m = *was
		return nil
	})
	return m, err
}

// ToldExport records that the command on_change of an export ran for a
// generation.
func (db Exports) ToldExport(ctx context.Context, name string, generation int64) error {
	return db.changeMarks(ctx, name, func(m *ExportMarks) error {
		m.ToldGeneration = generation
		return nil
	})
}

func (db Exports) changeMarks(ctx context.Context, name string, change func(*ExportMarks) error) error {
	return db.Transact(ctx, "marking export "+name, func(w *engine.Tx) error {
		m, err := exportMarks(ctx, w.SQL, name)
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
		_, err = w.SQL.ExecContext(ctx, PutMeta, "marks of "+name, string(value))
		return err
	})
}

// Export is one generation of a published file.
type Export struct {
	Name       string    `json:"name"`
	Profile    string    `json:"profile"`
	Path       string    `json:"path"`
	Generation int64     `json:"generation"` // set by RecordExport
	At         time.Time `json:"at"`         // set by RecordExport
	Rows       int       `json:"rows"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256"` // lower-case hex
	Withheld   bool      `json:"withheld,omitempty"`
	Why        string    `json:"why,omitempty"` // of a withheld one
}

// RecordExport records a new content of an export, or that it was withheld,
// under the next generation of its name.
func (db Exports) RecordExport(ctx context.Context, e Export) (Export, error) {
	err := db.Transact(ctx, "recording export "+e.Name, func(w *engine.Tx) error {
		if err := w.SQL.QueryRowContext(ctx, `SELECT ifnull(max(generation), 0) + 1 FROM exports WHERE name = ?`, e.Name).Scan(&e.Generation); err != nil {
			return err
		}
		e.At = time.UnixMilli(w.Now.UnixMilli()).UTC()
		state := "published"
		if e.Withheld {
			state = "withheld"
		}
		_, err := w.SQL.ExecContext(ctx, `INSERT INTO exports (name, profile, path, generation, at, rows, bytes, sha256, state, why) VALUES (?,?,?,?,?,?,?,?,?,?)`,
			e.Name, e.Profile, e.Path, e.Generation, w.Now.UnixMilli(), e.Rows, e.Bytes, e.SHA256, state, e.Why)
		return err
	})
	return e, err
}

// LastExport returns the newest published generation of an export, and
// ErrNotFound when there is none.
func (db Exports) LastExport(ctx context.Context, name string) (Export, error) {
	var e Export
	err := db.Read.QueryRowContext(ctx, `SELECT name, profile, path, generation, at, rows, bytes, sha256 FROM exports
 WHERE name = ? AND state = 'published' ORDER BY generation DESC LIMIT 1`, name).
		Scan(&e.Name, &e.Profile, &e.Path, &e.Generation, engine.When(&e.At), &e.Rows, &e.Bytes, &e.SHA256)
	if errors.Is(err, sql.ErrNoRows) {
		return e, fmt.Errorf("export %s: %w", name, engine.ErrNotFound)
	}
	if err != nil {
		return e, fmt.Errorf("reading the last generation of %s: %w", name, engine.Explain(err))
	}
	return e, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"harvester/store/job"
)

// Run is one run of a job.
type Run struct {
	ID      int64     `json:"id"`
	Job     job.Name  `json:"job"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // zero: running, or cut off by a crash
	OK      bool      `json:"ok"`
	Detail  string    `json:"detail"`         // one line, or the error
	Retry   time.Time `json:"retry,omitzero"` // of one that failed: when the daemon runs the job again
}

// BeginRun records that a job starts.
func (db *DB) BeginRun(ctx context.Context, j job.Name) (id int64, err error) {
	err = db.tx(ctx, "recording the start of "+j.String(), func(w *writing) error {
		res, err := w.tx.ExecContext(ctx, `INSERT INTO runs (kind, subject, started) VALUES (?, ?, ?)`, j.Kind, j.Subject, w.now.UnixMilli())
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	return id, err
}

// EndRun records how a run ended: failure is nil for success, and its text is
// kept in place of detail otherwise.
func (db *DB) EndRun(ctx context.Context, id int64, detail string, failure error) error {
	if failure != nil {
		detail = failure.Error()
	}
	return db.tx(ctx, "recording the end of a run", func(w *writing) error {
		_, err := w.tx.ExecContext(ctx, `UPDATE runs SET ended = ?, ok = ?, detail = ? WHERE id = ?`, w.now.UnixMilli(), failure == nil, detail, id)
		return err
	})
}

// Postpone records when the daemon runs a job again whose last run failed.
func (db *DB) Postpone(ctx context.Context, j job.Name, until time.Time) error {
	return db.tx(ctx, "recording the next try of "+j.String(), func(w *writing) error {
		_, err := w.tx.ExecContext(ctx, `UPDATE runs SET retry = ? WHERE id = (SELECT max(id) FROM runs WHERE kind = ? AND subject = ?) AND ok = 0`, until.UnixMilli(), j.Kind, j.Subject)
		return err
	})
}

const selectRun = `SELECT id, kind, subject, started, ended, ok, detail, retry FROM runs `

func (r *Run) scan(row interface{ Scan(to ...any) error }) error {
	return row.Scan(&r.ID, &r.Job.Kind, &r.Job.Subject, when{&r.Started}, when{&r.Ended}, &r.OK, &r.Detail, when{&r.Retry})
}

// LastRun returns the last run of a job, or the last that succeeded, and
// ErrNotFound when there is none.
func (db *DB) LastRun(ctx context.Context, j job.Name, succeeded bool) (Run, error) {
	query := selectRun + `WHERE kind = ? AND subject = ? ORDER BY started DESC, id DESC LIMIT 1`
	if succeeded {
		query = selectRun + `WHERE kind = ? AND subject = ? AND ok = 1 ORDER BY started DESC, id DESC LIMIT 1`
	}
	var r Run
	err := r.scan(db.read.QueryRowContext(ctx, query, j.Kind, j.Subject))
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("a run of %s: %w", j, ErrNotFound)
	}
	if err != nil {
		return r, fmt.Errorf("reading the last run of %s: %w", j, clear(err))
	}
	return r, nil
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
func (db *DB) RecordExport(ctx context.Context, e Export) (Export, error) {
	err := db.tx(ctx, "recording export "+e.Name, func(w *writing) error {
		if err := w.tx.QueryRowContext(ctx, `SELECT ifnull(max(generation), 0) + 1 FROM exports WHERE name = ?`, e.Name).Scan(&e.Generation); err != nil {
			return err
		}
		e.At = time.UnixMilli(w.now.UnixMilli()).UTC()
		state := "published"
		if e.Withheld {
			state = "withheld"
		}
		_, err := w.tx.ExecContext(ctx, `INSERT INTO exports (name, profile, path, generation, at, rows, bytes, sha256, state, why) VALUES (?,?,?,?,?,?,?,?,?,?)`,
			e.Name, e.Profile, e.Path, e.Generation, w.now.UnixMilli(), e.Rows, e.Bytes, e.SHA256, state, e.Why)
		return err
	})
	return e, err
}

// LastExport returns the newest published generation of an export, and
// ErrNotFound when there is none.
func (db *DB) LastExport(ctx context.Context, name string) (Export, error) {
	var e Export
	err := db.read.QueryRowContext(ctx, `SELECT name, profile, path, generation, at, rows, bytes, sha256 FROM exports
 WHERE name = ? AND state = 'published' ORDER BY generation DESC LIMIT 1`, name).
		Scan(&e.Name, &e.Profile, &e.Path, &e.Generation, when{&e.At}, &e.Rows, &e.Bytes, &e.SHA256)
	if errors.Is(err, sql.ErrNoRows) {
		return e, fmt.Errorf("export %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return e, fmt.Errorf("reading the last generation of %s: %w", name, clear(err))
	}
	return e, nil
}

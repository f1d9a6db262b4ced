package facts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/job"
	"time"
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
func (db Runs) BeginRun(ctx context.Context, j job.Name) (id int64, err error) {
	err = db.Beside(ctx, "recording the start of "+j.String(), func(w *engine.Tx) error {
		return w.SQL.QueryRowContext(ctx, `INSERT INTO runs (kind, subject, started) VALUES (?, ?, ?) RETURNING id`, j.Kind, j.Subject, w.Now.UnixMilli()).Scan(&id)
	})
	return id, err
}

// EndRun records how a run ended: failure is nil for success, and its text is
// kept in place of detail otherwise. It is true whoever has the job by now.
func (db Runs) EndRun(ctx context.Context, id int64, detail string, failure error) error {
	if failure != nil {
		detail = failure.Error()
	}
	return db.Beside(engine.Unfenced(ctx), "recording the end of a run", func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(ctx, `UPDATE runs SET ended = ?, ok = ?, detail = ? WHERE id = ?`, w.Now.UnixMilli(), failure == nil, detail, id)
		return err
	})
}

// Postpone records when the daemon runs a job again whose last run failed.
func (db Runs) Postpone(ctx context.Context, j job.Name, until time.Time) error {
	return db.Beside(ctx, "recording the next try of "+j.String(), func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(ctx, `UPDATE runs SET retry = ? WHERE id = (SELECT max(id) FROM runs WHERE kind = ? AND subject = ?) AND ok = 0`, until.UnixMilli(), j.Kind, j.Subject)
		return err
	})
}

const SelectRun = `SELECT id, kind, subject, started, ended, ok, detail, retry FROM runs `

// Scan reads a row of SelectRun.
func (r *Run) Scan(row interface{ Scan(to ...any) error }) error {
	return row.Scan(&r.ID, &r.Job.Kind, &r.Job.Subject, engine.When(&r.Started), engine.When(&r.Ended), &r.OK, &r.Detail, engine.When(&r.Retry))
}

// LastRun returns the last run of a job, or the last that succeeded, and
// ErrNotFound when there is none.
func (db Runs) LastRun(ctx context.Context, j job.Name, succeeded bool) (Run, error) {
	query := SelectRun + `WHERE kind = ? AND subject = ? ORDER BY started DESC, id DESC LIMIT 1`
	if succeeded {
		query = SelectRun + `WHERE kind = ? AND subject = ? AND ok = 1 ORDER BY started DESC, id DESC LIMIT 1`
	}
	var r Run
	err := r.Scan(db.Read.QueryRowContext(ctx, query, j.Kind, j.Subject))
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("a run of %s: %w", j, engine.ErrNotFound)
	}
	if err != nil {
		return r, fmt.Errorf("reading the last run of %s: %w", j, engine.Explain(err))
	}
	return r, nil
}

// LastRuns are the last runs of a job, latest first, at most limit.
func (db Runs) LastRuns(ctx context.Context, j job.Name, limit int) (out []Run, err error) {
	rows, err := db.Read.QueryContext(ctx, SelectRun+`WHERE kind = ? AND subject = ? ORDER BY started DESC, id DESC LIMIT ?`, j.Kind, j.Subject, limit)
	if err == nil {
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var r Run
			err := r.Scan(rows)
			out = append(out, r)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the runs of %s: %w", j, engine.Explain(err))
	}
	return out, nil
}

package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/job"
	"harvester/store/policy"
	"time"
)

// Alarms are the troubles that were noticed, and what was told of them.
func (db Alarms) Alarms(ctx context.Context) ([]policy.Alarm, error) {
	var value []byte
	err := db.Read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'alarm memory'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return []policy.Alarm{}, nil
	}
	var alarms []policy.Alarm
	if err == nil {
		err = json.Unmarshal(value, &alarms)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the alarms: %w", engine.Explain(err))
	}
	return alarms, nil
}

// KeepAlarms stores what Alarms returns, where it differs from what is stored.
func (db Alarms) KeepAlarms(ctx context.Context, alarms []policy.Alarm) error {
	value, err := json.Marshal(alarms)
	if err != nil {
		return fmt.Errorf("keeping the alarms: %w", err)
	}
	var stored string
	err = db.Read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'alarm memory'`).Scan(&stored)
	if err == nil && stored == string(value) || errors.Is(err, sql.ErrNoRows) && len(alarms) == 0 {
		return nil
	}
	return db.Beside(ctx, "keeping the alarms", func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(w.Ctx, PutMeta, "alarm memory", string(value))
		return err
	})
}

// Failing is a job that does not succeed.
type Failing struct {
	Since time.Time // start of the first failed run after the last good one
	Last  Run       // that ended
}

// FailingJob tells how long a job has been failing; ErrNotFound when it is
// not. A run that goes on, or was cut off, says nothing.
func (db Runs) FailingJob(ctx context.Context, j job.Name) (f Failing, err error) {
	err = f.Last.Scan(db.Read.QueryRowContext(ctx, SelectRun+`WHERE kind = ? AND subject = ? AND ended IS NOT NULL ORDER BY started DESC, id DESC LIMIT 1`, j.Kind, j.Subject))
	if errors.Is(err, sql.ErrNoRows) || err == nil && f.Last.OK {
		return f, fmt.Errorf("a failure of %s: %w", j, engine.ErrNotFound)
	}
	if err == nil {
		err = db.Read.QueryRowContext(ctx, `WITH good AS (SELECT started, id FROM runs WHERE kind = ?1 AND subject = ?2 AND ok = 1 ORDER BY started DESC, id DESC LIMIT 1)
SELECT min(started) FROM runs WHERE kind = ?1 AND subject = ?2 AND ended IS NOT NULL AND ok = 0
 AND (NOT EXISTS (SELECT * FROM good) OR (started, id) > (SELECT started, id FROM good))`, j.Kind, j.Subject).Scan(engine.When(&f.Since))
	}
	if err != nil {
		return f, fmt.Errorf("reading the runs of %s: %w", j, engine.Explain(err))
	}
	return f, nil
}

// lullDays is how many days before the last mail say what was usual.
const lullDays = 14

// Lull is what is known of the mail that came in, if none has for long.
func (db Alarms) Lull(ctx context.Context) (policy.Lull, error) {
	var l policy.Lull
	err := db.lull(ctx, &l)
	if err != nil {
		return l, fmt.Errorf("reading when mail came in: %w", engine.Explain(err))
	}
	return l, nil
}

func (db Alarms) lull(ctx context.Context, l *policy.Lull) error {
	if err := db.Read.QueryRowContext(ctx, `SELECT max(at) FROM messages`).Scan(engine.When(&l.Last)); err != nil || l.Last.IsZero() {
		return err
	}
	if db.Now().Sub(l.Last) < policy.LeastSilence {
		return nil // the rest matters to nobody, and takes reading two weeks
	}
	rows, err := db.Read.QueryContext(ctx, `SELECT at / 3600000, count(*) FROM messages WHERE at >= ? GROUP BY 1 ORDER BY 1`,
		l.Last.AddDate(0, 0, -lullDays).UnixMilli())
	if err != nil {
		return err
	}
	mails, before := 0, int64(0) // its hour
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var hour int64
		var n int
		err := rows.Scan(&hour, &n)
		if before > 0 {
			l.Gap = max(l.Gap, time.Duration(hour-before)*time.Hour)
		}
		before, mails = hour, mails+n
		return err
	})
	l.Usual = float64(mails) / lullDays
	if err != nil {
		return err
	}
	return db.Read.QueryRowContext(ctx, `SELECT min(started), max(started) FROM runs WHERE kind = ? AND ok = 1`, job.Harvest).Scan(engine.When(&l.Begun), engine.When(&l.Looked))
}

package facts

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"harvester/store/job"
	"time"
)

// Count is how many recipients a stream sent to on one day, as somebody
// counted. A later count of the same day, stream and source replaces it.
type Count struct {
	Day    time.Time `json:"day"`    // any instant of the day, as a date in its own zone
	Stream string    `json:"stream"` // "" where the mail is not told apart
	Source string    `json:"source"` // who counted, such as the name of a log or a file
	Sent   int       `json:"sent"`
}

// ledgerSource counts the rows of the send ledger. It gives way to other
// sources of the same day and stream, which count the same mail.
const ledgerSource = "ledger"

// EpochDay counts the days since 1970-01-01 of the date that t shows.
func EpochDay(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// RecordCounts stores counts of what was sent.
func (db Volumes) RecordCounts(ctx context.Context, counts []Count) error {
	return db.Transact(ctx, "storing counts of what was sent", func(w *engine.Tx) error {
		for _, c := range counts {
			if c.Sent < 0 || c.Source == "" || c.Source == ledgerSource {
				return fmt.Errorf("a count of %d by %q can't be stored", c.Sent, c.Source)
			}
			if _, err := w.SQL.ExecContext(w.Ctx, `INSERT INTO volumes (day, stream, source, sent) VALUES (?,?,?,?)
 ON CONFLICT (day, stream, source) DO UPDATE SET sent = excluded.sent`,
				EpochDay(c.Day), c.Stream, c.Source, c.Sent); err != nil {
				return err
			}
		}
		return nil
	})
}

// Counts returns the counts of a day and of those after it, by day, stream and
// source.
func (db Volumes) Counts(ctx context.Context, from time.Time) (out []Count, err error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT day, stream, source, sent FROM volumes WHERE day >= ? ORDER BY day, stream, source`, EpochDay(from))
	if err == nil {
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var c Count
			var day int64
			err := rows.Scan(&day, &c.Stream, &c.Source, &c.Sent)
			c.Day = time.Unix(day*86400, 0).UTC()
			out = append(out, c)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading the counts of what was sent: %w", engine.Explain(err))
	}
	return out, nil
}

// DayStream is what the ledger's rows are counted by.
type DayStream struct {
	Day    int64
	Stream string
}

// countLedger adds new rows of the ledger to its counts.
func (w *Writing) countLedger(fresh map[DayStream]int) error {
	for k, n := range fresh {
		if _, err := w.SQL.ExecContext(w.Ctx, `INSERT INTO volumes (day, stream, source, sent) VALUES (?,?,?,?)
 ON CONFLICT (day, stream, source) DO UPDATE SET sent = volumes.sent + excluded.sent`, k.Day, k.Stream, ledgerSource, n); err != nil {
			return err
		}
	}
	return nil
}

// SelectVolumes is what each stream sent on each day between two: what sources
// counted, or else the rows of the ledger.
var SelectVolumes = `SELECT stream, day, ifnull(sum(sent) FILTER (WHERE source <> ` + engine.Word(job.Ledger) + `), sum(sent)) FROM volumes
 WHERE day >= ? AND day <= ? GROUP BY stream, day`

package query

import (
	"database/sql"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/job"
	"time"
)

// Revision is how the failures of mail that was sent on a past day have become
// more since they were last reported.
type Revision struct {
	From     time.Time // of the day
	Was, Now map[bounce.Class]int
}

// revisedDays is how far back days are revised: mail servers give up after five
// days (RFC 5321 §4.5.4.1).
const revisedDays = 7

// longestWay is how old a mail can be when its failure comes in; what claims
// to be older has no credible time of sending.
const longestWay = 14 * 24 * time.Hour

// longestDay is one on which the clocks go back: what is longer is no day.
const longestDay = 25 * time.Hour

// quarter is the unit in which times of sending are counted, in milliseconds:
// midnights of all time zones lie on it.
const quarter = 15 * 60 * 1000

// revisions compares, for each day before the one reported on, what is known
// now with what the report before this one knew. A mail belongs to the day on
// which the reporting server took it, where the notice says so. Without an
// earlier report there is nothing to revise.
func (g *gathering) revisions(f *ReportFacts) error {
	since, until, err := g.reported(f)
	if err != nil || since.IsZero() || len(f.Before) == 0 || f.Today.To.Sub(f.Today.From) > longestDay {
		return err
	}
	days := f.Before[:min(len(f.Before), revisedDays)] // latest first
	for i := range days {
		f.Revisions = append(f.Revisions, Revision{From: days[i].From, Was: map[bounce.Class]int{}, Now: map[bounce.Class]int{}})
	}
	err = g.each(func(rows *sql.Rows) error {
		var sent int64
		var reason bounce.Reason
		var now, was int
		if err := rows.Scan(&sent, engine.Text(&reason), &now, &was); err != nil {
			return err
		}
		at := time.UnixMilli(sent * quarter)
		for i := range days {
			if !at.Before(days[i].From) && at.Before(days[i].To) {
				c := reason.Class(bounce.Failed)
				f.Revisions[i].Now[c] += now
				f.Revisions[i].Was[c] += was
			}
		}
		return nil
	}, `SELECT CASE WHEN m.arrival BETWEEN e.at - ? AND e.at THEN m.arrival ELSE e.at END / ? AS sent, e.reason, count(*), count(*) FILTER (WHERE m.harvested < ?)
 FROM events e CROSS JOIN messages m ON m.id = e.message
 WHERE e.at >= ? AND e.at < ? AND e.kind = `+engine.Word(bounce.KindBounce)+` AND e.action = 'failed' AND e.duplicate_of IS NULL AND m.harvested < ? GROUP BY 1, 2`,
		longestWay.Milliseconds(), quarter, since.UnixMilli(), days[len(days)-1].From.UnixMilli(), f.Today.To.UnixMilli(), until.UnixMilli())
	return err
}

// reported is when the report of the day before was made, and when that of
// this one was: what was stored in between is news. Since is zero when no
// report was ever made.
func (g *gathering) reported(f *ReportFacts) (since, until time.Time, err error) {
	from, to := f.Today.From.UnixMilli(), f.Today.To.UnixMilli()
	err = g.q.QueryRowContext(g.ctx, `SELECT max(started) FROM runs WHERE kind = ? AND subject = '' AND ok = 1 AND started < ?`, job.Report, to).Scan(engine.When(&since))
	if err != nil || since.IsZero() {
		return since, until, err
	}
	if since.UnixMilli() < from { // none was made on that day
		since = f.Today.From
	}
	err = g.q.QueryRowContext(g.ctx, `SELECT min(started) FROM runs WHERE kind = ? AND subject = '' AND ok = 1 AND started >= ?`, job.Report, to).Scan(engine.When(&until))
	if until.IsZero() {
		until = time.UnixMilli(1 << 62 / 1_000_000)
	}
	return since, until, err
}

package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
	"slices"
	"time"
)

// ReportFacts is what the database knows of a day and of those before it, as
// a report needs it, from one snapshot.
type ReportFacts struct {
	Today   DayFacts
	Before  []Day // the days before, latest first, none from before the first message
	Jobs    []JobFacts
	Exports []ExportFacts
	Since   time.Time   // when the first message ever came in; zero when none did
	Stopped *judge.Trip // what kept the exports still at the end of the day; nil when they went on

	Levels    Levels          // what proof there is of the failures of 30 days, at the end of the day
	Rates     []judge.Rate    // of each stream, as of the end of the day
	Findings  []facts.Finding // of diagnoses, that stood within the span
	Revisions []Revision      // of the days before, latest first; none when no report was made before
}

// DayFacts is what the database knows about one span of time, as a report
// needs it. Failures are recipients with action failed in bounces; a second
// notice about the same mail is left out.
type DayFacts struct {
	Day
	Receivers []ReceiverCount // by receiver and reason, most failures first
	Reasons   []ReasonCount   // by reason and status, most failures first
	Streams   []StreamCount   // by stream and reason, in that order
	Refusals  []Refusal       // failures that may be our own fault, oldest first
	Unproven  int             // failures without any proof that we sent the mail
	Forged    int             // of them, to return paths of ours that are not believed
	Proofs    []ProofCount    // of what was suppressed for a bounce, strongest first
	Changes   []judge.Change  // of the suppression list, oldest first; at most the number asked for
	InForce   int             // suppressions at the end of the span
	Held      int             // verdicts held back at the end of the span
	Waiting   int             // of them, those that rest on what anybody can have written, and wait for the operator still
	Allowed   int             // addresses that failed for good or complained, and that the operator allowed
}

// Day counts what came in within a span of time.
type Day struct {
	From, To time.Time             // To is not part of it
	Kinds    map[bounce.Kind]int   // messages
	Failed   map[bounce.Reason]int // recipients
	Added    int                   // to the suppression list
	Removed  int
}

// ReceiverCount counts failures at one receiver: the operator of the MX where
// he is known, else the recipient's domain.
type ReceiverCount struct {
	Receiver string
	Reason   bounce.Reason
	Status   string
	N        int
}

// StreamCount counts what concerns one stream of ours: failures by reason, and
// complaints and opt-outs, which have none.
type StreamCount struct {
	Stream string
	Kind   bounce.Kind
	Reason bounce.Reason
	N      int
}

// ProofCount counts suppressions by what proves that the mail was ours.
type ProofCount struct {
	Proof policy.Proof
	N     int
}

// ReasonCount counts failures of one reason and status.
type ReasonCount struct {
	Reason  bounce.Reason
	Status  string
	N       int
	Domains int
	Sample  string // diagnostic of the latest
}

// Refusal counts failures that read alike.
type Refusal struct {
	Reason      bounce.Reason
	Vendor      string
	Status      string
	Receiver    string
	RemoteMTA   string
	Diagnostic  string
	N           int
	First, Last time.Time
}

// JobFacts is how one job has fared.
type JobFacts struct {
	Job      job.Name
	Last     time.Time // start of the latest run; zero when it never ran
	LastOK   time.Time // start of the latest good run; zero when there is none
	Detail   string    // of the latest run: one line, or the error
	Failing  bool      // the latest finished run failed
	Runs     int       // within the span
	Failures int       // within the span
}

// ExportFacts is the latest state of one export.
type ExportFacts struct {
	Name, Profile, Path string
	Generation          int64
	At                  time.Time
	Rows                int
	Withheld            bool
	Why                 string // of a withheld one
}

// maxReportChanges bounds the changes that a report is given: a day on which
// more happened is told by its counts.
const maxReportChanges = 10_000

var (
	receiverColumn = `CASE operator WHEN '' THEN domain ELSE operator END`
	failedWithin   = ` FROM events WHERE at >= ? AND at < ? AND kind = ` + engine.Word(bounce.KindBounce) + ` AND action = 'failed' AND duplicate_of IS NULL`
)

// ReportFacts gathers the facts of the day that lies between the last two of
// midnights, and counts for the days between the others, oldest first.
func (db Reports) ReportFacts(ctx context.Context, midnights []time.Time) (ReportFacts, error) {
	tx, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return ReportFacts{}, fmt.Errorf("gathering the report: %w", engine.Explain(err))
	}
	defer tx.Rollback() // nothing was written
	g := gathering{ctx: ctx, q: tx}
	now := db.Now()
	f, err := g.facts(midnights, now)
	if err == nil {
		end := midnights[len(midnights)-1].Add(-time.Millisecond)
		if end.After(now) {
			end = now
		}
		f.Rates, err = db.rates.RatesIn(ctx, tx, end.UTC())
		if err == nil {
			f.Levels, err = levels(ctx, tx, LevelDays, end)
		}
	}
	if err != nil {
		return ReportFacts{}, fmt.Errorf("gathering the report: %w", engine.Explain(err))
	}
	return f, nil
}

// gathering reads within one snapshot.
type gathering struct {
	ctx context.Context //nolint:containedctx // it lives no longer than the call that made it
	q   engine.Querier
}

func (g *gathering) facts(midnights []time.Time, now time.Time) (f ReportFacts, err error) {
	n := len(midnights)
	if n < 2 {
		return f, fmt.Errorf("a day needs its two ends, not %d", n)
	}
	err = g.q.QueryRowContext(g.ctx, `SELECT min(at) FROM messages`).Scan(engine.When(&f.Since))
	if err != nil {
		return f, err
	}
	for i := n - 2; i >= 0; i-- {
		if i < n-2 && (f.Since.IsZero() || !f.Since.Before(midnights[i+1])) {
			break
		}
		d, err := g.day(midnights[i], midnights[i+1])
		if err != nil {
			return f, err
		}
		if i == n-2 {
			f.Today.Day = d
		} else {
			f.Before = append(f.Before, d)
		}
	}
	steps := []func(*ReportFacts) error{g.receivers, g.reasons, g.proofs, g.streams, g.revisions, g.refusals, g.changes, g.jobs, g.exports, g.stopped, g.findings}
	for _, step := range steps {
		if err := step(&f); err != nil {
			return f, err
		}
	}
	if err := g.allowed(&f.Today, now); err != nil {
		return f, err
	}
	return f, g.list(&f.Today, now)
}

// allowed counts the addresses that only an operator's act kept off the list,
// by the acts that were in force at the end of the day.
func (g *gathering) allowed(d *DayFacts, now time.Time) error {
	end := min(d.To.UnixMilli()-1, now.UnixMilli())
	rows, err := g.q.QueryContext(g.ctx, `SELECT `+facts.OverrideColumns+` FROM overrides o WHERE o.act = 'allow' AND o.at <= ?1 AND (o.until IS NULL OR o.until > ?1) ORDER BY o.id`, end)
	if err != nil {
		return err
	}
	acts, err := facts.ScanOverrides(rows)
	acts = slices.DeleteFunc(acts, func(o policy.Override) bool { return o.Undone })
	if err != nil || len(acts) == 0 {
		return err
	}
	return g.each(func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		if slices.ContainsFunc(acts, func(o policy.Override) bool { return policy.Covers(o.Pattern, key) }) {
			d.Allowed++
		}
		return err
	}, `SELECT DISTINCT key FROM events WHERE at >= ? AND at < ? AND key <> '' AND proof <> 'none'
  AND (kind = `+engine.Word(bounce.KindComplaint)+` OR kind = `+engine.Word(bounce.KindBounce)+` AND action = 'failed' AND class = 'hard')`, d.From.UnixMilli(), d.To.UnixMilli())
}

// each runs a query and hands every row on.
func (g *gathering) each(f func(*sql.Rows) error, query string, args ...any) error {
	rows, err := g.q.QueryContext(g.ctx, query, args...)
	if err != nil {
		return err
	}
	return engine.Each(rows, f)
}

func (g *gathering) day(from, to time.Time) (Day, error) {
	d := Day{From: from, To: to, Kinds: map[bounce.Kind]int{}, Failed: map[bounce.Reason]int{}}
	a, b := from.UnixMilli(), to.UnixMilli()
	err := g.each(func(rows *sql.Rows) error {
		var k bounce.Kind
		var n int
		err := rows.Scan(engine.Text(&k), &n)
		d.Kinds[k] = n
		return err
	}, `SELECT kind, count(*) FROM messages WHERE at >= ? AND at < ? GROUP BY kind`, a, b)
	if err != nil {
		return d, err
	}
	err = g.each(func(rows *sql.Rows) error {
		var r bounce.Reason
		var n int
		err := rows.Scan(engine.Text(&r), &n)
		d.Failed[r] = n
		return err
	}, `SELECT reason, count(*)`+failedWithin+` GROUP BY reason`, a, b)
	if err != nil {
		return d, err
	}
	err = g.q.QueryRowContext(g.ctx, `SELECT count(*) FILTER (WHERE `+judge.Newcomers+`), count(*) FILTER (WHERE op = 'remove') FROM changes WHERE at >= ? AND at < ?`, a, b).Scan(&d.Added, &d.Removed)
	return d, err
}

func (g *gathering) receivers(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var c ReceiverCount
		err := rows.Scan(&c.Receiver, engine.Text(&c.Reason), &c.Status, &c.N)
		f.Today.Receivers = append(f.Today.Receivers, c)
		return err
	}, `SELECT `+receiverColumn+` AS receiver, reason, status, count(*) AS n`+failedWithin+` GROUP BY 1, 2, 3 ORDER BY n DESC, receiver, reason, status`,
		f.Today.From.UnixMilli(), f.Today.To.UnixMilli())
}

func (g *gathering) reasons(f *ReportFacts) error {
	// The diagnostic is that of the row with the highest id.
	err := g.each(func(rows *sql.Rows) error {
		var c ReasonCount
		var latest int64
		err := rows.Scan(engine.Text(&c.Reason), &c.Status, &c.N, &c.Domains, &latest, &c.Sample)
		f.Today.Reasons = append(f.Today.Reasons, c)
		return err
	}, `SELECT r.reason, r.status, r.n, r.domains, r.latest, e.diagnostic FROM (SELECT reason, status, count(*) AS n, count(DISTINCT domain) AS domains, max(id) AS latest`+failedWithin+
		` GROUP BY 1, 2) r JOIN events e ON e.id = r.latest ORDER BY r.n DESC, r.reason, r.status`,
		f.Today.From.UnixMilli(), f.Today.To.UnixMilli())
	if err != nil {
		return err
	}
	return g.q.QueryRowContext(g.ctx, `SELECT count(*), count(*) FILTER (WHERE doubt <> '')`+failedWithin+` AND proof = 'none'`, f.Today.From.UnixMilli(), f.Today.To.UnixMilli()).
		Scan(&f.Today.Unproven, &f.Today.Forged)
}

// proofs counts what rests on what proof, of the suppressions that came up and
// still stand.
func (g *gathering) proofs(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var p ProofCount
		err := rows.Scan(engine.Text(&p.Proof), &p.N)
		f.Today.Proofs = append(f.Today.Proofs, p)
		return err
	}, `SELECT proof, count(*) FROM suppressions WHERE state = 'suppressed' AND source = `+engine.Word(policy.SourceBounce)+` AND since >= ? AND since < ? GROUP BY proof
 ORDER BY CASE proof WHEN 'signed' THEN 0 WHEN `+engine.Word(policy.ProofLedger)+` THEN 1 WHEN 'authentic' THEN 2 WHEN 'returned' THEN 3 ELSE 4 END`, f.Today.From.UnixMilli(), f.Today.To.UnixMilli())
}

func (g *gathering) streams(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var c StreamCount
		err := rows.Scan(&c.Stream, engine.Text(&c.Kind), engine.Text(&c.Reason), &c.N)
		f.Today.Streams = append(f.Today.Streams, c)
		return err
	}, `SELECT stream, kind, CASE kind WHEN `+engine.Word(bounce.KindBounce)+` THEN reason ELSE `+engine.Word(bounce.Unclassified)+` END AS reason, count(*) FROM events
 WHERE at >= ? AND at < ? AND (kind = `+engine.Word(bounce.KindBounce)+` AND action = 'failed' OR kind IN `+engine.Words(bounce.KindComplaint, bounce.KindUnsubscribe)+`) AND duplicate_of IS NULL
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
		f.Today.From.UnixMilli(), f.Today.To.UnixMilli())
}

func (g *gathering) refusals(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var r Refusal
		err := rows.Scan(engine.Text(&r.Reason), &r.Vendor, &r.Status, &r.Receiver, &r.Diagnostic, &r.RemoteMTA, &r.N, engine.When(&r.First), engine.When(&r.Last))
		f.Today.Refusals = append(f.Today.Refusals, r)
		return err
	}, `SELECT reason, vendor, status, `+receiverColumn+` AS receiver, diagnostic, min(remote_mta), count(*), min(at) AS first, max(at)`+failedWithin+
		` AND (fault IN ('sender', 'message') OR reason IN `+engine.Words(bounce.RelayDenied, bounce.RoutingFailed)+`) GROUP BY 1, 2, 3, 4, 5 ORDER BY first, receiver, reason, diagnostic`,
		f.Today.From.UnixMilli(), f.Today.To.UnixMilli())
}

func (g *gathering) changes(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var c judge.Change
		err := rows.Scan(c.Columns()...)
		f.Today.Changes = append(f.Today.Changes, c)
		return err
	}, `SELECT `+judge.ChangeColumns+` FROM changes WHERE at >= ? AND at < ? AND (op <> 'add' OR `+judge.Newcomers+`) ORDER BY at, id LIMIT ?`,
		f.Today.From.UnixMilli(), f.Today.To.UnixMilli(), maxReportChanges)
}

// list counts what stood on the list at the end of the day: what stands now,
// less what changed since.
func (g *gathering) list(d *DayFacts, now time.Time) error {
	var added, removed int
	err := g.q.QueryRowContext(g.ctx, `SELECT count(*) FILTER (WHERE `+judge.Newcomers+`), count(*) FILTER (WHERE op = 'remove') FROM changes WHERE at >= ?`, d.To.UnixMilli()).Scan(&added, &removed)
	if err != nil {
		return err
	}
	if err = g.q.QueryRowContext(g.ctx, countStanding, now.UnixMilli()).Scan(&d.InForce, &d.Held); err != nil {
		return err
	}
	err = g.q.QueryRowContext(g.ctx, `SELECT count(*) FROM suppressions WHERE state = 'held' AND held_until IS NULL AND (expires IS NULL OR expires > ?)`, now.UnixMilli()).Scan(&d.Waiting)
	if err != nil {
		return err
	}
	d.InForce = max(0, d.InForce-added+removed)
	// Of the rows that changed since, what was the last word before tells what was held.
	var held, were int
	err = g.q.QueryRowContext(g.ctx, `WITH moved AS (SELECT DISTINCT key, source, stream FROM changes WHERE at >= ?1)
 SELECT count(*) FILTER (WHERE EXISTS (SELECT 1 FROM suppressions s WHERE s.key = m.key AND s.source = m.source AND s.stream = m.stream AND s.state = 'held' AND (s.expires IS NULL OR s.expires > ?2))),
  count(*) FILTER (WHERE (SELECT op FROM changes c WHERE c.key = m.key AND c.source = m.source AND c.stream = m.stream AND c.at < ?1 ORDER BY c.id DESC LIMIT 1) = 'hold')
 FROM moved m`, d.To.UnixMilli(), now.UnixMilli()).Scan(&held, &were)
	d.Held = max(0, d.Held-held+were)
	d.Waiting = min(d.Waiting, d.Held)
	return err
}

// jobs are those that ran in the week up to the end of the day.
func (g *gathering) jobs(f *ReportFacts) error {
	from, to := f.Today.From.UnixMilli(), f.Today.To.UnixMilli()
	err := g.each(func(rows *sql.Rows) error {
		var j JobFacts
		err := rows.Scan(&j.Job.Kind, &j.Job.Subject, engine.When(&j.Last), engine.When(&j.LastOK), &j.Runs, &j.Failures)
		f.Jobs = append(f.Jobs, j)
		return err
	}, `SELECT kind, subject, max(started), max(started) FILTER (WHERE ok = 1), count(*) FILTER (WHERE started >= ?), count(*) FILTER (WHERE started >= ? AND ended IS NOT NULL AND ok = 0)
 FROM runs WHERE started >= ? AND started < ? GROUP BY kind, subject ORDER BY kind, subject`, from, from, f.Today.To.AddDate(0, 0, -7).UnixMilli(), to)
	if err != nil {
		return err
	}
	for i := range f.Jobs {
		j := &f.Jobs[i]
		var ok bool
		err := g.q.QueryRowContext(g.ctx, `SELECT ok, detail FROM runs WHERE kind = ? AND subject = ? AND started < ? AND ended IS NOT NULL ORDER BY started DESC, id DESC LIMIT 1`, j.Job.Kind, j.Job.Subject, to).Scan(&ok, &j.Detail)
		if err == sql.ErrNoRows { // as database/sql documents it
			continue
		}
		if err != nil {
			return err
		}
		j.Failing = !ok
	}
	return nil
}

func (g *gathering) stopped(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		f.Stopped = new(judge.Trip)
		return rows.Scan(&f.Stopped.ID, engine.When(&f.Stopped.At), &f.Stopped.Why)
	}, `SELECT id, at, why FROM trips WHERE at < ?1 AND (acked IS NULL OR acked >= ?1) ORDER BY id LIMIT 1`, f.Today.To.UnixMilli())
}

// exports are the published state of each export at the end of the day, and
// whether a later content was withheld.
func (g *gathering) exports(f *ReportFacts) error {
	return g.each(func(rows *sql.Rows) error {
		var e ExportFacts
		err := rows.Scan(&e.Name, &e.Profile, &e.Path, &e.Generation, engine.When(&e.At), &e.Rows, &e.Withheld, &e.Why)
		f.Exports = append(f.Exports, e)
		return err
	}, `SELECT p.name, p.profile, p.path, p.generation, p.at, p.rows, l.state = 'withheld', l.why
 FROM (SELECT name, max(generation) FILTER (WHERE state = 'published') AS published, max(generation) AS latest FROM exports WHERE at < ? GROUP BY name) n
 JOIN exports p ON p.name = n.name AND p.generation = ifnull(n.published, n.latest)
 JOIN exports l ON l.name = n.name AND l.generation = n.latest ORDER BY p.name`, f.Today.To.UnixMilli())
}

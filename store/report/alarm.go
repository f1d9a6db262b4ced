package report

import (
	"fmt"
	"math"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

// Limits of the alarms. They are shares where a comment does not say otherwise.
const (
	enoughMails        = 10   // mails below which no share is taken
	expectedMails      = 5.0  // mails a day from which silence is news
	unclassifiedWarn   = 0.05 //
	unclassifiedCrit   = 0.25
	unparsedWarn       = 0.02
	unparsedCrit       = 0.10
	complaintsWarn     = 2   // complaints a day, while no rate is known
	concentrationShare = 0.5 // of the new suppressions at one domain
	concentrationLeast = 10  // new suppressions below which it is no news
)

// rise says how unusual n is against the mean of the days before: counters
// scatter by about the root of their mean.
func rise(n int, mean float64) Severity {
	v := float64(n)
	switch {
	case mean < 5 && v < 15, mean == 0:
		return OK
	case v > 3*mean && v > mean+3*math.Sqrt(mean):
		return Crit
	case v > mean+3*math.Sqrt(mean) && v > 1.5*mean:
		return Warn
	}
	return OK
}

func (r *Report) raise(a Alarm) { r.Alarms = append(r.Alarms, a) }

func (r *Report) alarms(f query.ReportFacts, base []query.Day, o Options) {
	if t := f.Stopped; t != nil {
		r.raise(Alarm{ID: "guard", Severity: Crit, Text: "the exports are stopped since " + stamp(local(t.At, o.Location)), Value: 1, Limit: 1,
			Next: oneLine(t.Why) + "; look at what changed, then: harvester ack"})
	}
	r.silence(f, base)
	r.machinery(min(r.Period.To.Unix(), o.Now.Unix()))
	for _, c := range r.Causes {
		if c.Severity == OK {
			continue
		}
		r.raise(Alarm{ID: "cause." + c.ID, Severity: c.Severity, Text: c.Title, Value: float64(c.N), Limit: 1,
			Next: fmt.Sprintf("%s, %s: see \"to mend on our side\"", mails(c.N), count.Of(len(c.Receivers), "receiver"))})
	}
	r.checked()
	r.rating()
	r.counters()
	r.understanding(f)
	r.waiting(f)
	if n := r.Suppressions.Held - f.Today.Waiting; n > 0 {
		r.raise(Alarm{ID: "holds", Severity: Warn, Text: count.Of(n, "verdict") + " held back after a burst at one receiver", Value: float64(n), Limit: 1,
			Next: "harvester suppress list --held"})
	}
	if d := r.Suppressions.Domains; len(d) > 0 && f.Today.Added >= concentrationLeast && float64(d[0].N) > concentrationShare*float64(f.Today.Added) {
		r.raise(Alarm{ID: "concentration", Severity: Warn, Text: fmt.Sprintf("%s of %s new suppressions are at %s", count.Number(d[0].N), count.Number(f.Today.Added), clip(d[0].Name, 30)),
			Value: float64(d[0].N) / float64(f.Today.Added), Limit: concentrationShare, Next: "check whether that domain works before you trust them"})
	}
}

// silence turns "no bounces today" into news where bounces were to be expected.
func (r *Report) silence(f query.ReportFacts, base []query.Day) {
	t := r.total("mails")
	switch {
	case f.Since.IsZero():
		r.raise(Alarm{ID: "silence", Severity: Warn, Text: "no mail has ever come in", Limit: 1, Next: "was the mailbox read, and is it the right one? harvester status"})
	case r.Early() || !r.Period.Complete || t.Today > 0 || t.Mean < expectedMails:
	default:
		a := Alarm{ID: "silence", Severity: Warn, Text: fmt.Sprintf("no mail came in, %.0f a %s were usual", t.Mean, r.Period.Span), Limit: expectedMails, Baseline: &t.Mean,
			Next: "send a mail to an address that does not exist; does it come back?"}
		if mailsOf(&base[0]) == 0 {
			a.Severity, a.Text = Crit, fmt.Sprintf("no mail for two %[2]ss, %.0[1]f a %[2]s were usual", t.Mean, r.Period.Span)
		}
		r.raise(a)
	}
}

// machinery raises what fails in the harvester itself. asOf is the end of the
// day, or now while the day lasts.
func (r *Report) machinery(asOf int64) {
	for _, j := range r.Jobs {
		if !j.Failing {
			continue
		}
		a := Alarm{ID: "job." + j.Job, Severity: Warn, Text: clip(j.Job, 40) + " fails", Value: float64(j.Failures), Limit: 1, Next: j.Detail}
		if j.LastOK.IsZero() || asOf-j.LastOK.Unix() > int64(policy.FailingLong/time.Second) {
			a.Severity = Crit
			a.Text += ", last good run " + stamp(j.LastOK)
		}
		r.raise(a)
	}
	for _, e := range r.Exports {
		if e.State == "withheld" {
			r.raise(Alarm{ID: "export." + e.Name, Severity: Crit, Text: "export " + clip(e.Name, 30) + " is withheld", Value: 1, Limit: 1, Next: e.Why + "; harvester ack"})
		}
	}
}

func (r *Report) counters() {
	for _, id := range []string{"hard", "soft", "block", "complaint", "added"} {
		t := r.total(id)
		s := rise(t.Today, t.Mean)
		if id == bounce.KindComplaint.String() && s == OK && t.Today >= complaintsWarn {
			s = Warn
		}
		if s == Crit && id == "soft" {
			s = Warn // waiting is all that anybody could do
		}
		if s != OK {
			next := map[string]string{
				"hard": "which list was mailed? see by receiver", "soft": "usually an outage at a receiver: see by receiver", "block": "see \"to mend on our side\"",
				"complaint": "who was mailed, and did they ask for it?", "added": "harvester suppress list --since " + r.since(),
			}[id]
			usual := ""
			if len(r.Trend) > 1 {
				usual = fmt.Sprintf(", %s a %s were usual", mean(t.Mean), r.Period.Span)
			}
			r.raise(Alarm{ID: "count." + id, Severity: s, Text: fmt.Sprintf("%s %s%s", count.Number(t.Today), counted(t.Today, t.Label), usual), Value: float64(t.Today), Limit: math.Round(t.Mean + 3*math.Sqrt(t.Mean)), Baseline: &t.Mean, Next: next})
		}
	}
}

// understanding raises what the harvester could not read.
func (r *Report) understanding(f query.ReportFacts) {
	failed := 0
	for _, n := range f.Today.Failed {
		failed += n
	}
	bounces := f.Today.Kinds[bounce.KindBounce] + r.Unclear.Unparsed
	r.share(bounce.Unclassified.String(), "failure without a known reason", r.Unclear.Unclassified, failed, unclassifiedWarn, unclassifiedCrit)
	r.share("unparsed", "failure notice that nobody could read", r.Unclear.Unparsed, bounces, unparsedWarn, unparsedCrit)
}

func (r *Report) share(id, label string, n, of int, warn, crit float64) {
	if of < enoughMails {
		return
	}
	v := float64(n) / float64(of)
	a := Alarm{ID: id, Severity: Warn, Text: fmt.Sprintf("%s (%.1f%% of %s)", count.Of(n, label), 100*v, count.Number(of)), Value: v, Limit: warn, Next: "harvester triage"}
	switch {
	case v >= crit:
		a.Severity, a.Limit = Crit, crit
	case v < warn:
		return
	}
	r.raise(a)
}

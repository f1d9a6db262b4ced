package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

// Options say what to report on and how.
type Options struct {
	Host      string
	Span      Span           // day, week or month
	Day       time.Time      // any instant of it
	Location  *time.Location // whose midnight begins a day
	Now       time.Time
	Addresses Addresses
	Asked     policy.Proof // the level of proof that the configuration asks for
}

// How many rows a report lists at most; what is left out is counted.
const (
	maxReceivers = 12 // receivers that a report lists
	maxReasons   = 12 // reasons that it lists
	maxChanges   = 50 // changes that it lists
	maxNamed     = 5  // our addresses that it lists for a cause
)

// Compose makes the report of f. It is pure: the same facts give the same
// report.
func Compose(f query.ReportFacts, o Options) *Report {
	from, to := o.Span.Bounds(o.Day, o.Location, 0)
	r := &Report{
		Schema: Schema, Host: o.Host, Date: o.Span.label(from), Status: OK,
		Period: Period{Span: o.Span, From: from, To: to, Timezone: o.Location.String(), Basis: "received", Complete: !o.Now.Before(to)},
		Volume: Volume{Coverage: "mailbox only"},
		Alarms: []Alarm{}, Receivers: receivers(f.Today.Receivers), Reasons: reasons(f.Today.Reasons, o.Addresses),
		Causes: causes(f.Today.Refusals, o), Findings: findings(f.Findings, o), Suppressions: suppressions(&f.Today, o), Proof: proven(&f.Levels, o.Asked),
		Unclear: Unclear{Unparsed: f.Today.Kinds[bounce.KindUnparsed], Unclassified: f.Today.Failed[bounce.Unclassified], Unproven: f.Today.Unproven, Forged: f.Today.Forged},
		Streams: streams(f.Today.Streams), Rates: rates(f.Rates), Revisions: revisions(f.Revisions),
		Jobs: jobs(f.Jobs, o.Location), Exports: exports(f.Exports, o.Location),
		Definitions: definitions(),
	}
	base := f.Before[:min(o.Span.base(), len(f.Before))]
	r.Mend = mend(r.Causes)
	if !f.Since.IsZero() {
		first := local(f.Since, o.Location)
		r.First = &first
	}
	r.Totals = totals(&f.Today.Day, base, f.Before)
	r.Trend = trend(&f.Today.Day, f.Before, o.Span)
	if r.Rated() {
		r.Definitions[len(r.Definitions)-1] = "A rate is the share of the recipients of seven days (UTC) that failed for good, or complained, with proof that the mail was ours."
	}
	r.alarms(f, base, o)
	slices.SortStableFunc(r.Alarms, func(a, b Alarm) int { return b.Severity.weight() - a.Severity.weight() })
	if len(r.Alarms) > 0 {
		r.Status = r.Alarms[0].Severity
	}
	r.Headline = r.headline()
	return r
}

// headline answers whether somebody has to act, and for what first.
func (r *Report) headline() string {
	switch {
	case r.Early():
		return "no mail had come in yet: the first one came on " + r.First.Format(time.DateOnly)
	case len(r.Alarms) == 0 && len(r.Causes) > 0:
		return fmt.Sprintf("mend it when you can: %s (%s)%s", r.Causes[0].Title, mails(r.Causes[0].N), andMore(len(r.Causes)-1))
	case len(r.Alarms) == 0:
		return "all is well, nothing to do"
	}
	act := "look at it today: "
	if r.Status == Crit {
		act = "act now: "
	}
	return act + r.Alarms[0].Text + andMore(len(r.Alarms)-1)
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("; %s more", count.Number(n))
}

// Early tells that the report is of a time before the first mail: there is
// nothing to say of it.
func (r *Report) Early() bool { return r.First != nil && !r.First.Before(r.Period.To) }

// byClass sums failures of a day by class.
func byClass(d *query.Day, c bounce.Class) int {
	n := 0
	for reason, k := range d.Failed {
		if reason.Class(bounce.Failed) == c {
			n += k
		}
	}
	return n
}

func mailsOf(d *query.Day) int {
	n := 0
	for _, k := range d.Kinds {
		n += k
	}
	return n
}

func totals(today *query.Day, base, before []query.Day) []Total {
	kind := func(k bounce.Kind) func(*query.Day) int { return func(d *query.Day) int { return d.Kinds[k] } }
	class := func(c bounce.Class) func(*query.Day) int { return func(d *query.Day) int { return byClass(d, c) } }
	var out []Total
	for _, l := range []struct {
		id, label string
		count     func(*query.Day) int
		alarm     bool // a rise is news
	}{
		{"mails", "mails read", mailsOf, false},
		{"hard", "hard bounces", class(bounce.ClassHard), true},
		{"soft", "soft bounces", class(bounce.ClassSoft), true},
		{"block", "blocked or refused", class(bounce.ClassBlock), true},
		{"complaint", "complaints", func(d *query.Day) int { return d.Kinds[bounce.KindComplaint] }, true},
		{"unsubscribe", "unsubscribes", func(d *query.Day) int { return d.Kinds[bounce.KindUnsubscribe] }, false},
		{"delay", "delay notices", kind(bounce.KindDelay), false},
		{"auto_reply", "auto-replies", kind(bounce.KindAutoReply), false},
		{"echo", "on a sender's own list", func(d *query.Day) int { return d.Failed[bounce.AlreadySuppressed] }, false},
		{"added", "new suppressions", func(d *query.Day) int { return d.Added }, true},
		{"removed", "removed suppressions", func(d *query.Day) int { return d.Removed }, false},
	} {
		t := Total{ID: l.id, Label: l.label, Today: l.count(today)}
		for i := range base {
			t.Mean += float64(l.count(&base[i]))
		}
		if len(base) > 0 {
			t.Mean /= float64(len(base))
			t.Yesterday = l.count(&base[0])
		}
		values := make([]int, len(before))
		for i := range before {
			values[i] = l.count(&before[i])
		}
		if usual, ok := Usual(values); ok {
			t.Usual = &usual
		}
		t.Unusual = l.alarm && rise(t.Today, t.Mean) != OK
		out = append(out, t)
	}
	return out
}

func (r *Report) total(id string) Total {
	i := slices.IndexFunc(r.Totals, func(t Total) bool { return t.ID == id })
	return r.Totals[i]
}

func receivers(rows []query.ReceiverCount) []Receiver {
	at := map[string]int{}
	out := []Receiver{}
	for _, row := range rows { // most failures first, so the first reason is the top one
		i, ok := at[row.Receiver]
		if !ok {
			i = len(out)
			at[row.Receiver] = i
			out = append(out, Receiver{Receiver: clip(oneLine(row.Receiver), 80), Top: strings.TrimSpace(row.Reason.String() + " " + oneLine(row.Status))})
		}
		switch row.Reason.Class(bounce.Failed) {
		case bounce.ClassHard:
			out[i].Hard += row.N
		case bounce.ClassSoft:
			out[i].Soft += row.N
		case bounce.ClassBlock:
			out[i].Block += row.N
		case bounce.ClassNone:
		}
	}
	slices.SortStableFunc(out, func(a, b Receiver) int {
		return cmp.Or(cmp.Compare(b.Hard+b.Soft+b.Block, a.Hard+a.Soft+a.Block), strings.Compare(a.Receiver, b.Receiver))
	})
	if len(out) > maxReceivers {
		rest := Receiver{Receiver: fmt.Sprintf("other (%d)", len(out)-maxReceivers)}
		for _, o := range out[maxReceivers:] {
			rest.Hard += o.Hard
			rest.Soft += o.Soft
			rest.Block += o.Block
		}
		out = append(out[:maxReceivers], rest)
	}
	return out
}

func reasons(rows []query.ReasonCount, show Addresses) []Reason {
	out := []Reason{}
	for _, row := range rows[:min(len(rows), maxReasons)] {
		out = append(out, Reason{Reason: row.Reason, Fault: row.Reason.Fault(), Status: oneLine(row.Status), N: row.N,
			Domains: row.Domains, Sample: show.text(row.Sample)})
	}
	return out
}

func suppressions(f *query.DayFacts, o Options) Suppressions {
	s := Suppressions{InForce: f.InForce, Held: f.Held, Allowed: f.Allowed, Removed: f.Removed, Proofs: []Count{}, Added: []Count{}, Domains: []Count{}, Changes: []Change{}}
	reasons, domains := map[string]int{}, map[string]int{}
	for _, c := range f.Changes {
		if c.Op == "add" {
			reasons[c.Reason]++
			domains[c.Domain()]++
		}
		if c.Op == "hold" || o.Addresses == Hidden {
			continue
		}
		if len(s.Changes) == maxChanges {
			s.More++
			continue
		}
		s.Changes = append(s.Changes, Change{Op: c.Op, At: c.At.In(o.Location), Address: o.Addresses.address(c.Address), Reason: oneLine(c.Reason), Why: o.Addresses.text(c.Why)})
	}
	for _, p := range f.Proofs {
		s.Proofs = append(s.Proofs, Count{Name: p.Proof.String(), N: p.N})
	}
	s.Added = counts(reasons, 1)
	s.Domains = counts(domains, max(5, f.Added/3))
	return s
}

// counts sorts a tally, most first, and leaves out what is below atLeast.
func counts(m map[string]int, atLeast int) []Count {
	out := []Count{}
	for name, n := range m {
		if n >= atLeast {
			out = append(out, Count{Name: clip(oneLine(name), 80), N: n})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name)) })
	return out
}

func trend(today *query.Day, before []query.Day, unit Span) []Point {
	var out []Point
	add := func(d *query.Day) {
		out = append(out, Point{Date: unit.label(d.From), Mails: mailsOf(d), Hard: byClass(d, bounce.ClassHard),
			Soft: byClass(d, bounce.ClassSoft), Block: byClass(d, bounce.ClassBlock)})
	}
	for i := len(before) - 1; i >= 0; i-- {
		add(&before[i])
	}
	add(today)
	return out
}

func jobs(rows []query.JobFacts, loc *time.Location) []Job {
	out := []Job{}
	for _, j := range rows {
		out = append(out, Job{Job: oneLine(j.Job.String()), Last: local(j.Last, loc), LastOK: local(j.LastOK, loc), Failing: j.Failing, Runs: j.Runs, Failures: j.Failures, Detail: oneLine(j.Detail)})
	}
	return out
}

func exports(rows []query.ExportFacts, loc *time.Location) []Export {
	out := []Export{}
	for _, e := range rows {
		state := "published"
		if e.Withheld {
			state = "withheld"
		}
		out = append(out, Export{Name: oneLine(e.Name), Profile: e.Profile, State: state, Why: oneLine(e.Why), Rows: e.Rows, Generation: e.Generation, Changed: local(e.At, loc)})
	}
	return out
}

func local(t time.Time, loc *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(loc)
}

func definitions() []string {
	return []string{
		"A day runs from midnight to midnight in the time zone named above; a mail belongs to the day on which it came in.",
		"A bounce is one failed recipient of one mail; a second notice about the same mail is not counted again. docs/sql.md has a query for each number.",
		"Usual is within what the number lay on the days of the chart before this one, but for the lowest and the highest.",
		"On a sender's own list: the sender did not even try, since its own list of suppressions has the address. That proves nothing and counts nowhere.",
		"Hard: the address is bad. Soft: it may work later. Blocked or refused: for what we are or sent. Nobody is suppressed for a fault of ours or of one mail.",
		"Revised: late bounces belong to the day on which their mail was sent, where they tell it; so the failures of past days can become more.",
		"The mailbox sees failures reported by mail and those of our own mail server; refusals inside an ESP's connection never arrive here.",
		"Rates need to know how much was sent. Nothing is known of that here, so there are counts only.",
	}
}

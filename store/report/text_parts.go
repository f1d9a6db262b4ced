package report

import (
	"fmt"
	"slices"
	"strings"

	"harvester/parse/count"
)

// problems are what somebody should look at. What is to be mended on our side
// has a part of its own.
func (p *printer) problems(r *Report) {
	list := r.Problems()
	if len(list) == 0 {
		return
	}
	p.line("PROBLEMS")
	for _, a := range list {
		p.wrapped(fmt.Sprintf(" %-4s  ", strings.ToUpper(string(a.Severity))), "       ", a.Text)
		if a.Next != "" {
			p.wrapped("       -> ", "          ", a.Next)
		}
	}
	p.line("")
}

// Problems are the alarms but for those of causes, which Mend has.
func (r *Report) Problems() []Alarm {
	return slices.DeleteFunc(slices.Clone(r.Alarms), func(a Alarm) bool { return strings.HasPrefix(a.ID, "cause.") })
}

// Known are the totals with anything to tell.
func (r *Report) Known() []Total {
	return slices.DeleteFunc(slices.Clone(r.Totals), func(t Total) bool { return t.Today == 0 && t.Yesterday == 0 && t.Mean == 0 })
}

func (p *printer) totals(r *Report) {
	heads := r.heads()
	p.line("%-24s%10s%13s%17s%9s", "FIGURES", heads[0], heads[1], "usual", "change")
	for _, t := range r.Known() {
		mark := ""
		if t.Unusual {
			mark = " !"
		}
		p.line(" %-23s%10s%13s%17s%9s%s", t.Label, count.Number(t.Today), count.Number(t.Yesterday), t.usual(), r.change(t), mark)
	}
	p.line(" %-23s%10s", "suppressions in force", count.Number(r.Suppressions.InForce))
	if !r.Rated() {
		p.wrapped(fmt.Sprintf(" %-23s", "bounce rate"), strings.Repeat(" ", 24), "       n/a  (how much was sent is not known: "+howToRate+")")
	}
	p.line("")
}

// usual is the range of a total in words, the mean while there is none.
func (t *Total) usual() string {
	switch {
	case t.Usual == nil:
		return mean(t.Mean)
	case t.Usual.Low == t.Usual.High:
		return count.Number(t.Usual.Low)
	}
	return count.Number(t.Usual.Low) + " to " + count.Number(t.Usual.High)
}

// chart draws the failures of the days, each kind by a line of its own.
func (p *printer) chart(r *Report) {
	if len(r.Trend) < 2 {
		return
	}
	var lines []string
	for _, l := range []struct {
		name string
		of   func(Point) int
	}{{"hard", func(v Point) int { return v.Hard }}, {"blocked", func(v Point) int { return v.Block }}, {"soft", func(v Point) int { return v.Soft }}} {
		if bars, most := sparkline(r.Trend, l.of); most > 0 {
			lines = append(lines, fmt.Sprintf(" %-9s%s  at most %s", l.name, bars, count.Number(most)))
		}
	}
	if len(lines) == 0 {
		return
	}
	p.line("FAILURES BY %s, %s TO %s", strings.ToUpper(r.Period.Span.String()), r.Trend[0].Date, r.Date)
	for _, l := range lines {
		p.line("%s", l)
	}
	p.line("")
}

// sparkline draws a number of the days, each column two wide, and says what the
// highest stands for.
func sparkline(points []Point, of func(Point) int) (bars string, most int) {
	const blocks = "▁▂▃▄▅▆▇█"
	for _, p := range points {
		most = max(most, of(p))
	}
	if most == 0 {
		return "", 0
	}
	var b strings.Builder
	for _, p := range points {
		if n := of(p); n == 0 {
			b.WriteString(". ")
		} else {
			b.WriteString(string([]rune(blocks)[(n*8-1)/most]) + " ")
		}
	}
	return b.String(), most
}

// lines are what had no weight, in words.
func (u *Unclear) lines() (out []string) {
	for _, l := range []struct {
		n     int
		thing string
	}{{u.Unclassified, "failure without a known reason"}, {u.Unparsed, "failure notice that names nobody"}, {u.Unproven, "failure of mail that we may never have sent"}} {
		if l.n > 0 {
			out = append(out, count.Of(l.n, l.thing))
		}
	}
	if u.Forged > 0 {
		out = append(out, count.Number(u.Forged)+" of them to return paths of ours that are forged or out of date")
	}
	return out
}

// harvester is how the program itself fares: a line, and one more for each thing
// that does not go as it should.
func (p *printer) harvester(r *Report) {
	if len(r.Jobs)+len(r.Exports) == 0 {
		return
	}
	p.line("HARVESTER")
	p.wrapped(" ", " ", r.Health())
	for _, j := range r.Jobs {
		if j.well() {
			continue
		}
		p.wrapped(" "+pad(clip(j.Job, 26), 27), strings.Repeat(" ", 28), j.state(r.Period.Span))
		if j.Failing && j.Detail != "" {
			p.wrapped(strings.Repeat(" ", 28), strings.Repeat(" ", 28), clip(j.Detail, 150))
		}
	}
	for _, e := range r.Exports {
		p.wrapped(" "+pad(clip("export "+e.Name, 26), 27), strings.Repeat(" ", 28), e.state())
	}
	p.line("")
}

func (j *Job) well() bool { return !j.Failing && j.Failures == 0 }

func (j *Job) state(span Span) string {
	state := fmt.Sprintf("last good run %s, %s that %s, %s failed", stamp(j.LastOK), count.Of(j.Runs, "run"), span, count.Number(j.Failures))
	if j.Failing {
		return "FAILS, " + state
	}
	return state
}

func (e *Export) state() string {
	state := fmt.Sprintf("%s, generation %d of %s", count.Of(e.Rows, "row"), e.Generation, stamp(e.Changed))
	if e.State == "withheld" {
		return "WITHHELD: " + e.Why + "; published: " + state
	}
	return state
}

// Unwell are the jobs that did not go as they should.
func (r *Report) Unwell() []Job {
	return slices.DeleteFunc(slices.Clone(r.Jobs), func(j Job) bool { return j.well() })
}

// Health says in a line how the jobs went.
func (r *Report) Health() string {
	runs, failures, failing := 0, 0, 0
	for _, j := range r.Jobs {
		runs += j.Runs
		failures += j.Failures
		if j.Failing {
			failing++
		}
	}
	state := "all well"
	if failing > 0 {
		state = count.Number(failing) + " " + count.Verb(failing, "fails", "fail")
	}
	out := fmt.Sprintf("%s, %s; %s that %s", count.Of(len(r.Jobs), "job"), state, count.Of(runs, "run"), r.Period.Span)
	if failures > 0 {
		out += ", " + count.Number(failures) + " failed"
	}
	return out + "."
}

package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// lineWidth is the most columns a line of the text takes.
const lineWidth = 78

// Text writes the report as plain text of at most 78 columns, in UTF-8.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: bufio.NewWriter(w)}
	p.head(r)
	p.problems(r)
	p.causes(r)
	p.findings(r)
	p.totals(r)
	p.revisions(r)
	p.streams(r)
	p.rates(r)
	p.receivers(r)
	p.reasons(r)
	p.suppressions(r)
	p.unclear(r)
	p.harvester(r)
	p.line("%s", strings.Repeat("-", lineWidth))
	for _, d := range r.Definitions {
		p.wrapped("", "", d)
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

type printer struct{ w *bufio.Writer }

// line writes one line. Errors stay with the bufio.Writer until Flush.
func (p *printer) line(format string, args ...any) {
	s := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	_, _ = p.w.WriteString(s + "\n")
}

// wrapped writes s in as many lines as it takes, the first after first, the
// others after rest.
func (p *printer) wrapped(first, rest, s string) {
	for i, l := range wrap(s, lineWidth-columns(rest)) {
		if i == 0 {
			p.line("%s%s", first, l)
		} else {
			p.line("%s%s", rest, l)
		}
	}
}

func (p *printer) head(r *Report) {
	p.wrapped("", "  ", strings.ToUpper(string(r.Status))+": "+r.Headline)
	p.wrapped("", "  ", fmt.Sprintf("%s  %s, %s", clip(oneLine(r.Host), 40), r.Title(), r.Period.Timezone))
	p.line("%s", strings.Repeat("=", lineWidth))
}

func (p *printer) problems(r *Report) {
	if len(r.Alarms) == 0 {
		return
	}
	p.line("PROBLEMS")
	for _, a := range r.Alarms {
		p.wrapped(fmt.Sprintf(" %-4s  ", strings.ToUpper(string(a.Severity))), "       ", a.Text)
		if a.Next != "" {
			p.wrapped("       -> ", "          ", a.Next)
		}
	}
	p.line("")
}

func (p *printer) causes(r *Report) {
	if len(r.Causes) == 0 {
		return
	}
	p.line("TO MEND ON OUR SIDE   (nobody was suppressed for these)")
	for i := range r.Causes {
		c := &r.Causes[i]
		p.wrapped(" * ", "   ", c.Title)
		p.wrapped("   ", "   ", fmt.Sprintf("%s at %s, %s", plural(c.N, "mail"), list(c.Receivers, 4), c.when()))
		if len(c.Named) > 0 {
			p.wrapped("   names ", "         ", strings.Join(c.Named, " "))
		}
		if c.Sample != "" {
			p.wrapped("   | ", "   | ", clip(c.Sample, 3*(lineWidth-5)))
		}
		for i, s := range c.Steps {
			p.wrapped(fmt.Sprintf("   %d. ", i+1), "      ", s)
		}
		if c.Page != "" {
			p.wrapped("   -> ", "      ", c.Page)
		}
		p.line("")
	}
}

func (p *printer) totals(r *Report) {
	heads := r.heads()
	p.line("%-24s%10s%13s%9s%10s", "TOTALS", heads[0], heads[1], heads[2], "change")
	for _, t := range r.Totals {
		if t.Today == 0 && t.Yesterday == 0 && t.Mean == 0 {
			continue
		}
		mark := ""
		if t.Unusual {
			mark = "  !"
		}
		p.line(" %-23s%10s%13s%9s%10s%s", t.Label, number(t.Today), number(t.Yesterday), mean(t.Mean), r.change(t), mark)
	}
	p.line(" %-23s%10s", "suppressions in force", number(r.Suppressions.InForce))
	if !r.Rated() {
		p.wrapped(fmt.Sprintf(" %-23s", "bounce rate"), strings.Repeat(" ", 24), "       n/a  (how much was sent is not known: "+howToRate+")")
	}
	if bars := sparkline(r.Trend); bars != "" {
		p.line(" %-23s%s  to %s", "hard bounces by "+r.Period.Span.String(), bars, r.Date)
	}
	p.line("")
}

// sparkline draws the hard bounces of the days, "" when there were none.
func sparkline(points []Point) string {
	const blocks = "▁▂▃▄▅▆▇█"
	most := 0
	for _, p := range points {
		most = max(most, p.Hard)
	}
	if most == 0 || len(points) < 2 {
		return ""
	}
	var b strings.Builder
	for _, p := range points {
		b.WriteRune([]rune(blocks)[p.Hard*7/most])
	}
	return b.String()
}

func (p *printer) revisions(r *Report) {
	if len(r.Revisions) == 0 {
		return
	}
	p.line("REVISED   (late bounces, by the day on which the mail was sent)")
	for i := range r.Revisions {
		p.wrapped(" "+r.Revisions[i].Date+"  ", strings.Repeat(" ", 13), r.Revisions[i].String())
	}
	p.line("")
}

func (p *printer) streams(r *Report) {
	if len(r.Streams) == 0 {
		return
	}
	p.line("%-32s%6s%7s%9s%12s%9s", "BY STREAM", "hard", "soft", "blocked", "complaints", "opt-outs")
	for i := range r.Streams {
		s := &r.Streams[i]
		p.line(" %s%6s%7s%9s%12s%9s", pad(clip(s.name(), 30), 31), number(s.Hard), number(s.Soft), number(s.Block), number(s.Complaint), number(s.Unsubscribe))
	}
	p.line("")
}

func (p *printer) receivers(r *Report) {
	if len(r.Receivers) == 0 {
		return
	}
	p.line("%-32s%6s%7s%8s  %s", "BY RECEIVER", "hard", "soft", "blocked", "top reason")
	for _, v := range r.Receivers {
		p.line(" %s%6s%7s%8s  %s", pad(clip(v.Receiver, 30), 31), number(v.Hard), number(v.Soft), number(v.Block), clip(v.Top, lineWidth-56))
	}
	p.line("")
}

func (p *printer) reasons(r *Report) {
	if len(r.Reasons) == 0 {
		return
	}
	p.line("%-29s%6s%9s  %s", "TOP REASONS", "n", "domains", "sample")
	for _, v := range r.Reasons {
		p.line(" %s%6s%9s  %s", pad(clip(v.Reason.String()+" "+v.Status, 27), 28), number(v.N), number(v.Domains), clip(v.Sample, lineWidth-46))
	}
	p.line("")
}

func (p *printer) suppressions(r *Report) {
	s := r.Suppressions
	added := r.total("added").Today
	if added == 0 && s.Removed == 0 && s.Held == 0 && s.Allowed == 0 {
		return
	}
	var by []string
	for _, c := range s.Added {
		by = append(by, c.Name+" "+number(c.N))
	}
	head := fmt.Sprintf("NEW SUPPRESSIONS %s", number(added))
	if len(by) > 0 {
		head += " (" + strings.Join(by, ", ") + ")"
	}
	p.wrapped("", "  ", fmt.Sprintf("%s   removed %s   held %s", head, number(s.Removed), number(s.Held)))
	if len(s.Proofs) > 0 {
		p.wrapped(" ", "   ", "proof that the mail was ours: "+proofs(s.Proofs))
	}
	if s.Allowed > 0 {
		p.wrapped(" ", "   ", fmt.Sprintf("%s failed for good or complained, and stay off the list: allowed by the operator (harvester suppress list --acts)", number(s.Allowed)))
	}
	for _, d := range s.Domains {
		p.wrapped(" ", "   ", fmt.Sprintf("%s at %s", number(d.N), d.Name))
	}
	for _, c := range s.Changes {
		sign, why := "+", c.Reason
		if c.Op == "remove" {
			sign, why = "-", c.Why
		}
		p.line(" %s %s %s", sign, pad(clip(c.Address, 44), 44), clip(why, lineWidth-49))
	}
	switch {
	case s.More > 0:
		p.line(" ... and %s more: harvester suppress list --since %s", number(s.More), r.since())
	case len(s.Changes) == 0:
		p.line(" (addresses: harvester suppress list --since %s)", r.since())
	}
	p.line("")
}

func (p *printer) unclear(r *Report) {
	u := r.Unclear
	if u == (Unclear{}) {
		return
	}
	p.line("NOT UNDERSTOOD")
	for _, l := range []struct {
		n    int
		text string
	}{
		{u.Unclassified, "failures without a known reason -> harvester triage"},
		{u.Unparsed, "failure notices that name nobody -> harvester triage"},
		{u.Unproven, "failures of mail that we may never have sent; they had no weight"},
		{u.Forged, "of them to return paths of ours that are forged or out of date"},
	} {
		if l.n > 0 {
			p.line(" %6s  %s", number(l.n), l.text)
		}
	}
	p.line("")
}

func (p *printer) harvester(r *Report) {
	if len(r.Jobs)+len(r.Exports) == 0 {
		return
	}
	p.line("HARVESTER")
	for _, j := range r.Jobs {
		state := fmt.Sprintf("last good run %s, %s that %s", stamp(j.LastOK), plural(j.Runs, "run"), r.Period.Span)
		if j.Failures > 0 {
			state += ", " + number(j.Failures) + " failed"
		}
		if j.Failing {
			state = "FAILS, " + state
		}
		p.wrapped(" "+pad(clip(j.Job, 26), 27), strings.Repeat(" ", 28), state)
		if j.Failing && j.Detail != "" {
			p.wrapped(strings.Repeat(" ", 28), strings.Repeat(" ", 28), clip(j.Detail, 150))
		}
	}
	for _, e := range r.Exports {
		state := fmt.Sprintf("%s, generation %d of %s", plural(e.Rows, "row"), e.Generation, stamp(e.Changed))
		if e.State == "withheld" {
			state = "WITHHELD: " + e.Why + "; published: " + state
		}
		p.wrapped(" "+pad(clip("export "+e.Name, 26), 27), strings.Repeat(" ", 28), state)
	}
	p.line("")
}

// when is the stretch of time in which the cause was seen.
func (c *Cause) when() string {
	layout := "15:04"
	if c.First.Format(time.DateOnly) != c.Last.Format(time.DateOnly) {
		layout = "01-02 15:04"
	}
	from, to := c.First.Format(layout), c.Last.Format(layout)
	if from == to {
		return from
	}
	return from + " to " + to
}

// list joins the first n names and counts the rest.
func list(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

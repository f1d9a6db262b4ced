package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"harvester/parse/columns"
	"harvester/parse/count"
)

// lineWidth is the most columns a line of the text takes.
const lineWidth = 78

// Text writes the report as plain text of at most 78 columns, in UTF-8.
func (r *Report) Text(w io.Writer) error {
	p := &printer{w: bufio.NewWriter(w)}
	p.head(r)
	if r.Early() {
		p.line("Nothing is known of a time before the first mail.")
		p.line("")
	} else {
		p.problems(r)
		p.totals(r)
		p.chart(r)
		p.mends(r)
		p.findings(r)
		p.suppressions(r)
		p.proven(r)
		p.revisions(r)
		p.receivers(r)
		p.reasons(r)
		p.streams(r)
		p.rates(r)
		p.unclear(r)
	}
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
	for i, l := range columns.Wrap(s, lineWidth-columns.Of(rest)) {
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
		p.line(" %s%6s%7s%9s%12s%9s", pad(clip(s.name(), 30), 31), count.Number(s.Hard), count.Number(s.Soft), count.Number(s.Block), count.Number(s.Complaint), count.Number(s.Unsubscribe))
	}
	p.line("")
}

func (p *printer) receivers(r *Report) {
	if len(r.Receivers) == 0 {
		return
	}
	p.line("%-32s%6s%7s%8s  %s", "BY RECEIVER", "hard", "soft", "blocked", "top reason")
	for _, v := range r.Receivers {
		p.line(" %s%6s%7s%8s  %s", pad(clip(v.Receiver, 30), 31), count.Number(v.Hard), count.Number(v.Soft), count.Number(v.Block), clip(v.Top, lineWidth-56))
	}
	p.line("")
}

func (p *printer) reasons(r *Report) {
	if len(r.Reasons) == 0 {
		return
	}
	p.line("%-29s%6s%9s  %s", "TOP REASONS", "n", "domains", "sample")
	for _, v := range r.Reasons {
		p.line(" %s%6s%9s  %s", pad(clip(v.Reason.String()+" "+v.Status, 27), 28), count.Number(v.N), count.Number(v.Domains), clip(v.Sample, lineWidth-46))
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
		by = append(by, c.Name+" "+count.Number(c.N))
	}
	head := fmt.Sprintf("NEW SUPPRESSIONS %s", count.Number(added))
	if len(by) > 0 {
		head += " (" + strings.Join(by, ", ") + ")"
	}
	p.wrapped("", "  ", fmt.Sprintf("%s   removed %s   held %s", head, count.Number(s.Removed), count.Number(s.Held)))
	if len(s.Proofs) > 0 {
		p.wrapped(" ", "   ", "proof that the mail was ours: "+proofs(s.Proofs))
	}
	if s.Allowed > 0 {
		p.wrapped(" ", "   ", fmt.Sprintf("%s failed for good or complained, and stay off the list: allowed by the operator (harvester suppress list --acts)", count.Number(s.Allowed)))
	}
	for _, d := range s.Domains {
		p.wrapped(" ", "   ", fmt.Sprintf("%s at %s", count.Number(d.N), d.Name))
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
		p.line(" ... and %s more: harvester suppress list --since %s", count.Number(s.More), r.since())
	case len(s.Changes) == 0:
		p.line(" (addresses: harvester suppress list --since %s)", r.since())
	}
	p.line("")
}

func (p *printer) unclear(r *Report) {
	lines := r.Unclear.lines()
	if len(lines) == 0 {
		return
	}
	p.line("NOT UNDERSTOOD, OR NOT PROVEN   (no weight; harvester triage)")
	for _, l := range lines {
		p.line(" %s", l)
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

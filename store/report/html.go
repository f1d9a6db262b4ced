package report

import (
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"harvester/parse/count"
	"harvester/store/report/chart"
)

//go:embed report.html.tmpl
var htmlSource string

//go:embed report.css
var ownStyle string

// Style is the style sheet of the report, as it stands in its style element.
func Style() string { return chart.CSS + ownStyle }

// HTML writes the report as one HTML file without script and without anything
// to load, for a browser: the trend is an inline SVG.
func (r *Report) HTML(w io.Writer) error { return r.html(w, false, Nav{}) }

// Nav are the pages around a report, where it is read in a browser that can go
// there; "" for none.
type Nav struct{ Home, Before, After string }

// Page writes the report as HTML does, with links to the pages around it.
func (r *Report) Page(w io.Writer, nav Nav) error { return r.html(w, false, nav) }

// MailHTML writes the report as the HTML part of a mail: as HTML does, but
// the trend is a table of bars, since mail programs drop SVG.
func (r *Report) MailHTML(w io.Writer) error { return r.html(w, true, Nav{}) }

func (r *Report) templates() (*template.Template, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"heads": func() []string { h := r.heads(); return h[:2] }, "since": r.since, "sent": sent, "share": share, "proofs": proofs, "named": func(s Stream) string { return s.name() },
		"revised": func(v Revision) string { return v.String() },
		"upper":   func(s Severity) string { return strings.ToUpper(string(s)) }, "first": firstUpper,
		"number": count.Number[int], "usual": func(t Total) string { return t.usual() }, "change": r.change, "when": func(c *Cause) string { return c.when() },
		"looked":      func(f Finding) string { return f.head() },
		"mails":       mails,
		"verb":        count.Verb[int],
		"causes":      func(m Mend) []*Cause { return r.of(&m) },
		"steps":       func(m Mend) []string { return m.Steps[:min(len(m.Steps), shownInHTML)] },
		"moreSteps":   func(m Mend) int { return max(0, len(m.Steps)-shownInHTML) },
		"sample":      func(m Mend) string { return r.of(&m)[0].Sample },
		"all":         func(p Point) int { return p.Hard + p.Block + p.Soft },
		"jobState":    func(j Job) string { return j.state(r.Period.Span) },
		"exportState": func(e Export) string { return e.state() },
		"list":        func(s []string) string { return list(s, 4) },
		"join":        func(s []string) string { return strings.Join(s, ", ") },
		"counts":      countList,
		"style":       func() template.CSS { return template.CSS(Style()) }, //nolint:gosec // a constant
	}).Parse(htmlSource)
	if err != nil {
		return nil, fmt.Errorf("reading the report's template: %w", err)
	}
	return t, nil
}

func (r *Report) html(w io.Writer, mail bool, nav Nav) error {
	t, err := r.templates()
	if err != nil {
		return err
	}
	added := r.total("added").Today
	v := struct {
		*Report
		Nav           Nav
		Chart         *bars
		Added         int
		Moved         bool
		NotUnderstood []string
	}{Report: r, Nav: nav, Chart: newBars(r, mail), Added: added, Moved: added+r.Suppressions.Removed+r.Suppressions.Held+r.Suppressions.Allowed > 0,
		NotUnderstood: r.Unclear.lines()}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// bars is the trend.
type bars struct {
	Mail   bool
	Unit   Span
	Figure template.HTML
	Days   []bar
}

// bar is one day of a mail, whose chart is a table.
type bar struct {
	Point
	Parts []barPart
	Rest  int // per cent of the width that stay empty
}

type barPart struct {
	Class   string
	Colour  string // for mail programs that take no classes
	Percent int
}

// mailColours are those of chart.Classes in light.
var mailColours = []string{"#96231b", "#b97500", "#5f8fb8"}

// newBars is nil when there is nothing to show.
func newBars(r *Report, mail bool) *bars {
	s := r.chart()
	if s.Empty() || len(r.Trend) < 2 {
		return nil
	}
	b := &bars{Mail: mail, Unit: r.Period.Span}
	if !mail {
		b.Figure = s.Figure()
		return b
	}
	most := 0
	for _, p := range r.Trend {
		most = max(most, p.Hard+p.Block+p.Soft)
	}
	for _, p := range r.Trend {
		d := bar{Point: p, Rest: 100}
		for i, n := range []int{p.Hard, p.Block, p.Soft} {
			if n > 0 {
				part := barPart{"b-" + strings.TrimPrefix(chart.Classes[i].Class, "c-"), mailColours[i], max(1, n*97/most)}
				d.Parts = append(d.Parts, part)
				d.Rest -= part.Percent
			}
		}
		b.Days = append(b.Days, d)
	}
	return b
}

// chart is the trend as bars, one for each span.
func (r *Report) chart() *chart.Stacked {
	s := &chart.Stacked{ID: "trend", Label: "failures by " + r.Period.Span.String(), Unit: r.Period.Span.String(), Thing: "failure", Series: chart.Classes}
	for i, p := range r.Trend {
		c := chart.Column{Name: p.Date, Values: []int{p.Hard, p.Block, p.Soft}, Open: i == len(r.Trend)-1 && !r.Period.Complete}
		c.Tick, c.Group = r.Period.Span.tick(p.Date)
		s.Columns = append(s.Columns, c)
	}
	return s
}

func countList(counts []Count) string {
	var out []string
	for _, c := range counts {
		out = append(out, c.Name+" "+count.Number(c.N))
	}
	return strings.Join(out, ", ")
}

func firstUpper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

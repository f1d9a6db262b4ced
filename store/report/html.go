package report

import (
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed report.html.tmpl
var htmlSource string

// HTML writes the report as one HTML file without script and without anything
// to load, for a browser: the trend is an inline SVG.
func (r *Report) HTML(w io.Writer) error { return r.html(w, false) }

// MailHTML writes the report as the HTML part of a mail: as HTML does, but
// the trend is a table of bars, since mail programs drop SVG.
func (r *Report) MailHTML(w io.Writer) error { return r.html(w, true) }

// TrendSVG is the trend alone, as an SVG for a page that styles its classes
// f-hard, f-soft, f-block and f-text; empty when there is nothing to show.
func (r *Report) TrendSVG() (template.HTML, error) {
	c := newChart(r, false)
	if c == nil {
		return "", nil
	}
	t, err := r.templates()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "trend", c); err != nil {
		return "", fmt.Errorf("drawing the trend: %w", err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // a template wrote it
}

func (r *Report) templates() (*template.Template, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"heads": func() []string { h := r.heads(); return h[:] }, "since": r.since, "sent": sent, "share": share, "proofs": proofs, "named": func(s Stream) string { return s.name() },
		"revised": func(v Revision) string { return v.String() },
		"upper":   func(s Severity) string { return strings.ToUpper(string(s)) }, "first": firstUpper,
		"number": number, "mean": mean, "change": r.change, "stamp": stamp, "when": func(c Cause) string { return c.when() },
		"mails":  func(n int) string { return plural(n, "mail") },
		"list":   func(s []string) string { return list(s, 4) },
		"join":   func(s []string) string { return strings.Join(s, ", ") },
		"counts": countList,
		"shown":  func(t Total) bool { return t.Today != 0 || t.Yesterday != 0 || t.Mean != 0 },
	}).Parse(htmlSource)
	if err != nil {
		return nil, fmt.Errorf("reading the report's template: %w", err)
	}
	return t, nil
}

func (r *Report) html(w io.Writer, mail bool) error {
	t, err := r.templates()
	if err != nil {
		return err
	}
	added := r.total("added").Today
	v := struct {
		*Report
		Chart         *chart
		Added         int
		Moved         bool
		NotUnderstood []Count
	}{Report: r, Chart: newChart(r, mail), Added: added, Moved: added+r.Suppressions.Removed+r.Suppressions.Held+r.Suppressions.Allowed > 0}
	for _, c := range []Count{
		{"failures without a known reason (harvester triage)", r.Unclear.Unclassified},
		{"failure notices that name nobody (harvester triage)", r.Unclear.Unparsed},
		{"failures of mail that we may never have sent; they had no weight", r.Unclear.Unproven},
		{"of them to return paths of ours that are forged or out of date", r.Unclear.Forged},
	} {
		if c.N > 0 {
			v.NotUnderstood = append(v.NotUnderstood, c)
		}
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// chart is the trend, measured in the units of the SVG's view box.
type chart struct {
	Mail bool
	Unit Span
	Most int // failures on the highest day
	Days []chartDay
}

type chartDay struct {
	Point
	Label   string // day of the month
	Middle  int
	Percent int // of the bar in a mail
	Boxes   []box
}

type box struct {
	Class      string
	X, Y, W, H int
}

// newChart is nil when there is nothing to show.
func newChart(r *Report, mail bool) *chart {
	const wide, high, top = 600, 104, 16
	c, points := &chart{Mail: mail, Unit: r.Period.Span}, r.Trend
	hard := 0
	for _, p := range points {
		c.Most = max(c.Most, p.Hard+p.Soft+p.Block)
		hard = max(hard, p.Hard)
	}
	if c.Most == 0 || len(points) < 2 {
		return nil
	}
	step := wide / len(points)
	for i, p := range points {
		d := chartDay{Point: p, Label: strings.TrimLeft(p.Date[len(p.Date)-2:], "0"), Middle: i*step + step/2}
		if p.Hard > 0 {
			d.Percent = max(1, 100*p.Hard/hard)
		}
		y := top + high
		for _, part := range []struct {
			class string
			n     int
		}{{"f-hard", p.Hard}, {"f-block", p.Block}, {"f-soft", p.Soft}} {
			if part.n > 0 {
				h := max(1, part.n*high/c.Most)
				y -= h
				d.Boxes = append(d.Boxes, box{Class: part.class, X: i*step + 4, Y: y, W: step - 8, H: h})
			}
		}
		c.Days = append(c.Days, d)
	}
	return c
}

func countList(counts []Count) string {
	var out []string
	for _, c := range counts {
		out = append(out, c.Name+" "+number(c.N))
	}
	return strings.Join(out, ", ")
}

func firstUpper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// Package chart draws the charts of the page and of the report: SVG that stands
// in the HTML itself, made by the server, with a table of the same numbers
// behind it. There is no script, nothing to load and no style attribute, so the
// strictest content security policy lets it through.
//
// The drawing has no view box. What is measured in letters (labels, lines,
// heights) is in pixels and keeps its size; what is measured in time is in per
// cent of the width. So the letters are as large on a phone as on a desktop.
//
// Colours come from classes (CSS), the same for bars and legend; they were
// chosen to stay apart in light and dark, for eyes that see no red, no green or
// no blue, and where they touch a line parts them. A test computes that.
package chart

import (
	_ "embed" // the style
	"html/template"
	"math"
	"strconv"
	"strings"

	"harvester/parse/count"
)

// CSS styles the drawings, in light and dark.
//
//go:embed chart.css
var CSS string

// Series is one kind of thing that is counted.
type Series struct {
	Class string // c-hard, c-block, c-soft
	Label string // of the legend and of the table's column
}

// Classes are the series of failures, in the order in which they are stacked
// from below.
var Classes = []Series{{"c-hard", "hard"}, {"c-block", "blocked"}, {"c-soft", "soft"}}

// Column is one bar: a span of time.
type Column struct {
	Name   string // in full, for the table
	Tick   string // below the bar; "" for none
	Group  string // below the ticks, where it differs from that of the column before: a month
	Link   string // of the table's row; "" for none
	Values []int  // one of each series, from below
	Open   bool   // the span is not over
}

// Mark is a stretch of time that is shown above the bars.
type Mark struct {
	From, To int // first and last column
	Text     string
	Link     string // "" for none
	Open     bool   // it goes on
}

// Stacked is a chart of stacked bars.
type Stacked struct {
	ID      string // of the elements, unique in the page
	Label   string // what it shows: "failures a day"
	Unit    string // what a column is: "day"
	Thing   string // what is counted, in the singular: "failure"
	Series  []Series
	Columns []Column
	Marks   []Mark
}

// The measures of a drawing, in pixels.
const (
	plotHigh = 112
	tickHigh = 32 // two lines below the bars
	laneHigh = 9  // of a mark, with the gap below
	lanes    = 3  // of marks, at most
	topHigh  = 14 // room for the highest label
	axisWide = 46
)

// Empty tells that there is nothing to draw.
func (s *Stacked) Empty() bool { return s.most() == 0 }

func (s *Stacked) most() int {
	most := 0
	for _, c := range s.Columns {
		most = max(most, sum(c.Values))
	}
	return most
}

func sum(v []int) (n int) {
	for _, x := range v {
		n += x
	}
	return n
}

// scale is where the lines of the axis stand: 0, and up to four steps that are
// round numbers.
func scale(most int) (lines []int) {
	if most <= 0 {
		return []int{0}
	}
	for unit := 1; ; unit *= 10 {
		for _, k := range []int{1, 2, 5} {
			if step := k * unit; step*4 >= most {
				for v := 0; ; v += step {
					lines = append(lines, v)
					if v >= most {
						return lines
					}
				}
			}
		}
	}
}

// drawing writes SVG. Everything that is a text of somebody's is escaped.
type drawing struct{ strings.Builder }

func (d *drawing) put(parts ...string) {
	for _, p := range parts {
		d.WriteString(p)
	}
}

func (d *drawing) text(s string) { template.HTMLEscape(d, []byte(s)) }

func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func pc(v float64) string { return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) + "%" }

// SVG is the drawing alone.
func (s *Stacked) SVG() template.HTML {
	rows, used := s.lay()
	lines := scale(s.most())
	top := topHigh + used*laneHigh
	high := top + plotHigh + tickHigh
	y := func(v int) float64 {
		return float64(top) + plotHigh*(1-float64(v)/float64(max(1, lines[len(lines)-1])))
	}
	var d drawing
	d.put(`<div class="chart" role="img" aria-labelledby="`, s.ID, `-label"><svg class="axis" width="`, strconv.Itoa(axisWide), `" height="`, strconv.Itoa(high), `" aria-hidden="true" focusable="false">`)
	for _, v := range lines {
		d.put(`<text x="`, strconv.Itoa(axisWide-6), `" y="`, px(y(v)+4), `">`, count.Number(v), `</text>`)
	}
	d.put(`</svg><svg class="plot" width="100%" height="`, strconv.Itoa(high), `" aria-hidden="true" focusable="false">`)
	for _, v := range lines {
		d.put(`<line x1="0" x2="100%" y1="`, px(y(v)), `" y2="`, px(y(v)), `"/>`)
	}
	step := 100 / float64(max(1, len(s.Columns)))
	for i, m := range s.Marks {
		if rows[i] < 0 {
			continue
		}
		from, to := max(0, m.From), min(len(s.Columns)-1, m.To)
		class := "mark"
		if m.Open {
			class = "mark open"
		}
		d.put(`<rect class="`, class, `" x="`, pc(float64(from)*step+step*0.14), `" width="`, pc(float64(to-from+1)*step-step*0.28),
			`" y="`, strconv.Itoa(2+rows[i]*laneHigh), `" height="`, strconv.Itoa(laneHigh-3), `" rx="2"><title>`)
		d.text(m.Text)
		d.put(`</title></rect>`)
	}
	group := ""
	for i := range s.Columns {
		s.column(&d, i, step, y, float64(top+plotHigh), &group)
	}
	d.put(`</svg></div>`)
	return template.HTML(d.String()) //nolint:gosec // every text was escaped
}

// column draws the i-th bar and what stands below it.
func (s *Stacked) column(d *drawing, i int, step float64, y func(int) float64, base float64, group *string) {
	c := &s.Columns[i]
	x, wide := float64(i)*step+step*0.14, step*0.72
	if c.Open {
		d.put(`<g class="open">`)
	} else {
		d.put(`<g>`)
	}
	d.put(`<title>`)
	d.text(s.describe(c))
	d.put(`</title><rect class="hit" x="`, pc(float64(i)*step), `" width="`, pc(step), `" y="0" height="`, px(base), `"/>`)
	from := 0
	for k, n := range c.Values {
		if n == 0 {
			continue
		}
		lower, upper := y(from), y(from+n)
		if lower-upper < 1 {
			upper = lower - 1 // what happened is seen, however little it is
		}
		d.put(`<rect class="`, s.Series[k].Class, `" x="`, pc(x), `" width="`, pc(wide), `" y="`, px(upper), `" height="`, px(lower-upper), `"/>`)
		from += n
	}
	d.put(`</g>`)
	if c.Tick != "" {
		d.put(`<text x="`, pc(float64(i)*step+step/2), `" y="`, px(base+14), `">`)
		d.text(c.Tick)
		d.put(`</text>`)
	}
	if c.Group != *group {
		*group = c.Group
		d.put(`<text class="group" x="`, pc(float64(i)*step+step*0.14), `" y="`, px(base+28), `">`)
		d.text(c.Group)
		d.put(`</text>`)
	}
}

// describe is a column in words.
func (s *Stacked) describe(c *Column) string {
	parts := make([]string, 0, len(c.Values))
	for k, n := range c.Values {
		parts = append(parts, s.Series[k].Label+" "+count.Number(n))
	}
	return c.Name + ": " + count.Of(sum(c.Values), s.Thing) + " (" + strings.Join(parts, ", ") + ")"
}

// lay puts the marks into lanes so that none lies over another; -1 leaves one
// out for want of room. used is how many lanes there are.
func (s *Stacked) lay() (row []int, used int) {
	row = make([]int, len(s.Marks))
	var ends [lanes]int // first column that is free
	for i, m := range s.Marks {
		row[i] = -1
		if m.To < 0 || m.From >= len(s.Columns) || m.To < m.From {
			continue
		}
		for l := range ends {
			if m.From >= ends[l] {
				row[i], ends[l] = l, m.To+1
				used = max(used, l+1)
				break
			}
		}
	}
	return row, used
}

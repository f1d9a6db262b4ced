package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/judge"
	"harvester/store/query"
	"harvester/store/report"
)

// figure is one of the numbers at the top.
type figure struct {
	Label string
	Value string
	Note  string // below it: the usual range, or how to get the number
	Parts []part
	High  bool   // more than usual
	Link  string // to what is behind it
}

// part is one colour of a figure.
type part struct {
	Class, Label string
	N            int
}

// usual says within what a number lies on most days, in words; "" while too
// few days are known.
func usual(before []query.Day, of func(*query.Day) int) (report.Range, string) {
	values := make([]int, len(before))
	for i := range before {
		values[i] = of(&before[i])
	}
	r, ok := report.Usual(values)
	switch {
	case !ok:
		return r, "no usual range yet: " + count.Of(len(before), "day") + " of history"
	case r.Low == r.High:
		return r, "usual: " + count.Number(r.Low) + " a day"
	}
	return r, fmt.Sprintf("usual: %s to %s a day", count.Number(r.Low), count.Number(r.High))
}

// figures are the four numbers. days are oldest first, the last is today; those
// before the first mail are no history.
func figures(days []query.Day, first time.Time, rates []judge.Rate) []figure {
	today, before := &days[len(days)-1], days[:len(days)-1]
	before = before[max(0, len(before)-usualDays):]
	for len(before) > 0 && (first.IsZero() || !first.Before(before[0].To)) {
		before = before[1:]
	}
	one := func(label, link string, of func(*query.Day) int) figure {
		f := figure{Label: label, Link: link, Value: count.Number(of(today))}
		var r report.Range
		r, f.Note = usual(before, of)
		f.High = r.Above(of(today))
		return f
	}
	failures := one(count.Verb(failed(today), "failure", "failures")+" so far today", "/failures", failed)
	for _, c := range classes {
		failures.Parts = append(failures.Parts, part{"c-" + c.String(), classWords[c], report.ByClass(today, c)})
	}
	added := one("new on the list", "/list?since="+today.From.Format(time.DateOnly), func(d *query.Day) int { return d.Added })
	complaints := one(count.Verb(today.Kinds[bounce.KindComplaint], "complaint", "complaints"), "/events?kind=complaint", func(d *query.Day) int { return d.Kinds[bounce.KindComplaint] })
	return []figure{failures, added, complaints, rateFigure(rates)}
}

// usualDays are how many days before make what is usual.
const usualDays = 13

var (
	classes    = []bounce.Class{bounce.ClassHard, bounce.ClassBlock, bounce.ClassSoft}
	classWords = map[bounce.Class]string{bounce.ClassHard: "hard", bounce.ClassBlock: "blocked", bounce.ClassSoft: "soft"}
)

func failed(d *query.Day) (n int) {
	for _, c := range classes {
		n += report.ByClass(d, c)
	}
	return n
}

// rateFigure is the bounce rate of the stream that fares worst, or how to get
// one.
func rateFigure(rates []judge.Rate) figure {
	f := figure{Label: "bounce rate", Value: "unknown", Note: "harvester volume import tells how much was sent", Link: "/rates"}
	known := slices.DeleteFunc(slices.Clone(rates), func(r judge.Rate) bool { return r.Sent == nil || *r.Sent == 0 })
	if len(known) == 0 {
		return f
	}
	worst := slices.MaxFunc(known, func(a, b judge.Rate) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.HardShare, b.HardShare))
	})
	f.Value = percent(worst.HardShare)
	f.Label = "of " + worst.Stream + " failed for good"
	f.Note = fmt.Sprintf("7 days, %s sent; pause is %s", count.Number(*worst.Sent), worst.Level)
	f.High = worst.Level.String() == "pause" || worst.Level.String() == "warn"
	return f
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// heat is the table of receivers and reasons.
type heat struct {
	Reasons []string
	Rows    []heatRow
	From    string // the first day
	More    int    // receivers that are not shown
}

type heatRow struct {
	Receiver string
	N        int
	Cells    []heatCell
}

type heatCell struct {
	Reason string
	N      int
	Level  int // 0 for none, to 5
}

// How large the heat table is.
const (
	heatReceivers = 6
	heatReasons   = 5
	heatDays      = 7
)

// newHeat is of the receivers and the reasons with the most failures.
func newHeat(cells []query.Cell, from time.Time) heat {
	receivers, reasons, at := map[string]int{}, map[string]int{}, map[[2]string]int{}
	for _, c := range cells {
		if c.Reason.Class(bounce.Failed) == bounce.ClassNone {
			continue
		}
		receivers[c.Receiver] += c.N
		reasons[c.Reason.String()] += c.N
		at[[2]string{c.Receiver, c.Reason.String()}] += c.N
	}
	rows := ranking(receivers)
	h := heat{Reasons: ranking(reasons), From: from.Format(time.DateOnly)}
	h.Reasons = h.Reasons[:min(len(h.Reasons), heatReasons)]
	h.More = max(0, len(rows)-heatReceivers)
	most := 0
	for _, name := range rows[:min(len(rows), heatReceivers)] {
		r := heatRow{Receiver: name, N: receivers[name]}
		for _, reason := range h.Reasons {
			n := at[[2]string{name, reason}]
			most = max(most, n)
			r.Cells = append(r.Cells, heatCell{Reason: reason, N: n})
		}
		h.Rows = append(h.Rows, r)
	}
	for i := range h.Rows {
		for k := range h.Rows[i].Cells {
			c := &h.Rows[i].Cells[k]
			c.Level = level(c.N, most)
		}
	}
	return h
}

// level is how dark a cell is: each step stands for a multiple, since a few
// receivers have most of the failures.
func level(n, most int) int {
	if n == 0 {
		return 0
	}
	return 1 + int(math.Round(4*math.Log1p(float64(n))/math.Log1p(float64(most))))
}

// ranking sorts the names of a tally, most first.
func ranking(m map[string]int) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b)) })
	return names
}

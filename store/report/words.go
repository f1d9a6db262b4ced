package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"

	"harvester/parse/count"
)

func mails(n int) string { return count.Of(n, "mail") }

// counted is a label of the totals, which is in the plural, as it fits n.
func counted(n int, label string) string {
	if n == 1 {
		return strings.TrimSuffix(label, "s")
	}
	return label
}

// mean writes a mean with one decimal where it is small.
func mean(v float64) string {
	if v >= 100 || v == math.Trunc(v) {
		return count.Number(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// change is how far today is from the mean, in words; nothing on the first day.
func (r *Report) change(t Total) string {
	switch {
	case len(r.Trend) < 2:
		return ""
	case t.Mean == 0 && t.Today > 0:
		return "new"
	case t.Mean == 0 || t.Today == 0 && t.Mean < 1:
		return ""
	}
	if times := float64(t.Today) / t.Mean; times >= 10 {
		return fmt.Sprintf("%.0fx", times)
	}
	return fmt.Sprintf("%+.0f%%", 100*(float64(t.Today)/t.Mean-1))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format("01-02 15:04")
}

// columns is how wide s stands in a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if r >= 0x1100 {
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			return 2
		}
	}
	return 1
}

// fit is the length in bytes of the longest beginning of s that takes at most
// n columns.
func fit(s string, n int) int {
	for i, r := range s {
		if n -= columnsOf(r); n < 0 {
			return i
		}
	}
	return len(s)
}

// clip cuts s to n columns.
func clip(s string, n int) string {
	if fit(s, n) == len(s) {
		return s
	}
	return s[:fit(s, n-1)] + "…"
}

// pad fills s up to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-columns(s)))
}

// wrap breaks s into lines of at most n columns, at spaces where there are any.
func wrap(s string, n int) []string {
	var out []string
	line := ""
	for _, w := range strings.Fields(s) {
		for columns(w) > n { // a word without end
			if line != "" {
				out, line = append(out, line), ""
			}
			k := fit(w, n)
			out, w = append(out, w[:k]), w[k:]
		}
		switch {
		case line == "":
			line = w
		case columns(line)+1+columns(w) > n:
			out, line = append(out, line), w
		default:
			line += " " + w
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

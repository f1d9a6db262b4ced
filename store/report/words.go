package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"harvester/parse/columns"
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

// clip cuts s to n columns.
func clip(s string, n int) string {
	if columns.Fit(s, n) == len(s) {
		return s
	}
	return s[:columns.Fit(s, n-1)] + "…"
}

// pad fills s up to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-columns.Of(s)))
}

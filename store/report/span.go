package report

import (
	"fmt"
	"strings"
	"time"
)

// Span is how long a time a report covers.
type Span uint8

// The spans.
const (
	Day Span = iota
	Week
	Month
)

var spanNames = [...]string{"day", "week", "month"}

// String is the word for one of them.
func (s Span) String() string { return spanNames[s] }

// MarshalText writes day, week or month.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads day, week or month.
func (s *Span) UnmarshalText(b []byte) error {
	for i, n := range spanNames {
		if n == string(b) {
			*s = Span(i)
			return nil
		}
	}
	return fmt.Errorf("a report covers a day, week or month, not %q", b)
}

// history is how many spans the trend shows, the one reported on included.
func (s Span) history() int { return [...]int{14, 8, 4}[s] }

// base is of how many spans before the mean is taken.
func (s Span) base() int { return [...]int{7, 4, 3}[s] }

// Bounds are the ends of the span that holds t in loc, or of one so many
// before: from midnight to midnight, a week from Monday on (ISO 8601). A day is
// 23 or 25 hours long when the clocks change.
func (s Span) Bounds(t time.Time, loc *time.Location, back int) (from, to time.Time) {
	y, m, d := t.In(loc).Date()
	switch s {
	case Week:
		d -= (int(t.In(loc).Weekday())+6)%7 + 7*back
		return time.Date(y, m, d, 0, 0, 0, 0, loc), time.Date(y, m, d+7, 0, 0, 0, 0, loc)
	case Month:
		return time.Date(y, m-time.Month(back), 1, 0, 0, 0, 0, loc), time.Date(y, m-time.Month(back)+1, 1, 0, 0, 0, 0, loc)
	case Day:
	}
	return time.Date(y, m, d-back, 0, 0, 0, 0, loc), time.Date(y, m, d-back+1, 0, 0, 0, 0, loc)
}

// label names the span that begins at from: 2026-03-02, 2026-W10 or 2026-03.
func (s Span) label(from time.Time) string {
	switch s {
	case Week:
		y, w := from.ISOWeek()
		return fmt.Sprintf("%d-W%02d", y, w)
	case Month:
		return from.Format("2006-01")
	case Day:
	}
	return from.Format(time.DateOnly)
}

// tick is what stands below a bar of a chart: the day of the month or the week,
// and in a line of its own the month or the year.
func (s Span) tick(label string) (tick, group string) {
	switch s {
	case Week:
		year, week, _ := strings.Cut(label, "-")
		return week, year
	case Month:
		if t, err := time.Parse("2006-01", label); err == nil {
			return t.Format("Jan"), t.Format("2006")
		}
	case Day:
		if t, err := time.Parse(time.DateOnly, label); err == nil {
			return t.Format("2"), t.Format("Jan")
		}
	}
	return label, ""
}

// Title says which span the report covers, in words.
func (r *Report) Title() string {
	from := r.Period.From
	span := "00:00 to 24:00"
	switch r.Period.Span {
	case Week:
		_, w := from.ISOWeek()
		span = fmt.Sprintf("Week %d, %s to %s", w, from.Format(time.DateOnly), r.Period.To.AddDate(0, 0, -1).Format(time.DateOnly))
	case Month:
		span = from.Format("January 2006")
	case Day:
		if !r.Period.Complete {
			span = "the day so far"
		}
		return from.Format("Monday 2006-01-02") + ", " + span
	}
	if !r.Period.Complete {
		span += ", so far"
	}
	return span
}

// heads are the headings of the totals: this span, the one before, the mean.
func (r *Report) heads() [3]string {
	return [...][3]string{{"today", "day before", "7d mean"}, {"this week", "week before", "4w mean"}, {"this month", "month before", "3m mean"}}[r.Period.Span]
}

// since is the first day of the span, as commands take it.
func (r *Report) since() string { return r.Period.From.Format(time.DateOnly) }

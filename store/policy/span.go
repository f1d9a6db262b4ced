package policy

import (
	"fmt"
	"harvester/parse/count"
	"strconv"
	"strings"
	"time"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// Span is a length of time as people write policies: "14 days", "24 months",
// "72h", "never". A month has 365/12 days, so that 12 months are 365 days.
// Zero means never, or no limit.
type Span time.Duration

// Days is a span of n days.
func Days(n int) Span { return Span(time.Duration(n) * day) }

// Months is a span of n months.
func Months(n int) Span { return Span(time.Duration(n) * 365 * day / 12) }

// Of is the span as a duration.
func (s Span) Of() time.Duration { return time.Duration(s) }

func (s Span) String() string {
	d := time.Duration(s)
	switch {
	case d == 0:
		return "never"
	case d%(365*day/12) == 0:
		return count.Of(int(d/(365*day/12)), "month")
	case d%day == 0:
		return count.Of(int(d/day), "day")
	default:
		return d.String()
	}
}

// MarshalText writes what UnmarshalText reads.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "never", a number with day(s), d, week(s), w, month(s)
// or year(s), y, or a duration of the Go form ("72h").
func (s *Span) UnmarshalText(b []byte) error {
	text := strings.ToLower(strings.TrimSpace(string(b)))
	if text == "never" || text == "0" {
		*s = 0
		return nil
	}
	i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if i > 0 {
		n, err := strconv.Atoi(text[:i])
		if err == nil && n <= 36500 {
			switch strings.TrimSuffix(strings.TrimSpace(text[i:]), "s") {
			case "d", "day":
				*s = Days(n)
				return nil
			case "w", "week":
				*s = Days(7 * n)
				return nil
			case "month":
				*s = Months(n)
				return nil
			case "y", "year":
				*s = Months(12 * n)
				return nil
			}
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no span of time (such as \"14 days\", \"24 months\", \"72h\" or \"never\")", b)
	}
	*s = Span(d)
	return nil
}

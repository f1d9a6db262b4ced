package config

import (
	"fmt"
	"strings"
	"time"

	"harvester/store/policy"
)

// Alarm says when troubles are told at once, by the ways of the report.
type Alarm struct {
	Send  bool        `toml:"send"`
	Quiet Hours       `toml:"quiet"` // in which only what is urgent is told
	Again policy.Span `toml:"again"` // after which what is urgent is told once more
}

// Hours are a part of each day, perhaps over midnight; the zero Hours are none.
type Hours struct{ from, to time.Duration }

// UnmarshalText reads "22:00-07:00"; "" is none.
func (h *Hours) UnmarshalText(b []byte) error {
	*h = Hours{}
	if len(b) == 0 {
		return nil
	}
	first, last, _ := strings.Cut(string(b), "-")
	from, err := clock(first)
	to, err2 := clock(last)
	if err != nil || err2 != nil || from == to {
		return fmt.Errorf("%q are no hours: write them as \"22:00-07:00\"", b)
	}
	h.from, h.to = from, to
	return nil
}

func clock(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err
}

// Contain tells whether the time of day of t lies in the hours.
func (h Hours) Contain(t time.Time) bool {
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if h.from < h.to {
		return at >= h.from && at < h.to
	}
	return h.from != h.to && (at >= h.from || at < h.to)
}

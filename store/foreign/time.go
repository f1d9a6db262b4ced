package foreign

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts are how systems write times, those with a zone first.
var layouts = []string{
	time.RFC3339Nano, time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
	"2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05-07:00", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05.999999999-0700",
	"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02",
}

// timeReader reads times, the first try being the layout of the one before.
type timeReader struct {
	zone *time.Location // of times that name none
	last string
}

// read reads a time; "" is the zero time. What can't be told (12/11/2025 is two
// days) is refused. Times are cut off to seconds.
func (r *timeReader) read(text string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	if strings.Trim(text, "0123456789.") == "" { // no layout is digits alone, and an error of each would cost more than the row
		return seconds(text)
	}
	if r.last != "" {
		if t, err := time.ParseInLocation(r.last, text, r.zone); err == nil {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, r.zone); err == nil {
			r.last = layout
			return t.UTC().Truncate(time.Second), nil
		}
	}
	return seconds(text)
}

// seconds reads seconds or milliseconds since 1970.
func seconds(text string) (time.Time, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if n > 1e11 { // milliseconds
			n /= 1000
		}
		if n > 1e8 && n < 1<<34 { // not a year
			return time.Unix(int64(n), 0).UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time that can be told: write it as 2026-11-25 or 2026-11-25T23:01:02Z", text)
}

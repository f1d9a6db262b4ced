package schedule

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestSpecRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":               "empty",
		"TZ=":            "no time zone",
		"TZ=UTC":         "no time zone",
		"CRON_TZ=UTC":    "no time zone",
		"@reboot":        "invalid",
		"0 0 0 31 2 *":   "invalid",
		"0 0 31 2 *":     "never runs",
		"0 0 30 2 *":     "never runs",
		"@every 0s":      "shorter",
		"@every -1m":     "shorter",
		"@every soon":    "invalid",
		"61 * * * *":     "invalid",
		"every 5 minute": "invalid",
	} {
		if _, err := ParseSpec(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", spec, err, want)
		}
	}
}

func TestSpecNext(t *testing.T) {
	for _, tt := range []struct{ name, spec, zone, after, want string }{
		{"plain", "*/5 * * * *", "UTC", "2026-01-01T00:02:00Z", "2026-01-01T00:05:00Z"},
		{"every", "@every 10m", "UTC", "2026-01-01T00:02:00Z", "2026-01-01T00:12:00Z"},
		{"leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"spring skips the hour", "30 2 * * *", "America/New_York", "2026-03-08T01:59:00-05:00", "2026-03-08T03:30:00-04:00"},
		{"the day after spring", "30 2 * * *", "America/New_York", "2026-03-08T03:30:00-04:00", "2026-03-09T02:30:00-04:00"},
		{"autumn repeats the hour: first", "30 1 * * *", "America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-04:00"},
		{"autumn repeats the hour: not twice", "30 1 * * *", "America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		{"autumn, inside the second hour", "30 1 * * *", "America/New_York", "2026-11-01T01:10:00-05:00", "2026-11-02T01:30:00-05:00"},
		{"interval goes on through the repeated hour", "*/30 * * * *", "America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T01:00:00-05:00"},
		{"no midnight", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00-03:00", "2018-11-04T01:00:00-02:00"},
		{"Berlin", "10 6 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T06:10:00+01:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSpec(tt.spec)
			if err != nil {
				t.Fatal(err)
			}
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := time.Parse(time.RFC3339, tt.after)
			if got := s.Next(after.In(loc)).Format(time.RFC3339); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzSpec(f *testing.F) {
	f.Add("*/5 * * * *")
	f.Add("TZ=")
	at := time.Date(2026, 3, 8, 1, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		if next := s.Next(at); !next.After(at) && !next.IsZero() {
			t.Errorf("%q: next is %v", text, next)
		}
	})
}

// Package schedule says when jobs run and runs them: guarded cron specs, a
// runner of its own, and the pipeline job that takes a mailbox from the server
// into the store.
package schedule

import (
	"errors"
	"fmt"
	"harvester/parse/count"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Spec is a cron spec: five fields (minute, hour, day of month, month, day of
// week), a word such as @daily, or "@every 10m". The zero Spec never runs.
type Spec struct {
	text  string
	sched cron.Schedule
}

// everyHour are the bits of an hour field that leaves no hour out.
const everyHour = 1<<24 - 1

// ParseSpec reads a spec and refuses those that could never run.
func ParseSpec(text string) (s Spec, err error) {
	// QUIRK: robfig/cron panics on "TZ=", "TZ=UTC" and "CRON_TZ=UTC".
	defer func() {
		if p := recover(); p != nil {
			s, err = Spec{}, fmt.Errorf("invalid cron spec %q", text)
		}
	}()
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Spec{}, errors.New("empty cron spec")
	case strings.Contains(text, "TZ="):
		return Spec{}, errors.New("a cron spec takes no time zone of its own: set timezone")
	}
	if err := steps(text); err != nil {
		return Spec{}, err
	}
	sched, err := cron.ParseStandard(text)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "failed to parse ")
		if strings.HasPrefix(why, "expected exactly 5 fields") {
			why = `write five fields (minute, hour, day of month, month, day of week) such as "*/5 * * * *", or "@every 5m", "@hourly", "@daily"`
		}
		return Spec{}, fmt.Errorf("invalid cron spec %q: %s", text, why)
	}
	if every, ok := sched.(cron.ConstantDelaySchedule); ok {
		// QUIRK: robfig/cron silently turns "@every 0s" and "@every -1m" into one second.
		d, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(text, "@every")))
		if err != nil || d < time.Second {
			return Spec{}, fmt.Errorf("cron spec %q is shorter than a second", text)
		}
		return Spec{text, every}, nil
	}
	if sched.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Spec{}, fmt.Errorf("cron spec %q never runs: there is no such day", text)
	}
	return Spec{text, sched}, nil
}

// fields are those of a spec, with how many values each has.
var fields = []struct {
	name, unit string
	values     int
}{{"minute", "m", 60}, {"hour", "h", 24}, {"day of month", "", 31}, {"month", "", 12}, {"day of week", "", 7}}

// steps refuses a step that leaves its field: cron counts anew in every hour,
// so that "*/70" runs once an hour and not every 70 minutes.
func steps(text string) error {
	parts := strings.Fields(text)
	if len(parts) != len(fields) {
		return nil
	}
	for i, f := range fields {
		for item := range strings.SplitSeq(parts[i], ",") {
			_, step, ok := strings.Cut(item, "/")
			n, err := strconv.Atoi(step)
			if !ok || err != nil || n < f.values {
				continue
			}
			hint := ""
			if f.unit != "" {
				hint = fmt.Sprintf("; \"@every %d%s\" runs at that distance", n, f.unit)
			}
			return fmt.Errorf("cron spec %q: a step of %d leaves the field %s, which has %s%s", text, n, f.name, count.Of(f.values, "value"), hint)
		}
	}
	return nil
}

func (s Spec) String() string { return s.text }

// IsZero tells that s was never set.
func (s Spec) IsZero() bool { return s.sched == nil }

// MarshalText writes the spec as it was read.
func (s Spec) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText reads a spec, see ParseSpec.
func (s *Spec) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSpec(string(b))
	return err
}

// Next is the first run after t, in the zone of t; the zero time for the zero
// Spec. Specs that name hours follow the clock on the wall: a run in the hour
// that spring leaves out comes an hour later, and one in the hour that autumn
// repeats comes once. Specs that run in every hour follow elapsed time.
func (s Spec) Next(t time.Time) time.Time {
	if s.sched == nil {
		return time.Time{}
	}
	spec, ok := s.sched.(*cron.SpecSchedule)
	if !ok || spec.Hour&everyHour == everyHour {
		return s.sched.Next(t)
	}
	y, m, d := t.Date()
	wall := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	for {
		wall = s.sched.Next(wall)
		if wall.IsZero() {
			return wall
		}
		if at := onWall(wall, t.Location()); at.After(t) {
			return at
		}
	}
}

// onWall is the instant at which clocks in loc show wall for the first time,
// or would have shown it had spring not skipped it.
func onWall(wall time.Time, loc *time.Location) time.Time {
	with := func(day time.Duration) time.Time {
		_, offset := wall.Add(day).In(loc).Zone()
		return wall.Add(-time.Duration(offset) * time.Second).In(loc)
	}
	shows := func(t time.Time) bool { return t.Format(time.DateTime) == wall.Format(time.DateTime) }
	before, after := with(-24*time.Hour), with(24*time.Hour)
	if !shows(before) && shows(after) {
		return after
	}
	return before
}

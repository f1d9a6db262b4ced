package main

import (
	"testing"
	"time"
)

// A day has begun at its midnight, not at its noon, and where it is asked for.
func TestBegun(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	noon := func(day int, zone *time.Location) time.Time { return time.Date(2026, 11, day, 12, 0, 0, 0, zone) }
	now := time.Date(2026, 11, 25, 23, 30, 0, 0, time.UTC) // the 26th in Berlin, half an hour old
	for _, tt := range []struct {
		day  time.Time
		want bool
	}{
		{noon(24, time.UTC), true}, {noon(25, time.UTC), true}, {noon(26, time.UTC), false},
		{noon(26, berlin), true}, {noon(27, berlin), false}, {now, true},
	} {
		if got := begun(tt.day, now); got != tt.want {
			t.Errorf("%v at %v: %v", tt.day, now, got)
		}
	}
}

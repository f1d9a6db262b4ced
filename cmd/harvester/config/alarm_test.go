package config

import (
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	for text, want := range map[string][]int{
		"":            {},
		"22:00-07:00": {22, 23, 0, 1, 2, 3, 4, 5, 6},
		"12:00-14:30": {12, 13, 14},
	} {
		var h Hours
		if err := h.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		in := map[int]bool{}
		for _, hour := range want {
			in[hour] = true
		}
		for hour := range 24 {
			if got := h.Contain(time.Date(2026, 11, 25, hour, 0, 0, 0, time.UTC)); got != in[hour] {
				t.Errorf("%q at %d: %v", text, hour, got)
			}
		}
	}
	for _, text := range []string{"22:00", "22-7", "25:00-07:00", "07:00-07:00", "-"} {
		if err := new(Hours).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

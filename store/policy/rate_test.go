package policy

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		n, of int
		want  float64
	}{ // statsmodels.stats.proportion.proportion_confint(n, of, method="wilson")
		{3, 60, 0.01714}, {60, 1200, 0.03904}, {0, 100, 0}, {100, 100, 0.96300}, {1, 1, 0.20654}, {5, 0, 0},
	} {
		if got := Wilson(tt.n, tt.of); math.Abs(got-tt.want) > 5e-5 {
			t.Errorf("%d of %d: %.5f, want %.5f", tt.n, tt.of, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	l := DefaultRateLimits
	for _, tt := range []struct {
		name string
		was  Level
		v    Volume
		want Level
		why  string
	}{
		{"no denominator", Fine, Volume{Hard: 500}, Unknown, "nobody says how much was sent"},
		{"no denominator any more", Paused, Volume{}, Unknown, "nobody says how much was sent"},
		{"a small list", Fine, Volume{Known: true, Sent: 60, Hard: 3}, Fine, "60 sent, too few to tell"},
		{"a real problem", Fine, Volume{Known: true, Sent: 1200, Hard: 60}, Paused, "5.0 % of 1200 failed for good, the limit is 5.0 %"},
		{"just enough, not certain", Fine, Volume{Known: true, Sent: 200, Hard: 4}, Fine, "2.0 % failed, 0.0 % complained, of 200"},
		{"a warning", Fine, Volume{Known: true, Sent: 2000, Hard: 50}, Warned, "2.5 % of 2000 failed for good, the limit is 2.0 %"},
		{"stays paused", Paused, Volume{Known: true, Sent: 1200, Hard: 50}, Paused, "4.2 % of 1200 failed for good, the limit is 5.0 %"},
		{"eases to a warning", Paused, Volume{Known: true, Sent: 1200, Hard: 40}, Warned, "3.3 % of 1200 failed for good, the limit is 2.0 %"},
		{"ends", Paused, Volume{Known: true, Sent: 1200, Hard: 10}, Fine, "0.83 % failed, 0.0 % complained, of 1200"},
		{"complaints", Fine, Volume{Known: true, Sent: 20000, Complaints: 70}, Paused, "0.35 % of 20000 complained, the limit is 0.30 %"},
		{"some complaints", Fine, Volume{Known: true, Sent: 20000, Complaints: 30}, Warned, "0.15 % of 20000 complained, the limit is 0.10 %"},
		{"one complaint", Fine, Volume{Known: true, Sent: 300, Complaints: 1}, Fine, "0.0 % failed, 0.33 % complained, of 300"},
		{"little since", Paused, Volume{Known: true, Sent: 10}, Paused, "paused before, and 10 sent since say too little"},
		{"nothing since", Paused, Volume{Known: true}, Fine, "0 sent, too few to tell"},
	} {
		if got, why := Judge(tt.was, tt.v, l); got != tt.want || why != tt.why {
			t.Errorf("%s: %v (%s), want %v (%s)", tt.name, got, why, tt.want, tt.why)
		}
	}
}

// A share that swings around a limit changes the level at most once.
func TestJudgeKeepsStill(t *testing.T) {
	l := DefaultRateLimits
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.IntRange(l.Least, 100000).Draw(t, "sent")
		limit := rapid.SampledFrom([]float64{l.Warn, l.Pause}).Draw(t, "limit")
		level, _ := Judge(Unknown, Volume{Known: true, Sent: sent, Hard: int(limit * float64(sent) * 0.9)}, l)
		changes := 0
		for range rapid.IntRange(1, 60).Draw(t, "polls") {
			swing := rapid.Float64Range(0.8, 1.2).Draw(t, "swing")
			now, _ := Judge(level, Volume{Known: true, Sent: sent, Hard: int(math.Ceil(limit * swing * float64(sent)))}, l)
			if now != level {
				changes++
			}
			level = now
		}
		if changes > 1 {
			t.Fatalf("%d changes", changes)
		}
	})
}

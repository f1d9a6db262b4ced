package policy

import (
	"fmt"
	"math"
)

// Level says whether a stream of ours may go on sending.
type Level uint8

// The levels, mildest first.
const (
	Unknown Level = iota // nobody says how much was sent
	Fine
	Warned
	Paused
)

var levelNames = []string{"unknown", "ok", "warn", "pause"}

func (l Level) String() string { return word(levelNames, int(l)) }

// MarshalText writes the stable word that JSON and SQL use.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (l *Level) UnmarshalText(b []byte) error { return find(l, levelNames, "level", b) }

// RateLimits are from what shares on a stream is warned of, or paused. The
// defaults are the lines that large receivers and services draw.
type RateLimits struct {
	Least           int     `json:"least"` // recipients sent to below which nothing is concluded; for complaints, which are rare, five times as many
	Warn            float64 `json:"warn"`  // hard failures
	Pause           float64 `json:"pause"`
	ComplaintsWarn  float64 `json:"complaints_warn"`
	ComplaintsPause float64 `json:"complaints_pause"`
}

// DefaultRateLimits hold where nothing else is set.
var DefaultRateLimits = RateLimits{Least: 200, Warn: 0.02, Pause: 0.05, ComplaintsWarn: 0.001, ComplaintsPause: 0.003}

// Volume is what a stream sent, and what came back of it, within the window.
type Volume struct {
	Known      bool // somebody says how much was sent
	Sent       int  // recipients
	Hard       int  // distinct recipients that failed for good, proven to be ours
	Complaints int  // distinct recipients
}

// Share is n of the volume; 0 when nothing was sent.
func (v Volume) Share(n int) float64 {
	if v.Sent == 0 {
		return 0
	}
	return float64(n) / float64(v.Sent)
}

// Wilson is the lower bound of the 95 % confidence interval for a share of
// which n of total were seen (E. B. Wilson, 1927): few mails prove little.
func Wilson(n, total int) float64 {
	if total <= 0 || n <= 0 {
		return 0
	}
	const z = 1.959964
	t := float64(total)
	p := min(1, float64(n)/t)
	return max(0, (p+z*z/(2*t)-z*math.Sqrt(p*(1-p)/t+z*z/(4*t*t)))/(1+z*z/t))
}

// ease is the part of a limit below which a level that was reached ends.
// Between the two it stays as it is, so that a share that swings around its
// limit changes nothing.
const ease = 0.75

// Judge says what level a stream is on, given the one that it was on, and why.
//
// A limit is reached when the share is at or above it and it is certain, by
// the lower bound, that the share is above the next milder line (for a pause,
// the warning; for a warning, as far below it again).
func Judge(was Level, v Volume, l RateLimits) (Level, string) {
	switch {
	case !v.Known:
		return Unknown, "nobody says how much was sent"
	case v.Sent < l.Least && was == Paused && v.Sent > 0:
		return Paused, fmt.Sprintf("paused before, and %d sent since say too little", v.Sent)
	case v.Sent < l.Least:
		return Fine, fmt.Sprintf("%d sent, too few to tell", v.Sent)
	}
	level, why := Fine, fmt.Sprintf("%s failed, %s complained, of %d", percent(v.Share(v.Hard)), percent(v.Share(v.Complaints)), v.Sent)
	for _, c := range []struct {
		n, least    int
		what        string
		warn, pause float64
	}{{v.Hard, l.Least, "failed for good", l.Warn, l.Pause}, {v.Complaints, 5 * l.Least, "complained", l.ComplaintsWarn, l.ComplaintsPause}} {
		if v.Sent < c.least {
			continue
		}
		share, low := v.Share(c.n), Wilson(c.n, v.Sent)
		for _, x := range []struct {
			level        Level
			limit, floor float64
		}{{Paused, c.pause, c.warn}, {Warned, c.warn, c.warn * c.warn / c.pause}} {
			reached := share >= x.limit && low >= x.floor
			if reached || was >= x.level && share >= ease*x.limit && share > 0 {
				if x.level > level {
					level = x.level
					why = fmt.Sprintf("%s of %d %s, the limit is %s", percent(share), v.Sent, c.what, percent(x.limit))
				}
				break
			}
		}
	}
	return level, why
}

// percent is a share in words; small ones keep a second figure.
func percent(share float64) string {
	if share > 0 && share < 0.01 {
		return fmt.Sprintf("%.2f %%", 100*share)
	}
	return fmt.Sprintf("%.1f %%", 100*share)
}

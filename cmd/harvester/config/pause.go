package config

import (
	"fmt"
	"strconv"
	"strings"

	"harvester/parse/count"
	"harvester/parse/toml"
	"harvester/store/policy"
)

// Percent is a share, written as "2%".
type Percent float64

// UnmarshalText reads a number from 0 to 100 and its sign.
func (p *Percent) UnmarshalText(b []byte) error {
	text, sign := strings.CutSuffix(strings.TrimSpace(string(b)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !sign || !(v > 0 && v <= 100) {
		return fmt.Errorf("%q is no share: write a number above 0 and up to 100 with its sign, such as \"2%%\"", b)
	}
	*p = Percent(v / 100)
	return nil
}

// Pause says from what rates on sending should stop, and where that is
// signalled.
type Pause struct {
	Path            string  `toml:"path"` // of the signal files; empty: none
	Minimum         int     `toml:"minimum"`
	Warn            Percent `toml:"warn"`
	Pause           Percent `toml:"pause"`
	ComplaintsWarn  Percent `toml:"complaints_warn"`
	ComplaintsPause Percent `toml:"complaints_pause"`
}

// PausePatch is what a stream has of its own.
type PausePatch struct {
	Minimum         *int     `toml:"minimum"`
	Warn            *Percent `toml:"warn"`
	Pause           *Percent `toml:"pause"`
	ComplaintsWarn  *Percent `toml:"complaints_warn"`
	ComplaintsPause *Percent `toml:"complaints_pause"`
}

func (r Pause) limits() policy.RateLimits {
	return policy.RateLimits{Least: r.Minimum, Warn: float64(r.Warn), Pause: float64(r.Pause),
		ComplaintsWarn: float64(r.ComplaintsWarn), ComplaintsPause: float64(r.ComplaintsPause)}
}

// with lays a stream's own limits over those for all.
func (r Pause) with(p PausePatch) Pause {
	set(&r.Minimum, p.Minimum)
	set(&r.Warn, p.Warn)
	set(&r.Pause, p.Pause)
	set(&r.ComplaintsWarn, p.ComplaintsWarn)
	set(&r.ComplaintsPause, p.ComplaintsPause)
	return r
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkRates finds limits that contradict each other.
func checkRates(d *toml.Document, path string, r Pause) {
	if d.Failed(path + ".") {
		return
	}
	if r.Minimum < 1 {
		d.Fault(path+".minimum", fmt.Sprintf("%s %s nothing", count.Of(r.Minimum, "recipient"), count.Verb(r.Minimum, "proves", "prove")), "write 1 or more; 200 is usual")
	}
	for _, x := range []struct {
		warn, pause Percent
		key         string
	}{{r.Warn, r.Pause, "warn"}, {r.ComplaintsWarn, r.ComplaintsPause, "complaints_warn"}} {
		if x.warn >= x.pause {
			d.Fault(toml.Join(path, x.key), fmt.Sprintf("the warning at %g%% comes no earlier than the pause at %g%%", 100*x.warn, 100*x.pause), "a warning needs the lower limit")
		}
	}
}

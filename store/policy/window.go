package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
)

// Bin is how many distinct things failed within one hour (Outage: addresses)
// or day (DomainDown: addresses, OwnPath: organisations).
type Bin struct {
	Start time.Time
	N     int
}

// Window is a stretch of time in which the events of a subject are held, or
// have no weight.
type Window struct {
	Kind     WindowKind `json:"kind"`
	Subject  string     `json:"subject"` // operator, domain, or concern
	Start    time.Time  `json:"start"`
	End      time.Time  `json:"end"`      // of the burst itself
	Until    time.Time  `json:"until"`    // up to which events are held; End for OwnPath
	Peak     int        `json:"peak"`     // most distinct things in one bin
	Baseline int        `json:"baseline"` // what is usual; 0: not known yet
}

// ID names a window: kind, subject, and the hour of its start (UTC).
func (w *Window) ID() string {
	return fmt.Sprintf("%s:%s:%s", w.Kind, w.Subject, w.Start.UTC().Format("2006-01-02T15"))
}

const (
	// HoldTime is how long after a burst verdicts stay held.
	HoldTime = 72 * time.Hour
	// Lead is how far before a burst it may have begun unnoticed.
	Lead = 2 * time.Hour
	// Longest is how long a window may hold, counted from its start.
	Longest = 7 * day
	// Memory is how far back the baseline looks.
	Memory = 28 * day
	// times over the baseline make a burst.
	factor = 5
)

// Windows finds the bursts among the bins of one subject: at least Least
// things and five times the baseline, which is the median over the days of
// the last four weeks of each day's largest bin. Days with nothing, and the
// last three, are left out of it: who mails once a week is not compared with
// silence, and a burst is not compared with its own beginning. Fewer than
// three such days are no baseline. The bins may come in any order.
func Windows(c *Concentration, subject string, bins []Bin) []Window {
	bins = slices.Clone(bins)
	slices.SortFunc(bins, func(a, b Bin) int { return a.Start.Compare(b.Start) })
	var out []Window
	for i, b := range bins {
		if b.N < c.Least {
			continue
		}
		base := 0
		if c.Effect != Waits {
			base = baseline(bins[:i], b.Start)
		}
		if b.N < factor*base {
			continue
		}
		end := b.Start.Add(c.Width)
		w := Window{Kind: c.Kind, Subject: subject, Start: b.Start.Add(-c.Lead), End: end, Until: end.Add(c.Hold), Peak: b.N, Baseline: base}
		if n := len(out); n > 0 {
			last := &out[n-1]
			merges, most := !w.Start.After(last.Until), last.Start.Add(Longest)
			switch spent := c.Effect == Holds && (merges && w.Until.After(most) || !last.Until.Before(most)); {
			case spent && w.Peak < factor*last.Peak && b.Start.Before(most.Add(Longest)):
				if merges && b.Start.Before(most) {
					last.End, last.Until, last.Peak = earlier(w.End, most), most, max(last.Peak, w.Peak)
				}
				continue
			case merges && !spent:
				last.End, last.Until, last.Peak = w.End, w.Until, max(last.Peak, w.Peak)
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func baseline(bins []Bin, at time.Time) int {
	today := at.Truncate(day)
	var peaks []int
	last := int64(-1)
	for _, b := range bins {
		if b.N == 0 || b.Start.Before(today.Add(-Memory)) || !b.Start.Before(today.Add(-HoldTime)) {
			continue
		}
		if d := b.Start.Unix() / 86400; d == last {
			peaks[len(peaks)-1] = max(peaks[len(peaks)-1], b.N)
		} else {
			peaks, last = append(peaks, b.N), d
		}
	}
	if len(peaks) < 3 {
		return 0
	}
	slices.Sort(peaks)
	return peaks[len(peaks)/2]
}

// The concerns of an event: what concentration it can be part of.
const (
	ConcernUnknown     = "unknown"
	ConcernEdge        = "5.4.1" // "access denied" at the edge of a domain: its address, the domain or our path
	ConcernUnreachable = "unreachable"
	ConcernDomain      = "domain_unknown"
	ConcernAccepted    = "accepted" // of no concentration: a proven success, which speaks for what stands beside it
)

// Concern says what concentration a failure can be part of, "" for none, and
// whether a notice shows that the address takes mail. Only failures with proof
// of sending are part of any: forged ones must not hold anything up.
func Concern(e Event, status string) string {
	if e.Proof >= ProofAuthentic && (success(&e) || e.Kind == bounce.KindAutoReply) {
		return ConcernAccepted
	}
	if e.Kind != bounce.KindBounce || e.Action != bounce.Failed || e.Proof < ProofReturned {
		return ""
	}
	switch e.Reason { // nothing else says that address or domain are gone
	case bounce.UserUnknown, bounce.AddressInvalid, bounce.UserMoved, bounce.MailboxDisabled:
		if status == "5.4.1" {
			return ConcernEdge
		}
		return ConcernUnknown
	case bounce.Expired, bounce.RelayDenied, bounce.RoutingFailed:
		return ConcernUnreachable
	case bounce.DomainUnknown:
		return ConcernDomain
	}
	return ""
}

// Ruling is the operator's decision about a window: all events of the subject
// between Start and End count as usual (Release), or not at all.
type Ruling struct {
	Kind    WindowKind `json:"kind"`
	Subject string     `json:"subject"`
	Start   time.Time  `json:"start"`
	End     time.Time  `json:"end"`
	Release bool       `json:"release"`
}

// SortWindows puts windows into the order in which they are shown.
func SortWindows(ws []Window) {
	slices.SortFunc(ws, func(a, b Window) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Subject, b.Subject))
	})
}

package policy

import (
	"slices"
	"strings"
	"time"
)

const (
	// Quiet is how long an incident needs without a failure to close by itself.
	Quiet = 3 * day
	// Settled is how long it needs when a receiver that it hit has taken mail
	// since. Who fails every other hour goes on with one incident.
	Settled = 12 * hour
)

// Tally is how often a cause struck within one hour.
type Tally struct {
	Hour time.Time `json:"hour"`
	N    int       `json:"n"`
}

// Incident is one stretch of failures with one cause of our own.
type Incident struct {
	Cause    string // id of the cause, with our domain where the cause concerns one: "spf:example.org"
	Opened   time.Time
	LastSeen time.Time // start of the last hour with a failure
	Closed   time.Time // zero: open
	ClosedBy string    // quiet, success; "" while it is open
	Count    int
	Hours    []Tally
	Earlier  int // incidents of the same cause before it
}

// Incidents splits the hours of one cause into incidents: a pause of Quiet
// closes one, or one of Settled after a success at a receiver that it hit, and
// a failure after that opens the next. Hours and successes may come in any
// order.
func Incidents(cause string, hours []Tally, successes []time.Time, now time.Time) []Incident {
	hours, successes = slices.Clone(hours), slices.Clone(successes)
	slices.SortFunc(hours, func(a, b Tally) int { return a.Hour.Compare(b.Hour) })
	slices.SortFunc(successes, time.Time.Compare)
	var out []Incident
	for _, h := range hours {
		if h.Hour.After(now) {
			break
		}
		if n := len(out); n == 0 || out[n-1].close(successes, h.Hour) {
			out = append(out, Incident{Cause: cause, Opened: h.Hour, Earlier: n})
		}
		in := &out[len(out)-1]
		in.LastSeen, in.Count, in.Hours = h.Hour, in.Count+h.N, append(in.Hours, h)
	}
	if n := len(out); n > 0 {
		out[n-1].close(successes, now)
	}
	return out
}

// close closes an incident that had ended before a time, and tells whether it
// had.
func (in *Incident) close(successes []time.Time, at time.Time) bool {
	end, by := in.LastSeen.Add(Quiet), "quiet"
	i, _ := slices.BinarySearchFunc(successes, in.LastSeen.Add(time.Hour), time.Time.Compare)
	if i < len(successes) && successes[i].Add(Settled).Before(end) {
		end, by = successes[i].Add(Settled), "success"
	}
	if end.After(at) {
		return false
	}
	in.Closed, in.ClosedBy = end, by
	return true
}

// IncidentKey names the incident that a failure belongs to: the cause, and our
// domain where it is a record of the domain that has to be mended, so that
// every receiver's wording comes together.
func IncidentKey(c Cause, domain string) string {
	switch c.Group {
	case "spf", "dkim", "dmarc", "auth":
		if domain != "" {
			return c.ID + ":" + domain
		}
	}
	return c.ID
}

// CauseByKey finds the cause of an incident key, and the domain in it.
func CauseByKey(key string) (c Cause, domain string, ok bool) {
	id, domain, _ := strings.Cut(key, ":")
	for i := range fixes {
		if fixes[i].ID == id {
			return fixes[i].Cause, domain, true
		}
	}
	return Cause{}, domain, false
}

// Consequence tells whether b is only another wording of a: while SPF or DKIM
// of a domain is broken, receivers also say that DMARC or "authentication"
// fails there.
func Consequence(a, b Incident) bool {
	ca, da, _ := CauseByKey(a.Cause)
	cb, db, _ := CauseByKey(b.Cause)
	if ca.Group != "spf" && ca.Group != "dkim" || cb.Group != "dmarc" && cb.Group != "auth" {
		return false
	}
	related := da == db || strings.HasSuffix(da, "."+db) || strings.HasSuffix(db, "."+da)
	return related && !b.LastSeen.Before(a.Opened.Add(-day)) && !b.Opened.After(a.LastSeen.Add(day))
}

// PathKey names the incident of a broken path of our own.
func PathKey(concern string) string { return "path." + concern }

// PathConcern is the concern behind an incident of a broken path.
func PathConcern(key string) (string, bool) {
	concern, ok := strings.CutPrefix(key, "path.")
	return concern, ok && slices.Contains([]string{ConcernUnreachable, ConcernDomain, ConcernEdge}, concern)
}

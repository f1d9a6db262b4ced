package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Moment is a stretch of a timeline: what DNS said of a record, or the failures
// that fell between two changes.
type Moment struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Record   string    `json:"record,omitempty"` // "TXT example.org."; "" for failures
	State    string    `json:"state,omitempty"`  // found, no_data, nxdomain
	Values   []string  `json:"values,omitempty"`
	Failures int       `json:"failures,omitempty"`
}

// Struck is how many failures an hour brought.
type Struck struct {
	Hour time.Time
	N    int
}

const (
	maxMoments  = 20 // of one finding, the latest
	maxVariants = 6  // of one record, the latest
)

// Lay puts the timeline into a finding: what its records said, from what was
// seen at earlier looks and now, and beside them the failures, each stretch
// between two changes once. Records that never changed are left out but for the
// first; without an earlier look there is no timeline.
func (f *Finding) Lay(history func(name, typ string) []Earlier, failures []Struck) {
	var changes []Moment
	for i := range f.Measured {
		m := &f.Measured[i]
		typ, name, ok := strings.Cut(m.What, " ")
		if !ok || m.Resolver == "" || m.State == "unknown" || strings.Contains(name, " ") ||
			slices.ContainsFunc(changes, func(o Moment) bool { return o.Record == m.What }) {
			continue
		}
		seen := stretches(m, history(name, typ))
		if len(seen) > 1 || len(changes) == 0 && seen[0].From.Before(m.At) {
			changes = append(changes, seen...)
		}
	}
	if len(changes) == 0 {
		return
	}
	slices.SortStableFunc(changes, func(a, b Moment) int { return a.From.Compare(b.From) })
	var all []Moment
	for i := range changes { // failures before the first look begin it
		if i == 0 {
			all = append(all, between(failures, time.Time{}, changes[i].From)...)
		}
		until := time.Time{}
		if i+1 < len(changes) {
			until = changes[i+1].From
		}
		all = append(append(all, changes[i]), between(failures, changes[i].From, until)...)
	}
	f.Timeline = all[max(0, len(all)-maxMoments):]
}

// stretches are what a record said, the first first; what was measured now is
// the last of them.
func stretches(m *Measurement, earlier []Earlier) []Moment {
	now := Moment{From: m.At, To: m.At, Record: m.What, State: m.State, Values: m.Values}
	out := []Moment{now}
	for _, e := range earlier { // the latest first
		first := &out[len(out)-1]
		if first.State == e.State && slices.Equal(first.Values, slices.Sorted(slices.Values(e.Values))) {
			if e.First.Before(first.From) {
				first.From = e.First
			}
			continue
		}
		if len(out) == maxVariants {
			break
		}
		out = append(out, Moment{From: e.First, To: e.Last, Record: m.What, State: e.State, Values: slices.Sorted(slices.Values(e.Values))})
	}
	slices.Reverse(out)
	return out
}

// between sums the failures of the hours that begin in a stretch of time; until
// may be zero.
func between(failures []Struck, from, until time.Time) []Moment {
	var m Moment
	for _, s := range failures {
		if s.Hour.Before(from) || !until.IsZero() && !s.Hour.Before(until) {
			continue
		}
		if m.Failures == 0 {
			m.From = s.Hour
		}
		m.To, m.Failures = s.Hour.Add(time.Hour), m.Failures+s.N
	}
	if m.Failures == 0 {
		return nil
	}
	return []Moment{m}
}

// Says is a moment of a record in a few words: its values, or that there is
// none.
func (m *Moment) Says() string {
	if m.State == "found" && len(m.Values) > 0 {
		return m.Record + " " + strings.Join(m.Values, " | ")
	}
	return m.Record + " " + cmp.Or(map[string]string{"nxdomain": "does not exist", "no_data": "is not there"}[m.State], m.State)
}

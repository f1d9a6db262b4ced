package compose

import (
	"context"
	"encoding/json"
	"slices"

	"harvester/schedule/diagnose"
	"harvester/store/facts"
	"harvester/store/query"
)

// timelineDays is how far back a timeline shows failures.
const timelineDays = 90

// Lay puts timelines into findings about our own records that no incident is
// behind: beside a record stand the failures of all incidents that name it.
func (s *Set) Lay(ctx context.Context, list []diagnose.Finding, history func(name, typ string) []diagnose.Earlier) error {
	incidents, err := s.DB.Incidents.Incidents(ctx, s.DB.Now().AddDate(0, 0, -timelineDays))
	lay(list, incidents, history)
	return err
}

func lay(list []diagnose.Finding, incidents []query.Incident, history func(name, typ string) []diagnose.Earlier) {
	if history == nil {
		return
	}
	for i := range list {
		f := &list[i]
		if slices.Contains(theirs, f.Check()) {
			continue
		}
		var failures []diagnose.Struck
		for j := range incidents {
			if !behind(f, &incidents[j]) {
				continue
			}
			for _, h := range incidents[j].Hours {
				failures = append(failures, diagnose.Struck{Hour: h.Hour, N: h.N})
			}
		}
		slices.SortFunc(failures, func(a, b diagnose.Struck) int { return a.Hour.Compare(b.Hour) })
		f.Lay(history, failures)
	}
}

// behind tells whether an incident's failures are those that a finding is
// about: the incident's own, or where there is none those of its kind that name
// its domain or address.
func behind(f *diagnose.Finding, in *query.Incident) bool {
	if f.Incident != "" {
		return in.ID == f.Incident
	}
	group := f.Check()
	if group == "dnsbl" {
		group = "blocklist"
	}
	return in.Cause.Group == group && in.Count > 0 &&
		(f.Subject.Domain != "" && in.Domain == f.Subject.Domain || f.Subject.IP != "" && slices.Contains(in.Named, f.Subject.IP))
}

// Looked is what a look at DNS found about an incident: as the database knows
// it, and in full.
type Looked struct {
	facts.Finding
	Full diagnose.Finding
}

// Looked are the findings about an incident that stand; for one of the watch,
// the one that it was opened for.
func (s *Set) Looked(ctx context.Context, incident string) ([]Looked, error) {
	scope := incident
	if facts.Watched(incident) {
		scope = facts.WatchScope
	}
	list, err := s.DB.Findings.Findings(ctx, scope, s.DB.Now())
	if err != nil {
		return nil, err
	}
	var out []Looked
	for _, row := range list {
		if row.Incident() != incident {
			continue
		}
		x := Looked{Finding: row}
		if err := json.Unmarshal(row.Body, &x.Full); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

package report

import (
	"cmp"
	"slices"
	"strings"

	"harvester/store/policy"
	"harvester/store/query"
)

// Severities of causes.
const (
	widespread = 3  // receivers from which a cause is urgent
	pathLeast  = 3  // receivers from which a wrong route is ours rather than theirs
	noteworthy = 10 // mails below which a matter of one mail is no alarm
)

// causes groups the refusals by what mends them.
func causes(rows []query.Refusal, o Options) []Cause {
	type gathered struct {
		Cause
		hits map[string]int
	}
	at := map[string]*gathered{}
	for _, row := range rows {
		c, ok := policy.CauseOf(row.Reason, row.Vendor, row.Status, row.Diagnostic)
		if !ok {
			continue
		}
		g := at[c.ID]
		if g == nil {
			g = &gathered{Cause: Cause{ID: c.ID, Group: c.Group, Title: c.Title, Steps: c.Steps, Page: c.Page,
				Named: []string{}, First: row.First.In(o.Location), Last: row.Last.In(o.Location)}, hits: map[string]int{}}
			at[c.ID] = g
		}
		g.N += row.N
		g.hits[row.Receiver] += row.N
		if row.First.Before(g.First) {
			g.First = row.First.In(o.Location)
		}
		if !row.Last.Before(g.Last) {
			g.Last, g.Sample = row.Last.In(o.Location), o.Addresses.text(row.Diagnostic)
		}
		if ip := policy.Named(row.Diagnostic, row.RemoteMTA); ip.IsValid() && len(g.Named) < maxNamed && !slices.Contains(g.Named, ip.String()) {
			g.Named = append(g.Named, ip.String())
		}
	}
	out := []Cause{}
	for _, g := range at {
		for _, c := range counts(g.hits, 1) {
			g.Receivers = append(g.Receivers, c.Name)
		}
		if g.Group == "path" && len(g.Receivers) < pathLeast {
			continue
		}
		slices.Sort(g.Named)
		g.Severity = severity(&g.Cause)
		out = append(out, g.Cause)
	}
	slices.SortFunc(out, func(a, b Cause) int {
		return cmp.Or(b.Severity.weight()-a.Severity.weight(), cmp.Compare(b.N, a.N), strings.Compare(a.ID, b.ID))
	})
	return out
}

func severity(c *Cause) Severity {
	switch c.Group {
	case "account":
		return Crit
	case "path": // ours for certain only where unrelated receivers fail alike
		if path, _ := policy.Concentrated(policy.OwnPath); len(c.Receivers) < path.Least {
			return Warn
		}
		return Crit
	case "content", "rate", "policy", "vendor":
		if c.N < noteworthy {
			return OK
		}
		return Warn
	}
	if len(c.Receivers) >= widespread {
		return Crit
	}
	return Warn
}

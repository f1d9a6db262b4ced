package compose

import (
	"strings"
	"testing"
	"time"

	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// What DNS confirmed makes an alarm urgent, what it refuted makes it wait; of
// another incident, or from before it opened, it says nothing.
func TestCheckedAlarms(t *testing.T) {
	opened := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	spf := query.Incident{ID: "spf:example.org", Cause: policy.Cause{ID: "spf", Group: "spf", Title: "SPF fails"}, Count: 2, Receivers: []string{"a", "b", "c"}, Opened: opened}
	few := query.Incident{ID: "content.links", Cause: policy.Cause{ID: "content.links", Group: "content", Title: "a link is listed"}, Count: 2, Opened: opened}
	closed := spf
	closed.Closed = opened.Add(time.Hour)
	confirmed := facts.Finding{Verdict: "confirmed", Fault: true, Owner: "us_dns", Answer: "192.0.2.25 is not listed", Steps: []string{"add ip4:192.0.2.25"}, Last: opened.Add(time.Minute)}
	theirs := confirmed
	theirs.Owner = "provider"
	refuted := facts.Finding{Verdict: "refuted", Owner: "receiver", Answer: "192.0.2.25 is listed", Last: opened.Add(time.Minute)}
	old := confirmed
	old.Last = opened.Add(-time.Hour)
	for name, x := range map[string]struct {
		in      query.Incident
		f       facts.Finding
		scope   string
		news    bool
		urgency policy.Urgency
		says    string
	}{
		"confirmed":            {spf, confirmed, spf.ID, true, policy.Now, "confirmed: 192.0.2.25 is not listed"},
		"confirmed, few fail":  {few, confirmed, few.ID, true, policy.Now, "confirmed: "},
		"the provider's fault": {few, theirs, few.ID, false, policy.Soon, ""},
		"refuted":              {spf, refuted, spf.ID, true, policy.Soon, "not confirmed: 192.0.2.25 is listed"},
		"of another":           {few, confirmed, spf.ID, false, policy.Soon, ""},
		"of an earlier one":    {few, old, few.ID, false, policy.Soon, ""},
		"over":                 {closed, confirmed, spf.ID, false, policy.Soon, ""},
	} {
		x.f.Scope = x.scope
		trouble, ok := incidentTrouble(&x.in)
		news := checked(&trouble, &x.in, []facts.Finding{x.f}) || ok
		if news != x.news || news && trouble.Urgency != x.urgency || !strings.Contains(trouble.Title, x.says) {
			t.Errorf("%s: %v, %+v", name, news, trouble)
		}
	}
}

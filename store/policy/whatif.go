package policy

import (
	"fmt"
	"time"
)

// WhatIf says in words what would change the verdict.
func (v Verdict) WhatIf() []string {
	if v.State == Allowed {
		return []string{"undoing the operator's \"allow\""}
	}
	if v.Why != "" {
		return []string{"nothing: it is " + v.Why}
	}
	var out []string
	for _, ep := range v.Episodes {
		what := ep.Family
		switch {
		case ep.Held:
			out = append(out, fmt.Sprintf("%s: a failure after %s confirms it, a delivery or silence until %s drops it", what, date(ep.HeldUntil), date(ep.Expires)))
		case ep.Expires.IsZero():
			out = append(out, what+": it stands until the operator removes it")
		default:
			out = append(out, what+": it expires on "+date(ep.Expires))
		}
		if ep.Source == SourceBounce {
			out = append(out, what+": a proven delivery lifts it")
		}
	}
	if v.State == Clear && len(v.Events) > 0 {
		n := v.Notes[len(v.Notes)-1]
		switch {
		case n.Counted:
			out = append(out, "further failures of this kind on other days, until the policy line is met ("+n.Line+")")
		case n.Why != "":
			out = append(out, "the last event has no weight: "+n.Why)
		}
	}
	if v.State != Clear {
		out = append(out, "an operator's \"remove\" or \"allow\"")
	}
	return out
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

package policy

import (
	"fmt"
	"harvester/parse/count"
	"strings"
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
		what := inWords(ep.Family)
		switch {
		case ep.Waiting:
			out = append(out, fmt.Sprintf("%s: you confirm it (harvester holds release), more proof does, or silence until %s drops it", what, date(ep.Expires)))
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

// WhyNot says in words why the address is not on the list, strongest reason
// first; nil when it is.
func (v Verdict) WhyNot() []string {
	var out []string
	switch {
	case v.State == Suppressed:
		return nil
	case v.State == Allowed:
		out = append(out, v.Why)
		for _, ep := range v.Episodes {
			out = append(out, "without that it would be: "+ep.Line.String())
		}
		return out
	case v.Why != "":
		return []string{"it is " + v.Why + ": such are never listed"}
	case len(v.Events) == 0 && len(v.Past) == 0:
		return []string{"nothing was ever received about it"}
	}
	for _, ep := range v.Episodes {
		if ep.Waiting {
			out = append(out, inWords(ep.Family)+": it "+waits)
			continue
		}
		out = append(out, fmt.Sprintf("%s: held as part of a burst, a failure after %s confirms it", inWords(ep.Family), date(ep.HeldUntil)))
	}
	for _, ep := range v.Past {
		how := "stood"
		if ep.Held {
			how = "was held"
		}
		end := ep.End
		if end == expired {
			end += " on " + date(ep.Expires)
		}
		out = append(out, fmt.Sprintf("%s: it %s from %s, but %s", inWords(ep.Family), how, date(ep.Since), end))
	}
	for _, c := range v.Counters {
		out = append(out, c.String())
	}
	return append(out, v.weightless()...)
}

// inWords names a family as people would.
func inWords(family string) string {
	switch family {
	case "unknown":
		return "address unknown"
	case "unreachable":
		return "receiver unreachable"
	case behind:
		return "failures behind the address"
	case "operator":
		return "the operator's act"
	}
	return strings.ReplaceAll(family, "_", " ")
}

// String is the counter in words.
func (c Counter) String() string {
	s := fmt.Sprintf("%s: %d of %s that the policy asks for (%s)", inWords(c.Family), c.Count, count.Of(c.After, "day"), c.Line)
	if !c.Lapses.IsZero() {
		s += "; the oldest counts until " + date(c.Lapses)
	}
	return s
}

// weightless are the reasons for which events have no weight, with their
// number, as first met.
func (v Verdict) weightless() []string {
	n := map[string]int{}
	var order []string
	for _, note := range v.Notes {
		if note.Counted || note.Why == "" || note.DuplicateOf >= 0 {
			continue
		}
		if n[note.Why]++; n[note.Why] == 1 {
			order = append(order, note.Why)
		}
	}
	for i, why := range order {
		order[i] = fmt.Sprintf("%s: %s", count.Of(n[why], "event"), why)
	}
	return order
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

package policy

import (
	"cmp"
	"strings"

	"harvester/parse/bounce"
)

// stronger puts what the list shows for a source and stream first: what is in
// force, for good or longest.
func stronger(a, b Episode) int {
	held := func(e Episode) int {
		if e.Held {
			return 1
		}
		return 0
	}
	until := func(e Episode) int64 {
		if e.Expires.IsZero() {
			return 1<<63 - 1
		}
		return e.Expires.UnixMilli()
	}
	return cmp.Or(cmp.Compare(a.Source, b.Source), strings.Compare(a.Stream, b.Stream), cmp.Compare(held(a), held(b)),
		cmp.Compare(until(b), until(a)), a.Since.Compare(b.Since), strings.Compare(a.Family, b.Family))
}

// List is what stands on the suppression list for the address: the strongest
// episode of each source and stream.
func (v Verdict) List() []Episode {
	if v.State == Allowed {
		return nil
	}
	var out []Episode
	for _, ep := range v.Episodes {
		if n := len(out); n == 0 || out[n-1].Source != ep.Source || out[n-1].Stream != ep.Stream {
			out = append(out, ep)
		}
	}
	return out
}

// FirstNotice is the ID of the event that event i is a further notice of, 0
// when it is none.
func (v *Verdict) FirstNotice(i int) int64 {
	if first := v.Notes[i].DuplicateOf; first >= 0 {
		return v.Events[first].ID
	}
	return 0
}

func success(e *Event) bool {
	switch e.Kind { // the others say nothing about a delivery
	case bounce.KindReceipt:
		return true
	case bounce.KindBounce, bounce.KindDelay, bounce.KindDelivered:
		return e.Action == bounce.Delivered
	}
	return false
}

func familyOf(e Event) string {
	switch e.Kind { // all others count by their reason
	case bounce.KindUnsubscribe:
		return "unsubscribe"
	case bounce.KindComplaint:
		if f := strings.ToLower(e.Feedback); f == "opt-out" || f == "opt-out-list" {
			return "unsubscribe"
		}
		return "complaint"
	}
	if e.Behind {
		return behind // it says nothing of the mailed address itself
	}
	return Family(e.Reason)
}

func sourceOf(family string) Source {
	switch strings.TrimPrefix(family, imported) {
	case "complaint":
		return SourceComplaint
	case "unsubscribe":
		return SourceUnsubscribe
	case "operator":
		return SourceOperator
	}
	return SourceBounce
}

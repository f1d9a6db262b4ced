package policy

import (
	"time"

	"harvester/parse/bounce"
)

// Entry is what the list of another system says of an address, in an Override
// whose act is Add. It takes its place in the history at the time that the other
// system says it of: what was delivered, removed or allowed after that wins,
// though it was known before the list came in.
type Entry struct {
	Import int64         `json:"import"` // the import that brought it; 0: an operator named the address himself
	Source Source        `json:"source"`
	Cause  bounce.Reason `json:"cause,omitzero"`  // of a bounce
	Since  time.Time     `json:"since,omitzero"`  // when it happened, as far as the other system says
	Stream string        `json:"stream,omitzero"` // that the list is of; "" for all of our mail
}

// IsZero tells that there is none.
func (e Entry) IsZero() bool { return e.Import == 0 }

// Same tells whether two entries say the same, whatever import brought them.
func (e *Entry) Same(o *Entry) bool {
	return e.Source == o.Source && e.Cause == o.Cause && e.Since.Equal(o.Since) && e.Stream == o.Stream
}

// When is the moment of the history from which an act holds.
func (o *Override) When() time.Time {
	if o.Entry.Since.IsZero() {
		return o.At
	}
	return o.Entry.Since
}

// Imported is the line that an entry of another system's list rests on: for how
// long it stands, and for what mail. Suppress is false where the policy never
// suppresses for such a cause.
func (t Table) Imported(e *Entry) Line {
	name := e.Source.String()
	switch e.Source {
	case SourceOperator:
		return Line{Name: name, Suppress: true, After: 1, Scope: ScopeAddress, Origin: "built in"}
	case SourceBounce:
		name = e.Cause.String()
	case SourceComplaint, SourceUnsubscribe:
	}
	l := t.must(e.Stream, name)
	l.After, l.Within, l.DistinctDays, l.Grow = 1, 0, 0, 0 // the other system counted
	return l
}

// imported begins the families of what other systems' lists say, which nothing
// else counts together with.
const imported = "imported "

// imported opens what another system's list says. The span of the line begins
// with the import: until then the other system held on to it.
func (f *fold) imported(o *Override) {
	line := f.table.Imported(&o.Entry)
	if !line.Suppress {
		return
	}
	g := group{family: imported + o.Entry.Source.String()}
	if line.Scope == ScopeStream {
		g.stream = o.Entry.Stream
	}
	ep := Episode{Source: o.Entry.Source, Family: g.family, Line: line, Stream: g.stream, Since: o.When(), LastSeen: o.When(),
		Expires: o.Until, Count: 1, Trigger: -1, Override: o.ID, Import: o.Entry.Import, Cause: o.Entry.Cause}
	if ep.Expires.IsZero() && line.Expires != 0 {
		ep.Expires = o.At.Add(line.Expires.Of())
	}
	t := f.tally(g)
	if t.open != nil && stronger(*t.open, ep) < 0 {
		return
	}
	f.close(t, "a later list holds it for longer")
	t.open = &ep
}

package policy

import "time"

// WindowKind says what came together.
type WindowKind string

// The kinds of concentration.
const (
	// Outage: one operator called many addresses unknown within an hour.
	Outage WindowKind = "outage"
	// DomainDown: many addresses of one domain failed in one day.
	DomainDown WindowKind = "domain"
	// OwnPath: many unrelated domains failed alike in one day: it is our own
	// path, resolver or list.
	OwnPath WindowKind = "path"
)

// Trait is something that events have in common or differ in, under the name
// of its column.
type Trait string

// The traits.
const (
	ByKey      Trait = "key"      // the address
	ByDomain   Trait = "domain"   // of the address
	ByOperator Trait = "operator" // who runs the receiving server
	ByConcern  Trait = "concern"
)

// Concentration is one way in which failures come together: events with one of
// the Concerns and the same Subject, of which the distinct Members within one
// bin of Width are counted. A new one is a row of Concentrations: counts in Go,
// SQL and its index follow from it.
type Concentration struct {
	Kind     WindowKind
	Concerns []string
	Subject  Trait
	Member   Trait
	Width    time.Duration // of a bin
	Least    int           // distinct members of a bin below which nothing is a burst
	Lead     time.Duration // how far before its bin a burst may have begun unnoticed
	Hold     time.Duration // how long after a burst its events stay held; 0: they lose all weight instead
}

// Concentrations are all of them, in the order of their names in the database.
var concentrations = []Concentration{
	{Kind: DomainDown, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByDomain, Member: ByKey, Width: day, Least: 5, Hold: HoldTime},
	{Kind: Outage, Concerns: []string{ConcernUnknown, ConcernEdge}, Subject: ByOperator, Member: ByKey, Width: hour, Least: 20, Lead: Lead, Hold: HoldTime},
	{Kind: OwnPath, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByConcern, Member: ByOperator, Width: day, Least: 20},
}

// Concentrations returns all kinds, in the order in which the store keeps
// them. The caller must not change them.
func Concentrations() []Concentration { return concentrations }

// Concentrated finds a kind; false for an unknown word.
func Concentrated(kind WindowKind) (Concentration, bool) {
	for i := range concentrations {
		if concentrations[i].Kind == kind {
			return concentrations[i], true
		}
	}
	return Concentration{}, false
}

// Discounts tells whether events within such a burst lose all weight, instead
// of being held.
func (c *Concentration) Discounts() bool { return c.Hold == 0 }

// Counts tells whether it counts events of a concern.
func (c *Concentration) Counts(concern string) bool {
	for _, x := range c.Concerns {
		if x == concern && concern != "" {
			return true
		}
	}
	return false
}

// Bin is the number of the bin that a time falls into.
func (c *Concentration) Bin(at time.Time) int64 { return at.UnixMilli() / c.Width.Milliseconds() }

// Traits are those of one event.
type Traits struct{ Key, Concern, Operator string }

// Of is one of them, "" for an unknown one.
func (t Traits) Of(trait Trait) string {
	switch trait {
	case ByKey:
		return t.Key
	case ByDomain:
		return Domain(t.Key)
	case ByOperator:
		return t.Operator
	case ByConcern:
		return t.Concern
	}
	return ""
}

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
	// Forgeable: notices that anybody can write named many addresses within an
	// hour.
	Forgeable WindowKind = "forgeable"
	// ForgeableDomain: they named many addresses of one domain within a day.
	ForgeableDomain WindowKind = "forgeable_domain"
	// ForgeableDown and ForgeablePath are DomainDown and OwnPath by their word:
	// no more than what they say themselves is held for that.
	ForgeableDown WindowKind = "forgeable_down"
	ForgeablePath WindowKind = "forgeable_path"
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
	ByOrigin   Trait = "forgeable" // Outside where anybody can have written the notice
)

// Outside is the origin of notices that anybody can have written.
const Outside = "outside"

// Concentration is one way in which failures come together: events with one of
// the Concerns and the same Subject, of which the distinct Members within one
// bin of Width are counted. What anybody can have made up is counted by itself:
// a forged burst delays the addresses that it names, and no others. A new one is a row of Concentrations: counts in Go,
// SQL and its index follow from it.
type Concentration struct {
	Kind     WindowKind
	Concerns []string // nil: any
	Origin   string   // Outside: it is about what anybody can have made up; "": about the rest
	Subject  Trait
	Member   Trait
	Width    time.Duration // of a bin
	Least    int           // distinct members of a bin below which nothing is a burst
	Lead     time.Duration // how far before its bin a burst may have begun unnoticed
	Hold     time.Duration // how long after a burst its events stay held
	Effect   Effect
}

// Effect is what a burst does to its events.
type Effect uint8

// The effects.
const (
	Holds     Effect = iota // they count with a failure after the window
	Discounts               // they lose all weight
	Waits                   // they count when the operator says so; nothing is usual, and no burst confirms another
)

// Concentrations are all of them, in the order of their names in the database.
var concentrations = []Concentration{
	{Kind: DomainDown, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByDomain, Member: ByKey, Width: day, Least: 5, Hold: HoldTime},
	{Kind: Outage, Concerns: []string{ConcernUnknown, ConcernEdge}, Subject: ByOperator, Member: ByKey, Width: hour, Least: 20, Lead: Lead, Hold: HoldTime},
	{Kind: OwnPath, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByConcern, Member: ByOperator, Width: day, Least: 20, Effect: Discounts},
	{Kind: Forgeable, Origin: Outside, Subject: ByOrigin, Member: ByKey, Width: hour, Least: MostForgeable + 1, Effect: Waits},
	{Kind: ForgeableDomain, Origin: Outside, Subject: ByDomain, Member: ByKey, Width: day, Least: MostForgeableAtDomain + 1, Effect: Waits},
	{Kind: ForgeableDown, Origin: Outside, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByDomain, Member: ByKey, Width: day, Least: 5, Hold: HoldTime},
	{Kind: ForgeablePath, Origin: Outside, Concerns: []string{ConcernEdge, ConcernUnreachable, ConcernDomain}, Subject: ByConcern, Member: ByOperator, Width: day, Least: 20, Effect: Discounts},
}

const (
	// MostForgeable is how many addresses within an hour are listed on the word
	// of notices that anybody can have written.
	MostForgeable = 10
	// MostForgeableAtDomain is how many of one domain are within a day.
	MostForgeableAtDomain = 25
)

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

// Counts tells whether it counts events with such traits.
func (c *Concentration) Counts(t Traits) bool {
	if t.Forgeable != c.Origin || c.Concerns == nil {
		return t.Forgeable == c.Origin
	}
	for _, x := range c.Concerns {
		if x == t.Concern && t.Concern != "" {
			return true
		}
	}
	return false
}

// Bin is the number of the bin that a time falls into.
func (c *Concentration) Bin(at time.Time) int64 { return at.UnixMilli() / c.Width.Milliseconds() }

// Traits are those of one event.
type Traits struct {
	Key, Concern, Operator string

	Forgeable string // Outside, or ""
}

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
	case ByOrigin:
		return t.Forgeable
	}
	return ""
}

package query

import (
	"cmp"
	"context"
	"harvester/parse/bounce"
	"slices"
	"strings"
	"time"
)

// Facet narrows failures to a receiver, a reason, a stream; what is nil is not
// asked for.
type Facet struct {
	Receiver *string
	Reason   *bounce.Reason
	Stream   *string // "" is what no stream is known of
}

// Facets are the failures of a facet, day by day, and by what else they have in
// common.
type Facets struct {
	Days      []map[bounce.Class]int // between the midnights
	Receivers []Tallied
	Reasons   []Tallied
	Streams   []Tallied
	N         int
}

// Tallied is how often something was counted, over all and on the last day.
type Tallied struct {
	Name    string
	N       int
	LastDay int
}

// Facets counts the failures of a facet within the days between midnights.
func (c *Calendar) Facets(ctx context.Context, f Facet, midnights []time.Time) (out Facets, err error) {
	out.Days = make([]map[bounce.Class]int, len(midnights)-1)
	for i := range out.Days {
		out.Days[i] = map[bounce.Class]int{}
	}
	receivers, reasons, streams := numbered{}, numbered{}, numbered{}
	last := len(out.Days) - 1
	err = c.look(ctx, func(g *gathering) error {
		err := c.eachCell(g, midnights, func(day int, x cell) {
			if f.Receiver != nil && c.names[x.receiver] != *f.Receiver || f.Reason != nil && x.reason != *f.Reason || f.Stream != nil && c.names[x.stream] != *f.Stream {
				return
			}
			n := int(x.n)
			out.Days[day][x.reason.Class(bounce.Failed)] += n
			out.N += n
			receivers.add(x.receiver, n, day == last)
			reasons.add(uint32(x.reason), n, day == last)
			streams.add(x.stream, n, day == last)
		})
		name := func(n uint32) string { return c.names[n] }
		out.Receivers, out.Streams = receivers.ranked(name), streams.ranked(name)
		out.Reasons = reasons.ranked(func(n uint32) string { return bounce.Reason(n).String() }) //nolint:gosec // it was one
		return err
	})
	return out, err
}

// numbered counts by the numbers of names.
type numbered map[uint32]*Tallied

func (t numbered) add(number uint32, n int, lastDay bool) {
	x := t[number]
	if x == nil {
		x = &Tallied{}
		t[number] = x
	}
	if x.N += n; lastDay {
		x.LastDay += n
	}
}

// ranked sorts a tally, most first.
func (t numbered) ranked(name func(uint32) string) []Tallied {
	out := make([]Tallied, 0, len(t))
	for number, x := range t {
		x.Name = name(number)
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Tallied) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name)) })
	return out
}

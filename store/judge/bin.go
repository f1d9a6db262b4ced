package judge

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// bin is one stretch of time of one subject of a concentration, in which its
// distinct members are counted.
type bin struct {
	kind    policy.WindowKind
	subject string
	at      int64 // in widths of the kind since 1970
}

func compareBins(a, b bin) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject), cmp.Compare(a.at, b.at))
}

// growth is how a bin changed: by the members that new events put into it or,
// where stored events were moved or judged anew, in ways that ask for a count.
type growth struct {
	joined map[string]bool
	anew   bool
}

// eachBin calls f for the bins that an event stands in, with what it counts as
// there.
func eachBin(p facts.Place, f func(c *policy.Concentration, b bin, member string)) {
	all := policy.Concentrations()
	for i := range all {
		c := &all[i]
		if !c.Counts(p.Traits) {
			continue
		}
		if subject := p.Of(c.Subject); subject != "" {
			f(c, bin{c.Kind, subject, p.At / c.Width.Milliseconds()}, p.Of(c.Member))
		}
	}
}

// touchedBins are the bins that changed with what was stored.
func (w *Judging) touchedBins() map[bin]*growth {
	bins := map[bin]*growth{}
	at := func(b bin) *growth {
		if bins[b] == nil {
			bins[b] = &growth{joined: map[string]bool{}}
		}
		return bins[b]
	}
	for _, p := range w.Touched.New {
		eachBin(p, func(_ *policy.Concentration, b bin, member string) { at(b).joined[member] = true })
	}
	for _, p := range w.Touched.Moved {
		eachBin(p, func(_ *policy.Concentration, b bin, _ string) { at(b).anew = true })
	}
	return bins
}

const (
	// selectPlaces finds the bins that some addresses stood in before an event.
	selectPlaces = `SELECT e.key, e.concern, e.operator, e.forgeable, e.at FROM json_each(?) k CROSS JOIN events e ON e.key = k.value
 WHERE e.id < ? AND e.concern || e.forgeable <> ''`
	putBin  = `INSERT INTO bins (kind, subject, bin, n) VALUES (?,?,?,?) ON CONFLICT (kind, subject, bin) DO UPDATE SET n = excluded.n`
	growBin = `INSERT INTO bins (kind, subject, bin, n) VALUES (?,?,?,?) ON CONFLICT (kind, subject, bin) DO UPDATE SET n = bins.n + excluded.n RETURNING n`
)

// count brings changed bins up to date and returns how much is in them.
// What new events add is found by looking for their addresses, not by counting
// all that failed in that hour: a day with a million failures is no slower
// than others.
func (w *Judging) count(bins map[bin]*growth) (map[bin]int, error) {
	counts := map[bin]int{}
	if err := w.countAnew(bins, counts); err != nil {
		return nil, err
	}
	if err := w.dropKnown(bins); err != nil {
		return nil, err
	}
	sorted := slices.SortedFunc(maps.Keys(bins), compareBins)
	var asks []engine.Ask
	for _, b := range sorted {
		if g := bins[b]; !g.anew && len(g.joined) > 0 {
			asks = append(asks, engine.Ask{Query: growBin, Args: []any{string(b.kind), b.subject, b.at, len(g.joined)}})
		}
	}
	if err := w.Ahead(asks...); err != nil {
		return nil, err
	}
	for _, b := range sorted {
		g := bins[b]
		if g.anew {
			if _, err := w.Exec(putBin, string(b.kind), b.subject, b.at, counts[b]); err != nil {
				return nil, err
			}
			continue
		}
		if len(g.joined) == 0 {
			continue
		}
		var n int
		if err := w.Row(growBin, []any{string(b.kind), b.subject, b.at, len(g.joined)}, &n); err != nil {
			return nil, err
		}
		counts[b] = n
	}
	return counts, nil
}

// countAnew counts what is in the bins that growth doesn't tell.
func (w *Judging) countAnew(bins map[bin]*growth, counts map[bin]int) error {
	anew := map[policy.WindowKind][][2]any{}
	for b, g := range bins {
		if g.anew {
			anew[b.kind] = append(anew[b.kind], [2]any{b.subject, b.at})
		}
	}
	var kinds []policy.WindowKind
	var asks []engine.Ask
	for kind, all := range anew {
		c, _ := policy.Concentrated(kind)
		for some := range slices.Chunk(all, 1000) {
			array, err := json.Marshal(some)
			if err != nil {
				return err
			}
			kinds, asks = append(kinds, kind), append(asks, engine.Ask{Query: countBins(&c), Args: []any{string(array)}})
		}
	}
	return w.askAll(asks, func(i int, rows *sql.Rows) error {
		b := bin{kind: kinds[i]}
		var n int
		err := rows.Scan(&b.subject, &b.at, &n)
		counts[b] = n
		return err
	})
}

// askAll asks questions, in one round trip, and calls f for each row of each.
func (w *Judging) askAll(asks []engine.Ask, f func(i int, rows *sql.Rows) error) error {
	if err := w.Ahead(asks...); err != nil {
		return err
	}
	for i, a := range asks {
		rows, err := w.Query(a.Query, a.Args...)
		if err == nil {
			err = engine.Each(rows, func(rows *sql.Rows) error { return f(i, rows) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropKnown removes from what joined the bins what stood in them before.
func (w *Judging) dropKnown(bins map[bin]*growth) error {
	keys := map[string]bool{}
	var asks []engine.Ask
	var of []*growth // whose members each question is about; nil: the bins of addresses
	for b, g := range bins {
		c, _ := policy.Concentrated(b.kind)
		switch {
		case g.anew:
		case c.Member == policy.ByKey:
			maps.Copy(keys, g.joined)
		default:
			array, err := json.Marshal(slices.Sorted(maps.Keys(g.joined)))
			if err != nil {
				return err
			}
			width := c.Width.Milliseconds()
			asks = append(asks, engine.Ask{Query: membersBefore(&c), Args: []any{string(array), b.subject, b.at * width, (b.at + 1) * width, w.Touched.First}})
			of = append(of, g)
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(keys)), 1000) {
		array, err := json.Marshal(some)
		if err != nil {
			return err
		}
		asks, of = append(asks, engine.Ask{Query: selectPlaces, Args: []any{string(array), w.Touched.First}}), append(of, nil)
	}
	return w.askAll(asks, func(i int, rows *sql.Rows) error {
		if g := of[i]; g != nil {
			var member string
			err := rows.Scan(&member)
			delete(g.joined, member)
			return err
		}
		var p facts.Place
		err := rows.Scan(&p.Key, &p.Concern, &p.Operator, &p.Forgeable, &p.At)
		eachBin(p, func(c *policy.Concentration, b bin, member string) {
			if g := bins[b]; g != nil && c.Member == policy.ByKey {
				delete(g.joined, member)
			}
		})
		return err
	})
}

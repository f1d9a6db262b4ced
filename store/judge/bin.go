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
	all := policy.Concentrations()
	for i := range all {
		if err := w.countAnew(&all[i], bins, counts); err != nil {
			return nil, err
		}
	}
	if err := w.dropKnown(bins); err != nil {
		return nil, err
	}
	for _, b := range slices.SortedFunc(maps.Keys(bins), compareBins) {
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

// countAnew counts what is in the bins of one kind that growth doesn't tell.
func (w *Judging) countAnew(c *policy.Concentration, bins map[bin]*growth, counts map[bin]int) error {
	var ask [][2]any
	for b, g := range bins {
		if b.kind == c.Kind && g.anew {
			ask = append(ask, [2]any{b.subject, b.at})
		}
	}
	for some := range slices.Chunk(ask, 1000) {
		array, err := json.Marshal(some)
		if err != nil {
			return err
		}
		rows, err := w.Query(countBins(c), string(array))
		if err != nil {
			return err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			b := bin{kind: c.Kind}
			var n int
			err := rows.Scan(&b.subject, &b.at, &n)
			counts[b] = n
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropKnown removes from what joined the bins what stood in them before.
func (w *Judging) dropKnown(bins map[bin]*growth) error {
	keys := map[string]bool{}
	for b, g := range bins {
		c, _ := policy.Concentrated(b.kind)
		switch {
		case g.anew:
		case c.Member == policy.ByKey:
			maps.Copy(keys, g.joined)
		default:
			if err := w.dropMembers(&c, b, g.joined); err != nil {
				return err
			}
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(keys)), 1000) {
		array, err := json.Marshal(some)
		if err != nil {
			return err
		}
		rows, err := w.Query(selectPlaces, string(array), w.Touched.First)
		if err != nil {
			return err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var p facts.Place
			err := rows.Scan(&p.Key, &p.Concern, &p.Operator, &p.Forgeable, &p.At)
			eachBin(p, func(c *policy.Concentration, b bin, member string) {
				if g := bins[b]; g != nil && c.Member == policy.ByKey {
					delete(g.joined, member)
				}
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropMembers asks for the members of one bin.
func (w *Judging) dropMembers(c *policy.Concentration, b bin, joined map[string]bool) error {
	array, err := json.Marshal(slices.Sorted(maps.Keys(joined)))
	if err != nil {
		return err
	}
	width := c.Width.Milliseconds()
	rows, err := w.Query(membersBefore(c), string(array), b.subject, b.at*width, (b.at+1)*width, w.Touched.First)
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var member string
		err := rows.Scan(&member)
		delete(joined, member)
		return err
	})
}

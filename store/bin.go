package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"harvester/store/policy"
)

// bin is one place where distinct things are counted: addresses, or for
// policy.OwnPath operators.
type bin struct {
	kind    policy.WindowKind
	subject string
	at      int64 // in widths of the kind since 1970
}

func compareBins(a, b bin) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject), cmp.Compare(a.at, b.at))
}

// growth is how a bin changed: by the things that new events put into it or,
// where stored events were moved or judged anew, in ways that ask for a count.
type growth struct {
	joined map[string]bool
	anew   bool
}

// binsOf are the bins of an event.
func binsOf(concern, operator, domain string, at int64) []bin {
	var out []bin
	for kind, subject := range policy.Subjects(concern, operator, domain) {
		if subject != "" {
			out = append(out, bin{kind, subject, at / policy.Width(kind).Milliseconds()})
		}
	}
	return out
}

// member is what an event counts as in a bin.
func (b bin) member(key, operator string) string {
	if b.kind == policy.OwnPath {
		return operator
	}
	return key
}

// join puts a new event into its bins.
func (w *writing) join(key, concern, operator string, at int64) {
	for _, b := range binsOf(concern, operator, policy.Domain(key), at) {
		g := w.bins[b]
		if g == nil {
			g = &growth{joined: map[string]bool{}}
			w.bins[b] = g
		}
		g.joined[b.member(key, operator)] = true
	}
}

// note marks the bins of a stored event as changed.
func (w *writing) note(concern, operator, domain string, at int64) {
	for _, b := range binsOf(concern, operator, domain, at) {
		w.bins[b] = &growth{anew: true, joined: map[string]bool{}}
	}
}

// countBins is, for each kind, how the bins of some times are counted. The
// parameter is a JSON array of times.
var countBins = map[policy.WindowKind]string{
	policy.Outage: `SELECT operator, t.value, count(DISTINCT e.key) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('unknown', '5.4.1') AND at >= t.value * 3600000 AND at < (t.value + 1) * 3600000 GROUP BY 1, 2`,
	policy.DomainDown: `SELECT domain, t.value, count(DISTINCT e.key) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= t.value * 86400000 AND at < (t.value + 1) * 86400000 GROUP BY 1, 2`,
	policy.OwnPath: `SELECT concern, t.value, count(DISTINCT operator) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= t.value * 86400000 AND at < (t.value + 1) * 86400000 GROUP BY 1, 2`,
}

const (
	// selectPlaces finds the bins that some addresses stood in before an event.
	selectPlaces = `SELECT e.key, e.concern, e.operator, e.at FROM json_each(?) k CROSS JOIN events e ON e.key = k.value
 WHERE e.id < ? AND e.concern <> ''`
	// selectOperators finds which of some operators were there before an event.
	selectOperators = `SELECT o.value FROM json_each(?) o WHERE EXISTS (SELECT 1 FROM events WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown')
  AND concern = ? AND operator = o.value AND at >= ? AND at < ? AND id < ?)`
	putBin  = `INSERT OR REPLACE INTO bins (kind, subject, bin, n) VALUES (?,?,?,?)`
	growBin = `INSERT INTO bins (kind, subject, bin, n) VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n RETURNING n`
)

// count brings the changed bins up to date and returns how much is in them.
// What new events add is found by looking for their addresses, not by counting
// all that failed in that hour: a day with a million failures is no slower
// than others.
func (w *writing) count() (map[bin]int, error) {
	counts := map[bin]int{}
	for _, kind := range []policy.WindowKind{policy.Outage, policy.DomainDown, policy.OwnPath} {
		if err := w.countAnew(kind, counts); err != nil {
			return nil, err
		}
	}
	if err := w.dropKnown(); err != nil {
		return nil, err
	}
	for _, b := range slices.SortedFunc(maps.Keys(w.bins), compareBins) {
		g := w.bins[b]
		if g.anew {
			if _, err := w.exec(w.db.stmts.putBin, string(b.kind), b.subject, b.at, counts[b]); err != nil {
				return nil, err
			}
			continue
		}
		if len(g.joined) == 0 {
			continue
		}
		var n int
		if err := w.bound(w.db.stmts.growBin).QueryRowContext(w.ctx, string(b.kind), b.subject, b.at, len(g.joined)).Scan(&n); err != nil {
			return nil, err
		}
		counts[b] = n
	}
	return counts, nil
}

// countAnew counts what is in the bins of one kind that growth doesn't tell.
func (w *writing) countAnew(kind policy.WindowKind, counts map[bin]int) error {
	times := map[int64]bool{}
	for b, g := range w.bins {
		if b.kind == kind && g.anew {
			counts[b] = 0
			times[b.at] = true
		}
	}
	if len(times) == 0 {
		return nil
	}
	array, err := json.Marshal(slices.Sorted(maps.Keys(times)))
	if err != nil {
		return err
	}
	rows, err := w.tx.QueryContext(w.ctx, countBins[kind], string(array))
	if err != nil {
		return err
	}
	return scan(rows, func(rows *sql.Rows) error {
		b := bin{kind: kind}
		var n int
		err := rows.Scan(&b.subject, &b.at, &n)
		if _, asked := counts[b]; asked {
			counts[b] = n
		}
		return err
	})
}

// dropKnown removes from what joined the bins what stood in them before.
func (w *writing) dropKnown() error {
	keys := map[string]bool{}
	for b, g := range w.bins {
		switch {
		case g.anew:
		case b.kind == policy.OwnPath:
			if err := w.dropOperators(b, g.joined); err != nil {
				return err
			}
		default:
			maps.Copy(keys, g.joined)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	array, err := json.Marshal(slices.Sorted(maps.Keys(keys)))
	if err != nil {
		return err
	}
	rows, err := w.query(w.db.stmts.places, string(array), w.firstEvent)
	if err != nil {
		return err
	}
	return scan(rows, func(rows *sql.Rows) error {
		var key, concern, operator string
		var at int64
		err := rows.Scan(&key, &concern, &operator, &at)
		for _, b := range binsOf(concern, operator, policy.Domain(key), at) {
			if g := w.bins[b]; g != nil && b.kind != policy.OwnPath {
				delete(g.joined, key)
			}
		}
		return err
	})
}

func (w *writing) dropOperators(b bin, joined map[string]bool) error {
	array, err := json.Marshal(slices.Sorted(maps.Keys(joined)))
	if err != nil {
		return err
	}
	width := policy.Width(b.kind).Milliseconds()
	rows, err := w.query(w.db.stmts.operators, string(array), b.subject, b.at*width, (b.at+1)*width, w.firstEvent)
	if err != nil {
		return err
	}
	return scan(rows, func(rows *sql.Rows) error {
		var operator string
		err := rows.Scan(&operator)
		delete(joined, operator)
		return err
	})
}

package judge

import (
	"cmp"
	"maps"
	"slices"

	"harvester/store/engine"
)

// bucket is what rows of the list are counted by.
type bucket struct{ source, state, class string }

func (b bucket) compare(o bucket) int {
	return cmp.Or(cmp.Compare(b.source, o.source), cmp.Compare(b.state, o.state), cmp.Compare(b.class, o.class))
}

// stands notes that a row of the list came, or went.
func (w *Judging) stands(r row, by int) {
	if w.standing == nil {
		w.standing = map[bucket]int{}
	}
	w.standing[bucket{r.source, r.state, r.class}] += by
}

// writeStanding writes how many more or fewer rows the list has.
func (w *Judging) writeStanding() error {
	maps.DeleteFunc(w.standing, func(_ bucket, n int) bool { return n == 0 })
	rows := make([]standing, 0, len(w.standing))
	for _, b := range slices.SortedFunc(maps.Keys(w.standing), bucket.compare) {
		rows = append(rows, standing{b, w.standing[b]})
	}
	clear(w.standing)
	return addStanding.Rows(w.Tx, rows)
}

type standing struct {
	bucket
	n int
}

var addStanding = engine.Insert[standing]{Table: "standing", Columns: []engine.Column[standing]{
	{Name: "source", Of: func(s *standing) any { return s.source }},
	{Name: "state", Of: func(s *standing) any { return s.state }},
	{Name: "class", Of: func(s *standing) any { return s.class }},
	{Name: "n", Of: func(s *standing) any { return s.n }},
}, Conflict: "ON CONFLICT (source, state, class) DO UPDATE SET n = standing.n + excluded.n"}

// recountList counts the list anew: what was damaged from outside is not only
// decided anew.
func (w *Judging) recountList() error {
	if _, err := w.Exec(`DELETE FROM standing`); err != nil {
		return err
	}
	_, err := w.Exec(`INSERT INTO standing (source, state, class, n) SELECT source, state, class, count(*) FROM suppressions GROUP BY source, state, class`)
	return err
}

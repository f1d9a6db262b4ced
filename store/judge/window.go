package judge

import (
	"context"
	"database/sql"
	"encoding/json"
	"harvester/store/engine"
	"harvester/store/policy"
	"maps"
	"math"
	"slices"
	"time"
)

// concentrate counts what was touched, and adds the addresses for which a
// window opened, moved or closed to those that are to be decided again.
func (w *Judging) concentrate() error {
	bins := w.touchedBins()
	if len(bins) == 0 {
		return nil
	}
	counts, err := w.count(bins)
	if err != nil {
		return err
	}
	if err := w.loadWindows(); err != nil {
		return err
	}
	changed, subjects := map[bin]bool{}, map[bin]bool{} // with at = 0
	for b, n := range counts {
		c, _ := policy.Concentrated(b.kind)
		whole := bin{b.kind, b.subject, 0}
		changed[whole] = true
		if n >= c.Least {
			subjects[whole] = true
		}
	}
	for _, win := range w.windows {
		// Its baseline, or the count that made it, may have changed.
		if whole := (bin{win.Kind, win.Subject, 0}); changed[whole] {
			subjects[whole] = true
		}
	}
	if err := w.followers(counts, subjects); err != nil {
		return err
	}
	var asks []engine.Ask
	for s := range subjects {
		asks = append(asks, engine.Ask{Query: selectBins, Args: []any{string(s.kind), s.subject}})
	}
	if err := w.Ahead(asks...); err != nil {
		return err
	}
	var moved []policy.Window
	for _, s := range slices.SortedFunc(maps.Keys(subjects), compareBins) {
		some, err := w.rewindow(s.kind, s.subject)
		if err != nil {
			return err
		}
		moved = append(moved, some...)
	}
	return w.within(moved, w.Touched.Keys)
}

// followers adds the subjects whose later bins may be bursts now: what came in
// late, or was moved, changes what is usual for the four weeks behind it.
func (w *Judging) followers(counts map[bin]int, subjects map[bin]bool) error {
	later := map[policy.WindowKind][][3]any{}
	for b := range counts {
		c, _ := policy.Concentrated(b.kind)
		if c.Effect != policy.Waits && !subjects[bin{b.kind, b.subject, 0}] {
			later[b.kind] = append(later[b.kind], [3]any{b.subject, b.at, b.at + int64((policy.Memory+24*time.Hour)/c.Width)})
		}
	}
	var kinds []policy.WindowKind
	var asks []engine.Ask
	for kind, ranges := range later {
		array, err := json.Marshal(ranges)
		if err != nil {
			return err
		}
		c, _ := policy.Concentrated(kind)
		kinds, asks = append(kinds, kind), append(asks, engine.Ask{Query: selectFollowers, Args: []any{string(array), string(kind), c.Least}})
	}
	return w.askAll(asks, func(i int, rows *sql.Rows) error {
		var subject string
		err := rows.Scan(&subject)
		subjects[bin{kinds[i], subject, 0}] = true
		return err
	})
}

const selectFollowers = `SELECT DISTINCT k.value ->> 0 FROM json_each(?) k WHERE EXISTS (SELECT 1 FROM bins b
 WHERE b.kind = ? AND b.subject = k.value ->> 0 AND b.bin > CAST(k.value ->> 1 AS INTEGER) AND b.bin <= CAST(k.value ->> 2 AS INTEGER) AND b.n >= ?)`

const selectBins = `SELECT bin, n FROM bins WHERE kind = ? AND subject = ? AND n > 0 ORDER BY bin`

// rewindow finds the windows of one subject anew, and returns those that came,
// moved or went.
func (w *Judging) rewindow(kind policy.WindowKind, subject string) (moved []policy.Window, err error) {
	c, _ := policy.Concentrated(kind)
	rows, err := w.Query(selectBins, string(kind), subject)
	if err != nil {
		return nil, err
	}
	var bins []policy.Bin
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var at int64
		var n int
		err := rows.Scan(&at, &n)
		bins = append(bins, policy.Bin{Start: time.UnixMilli(at * c.Width.Milliseconds()).UTC(), N: n})
		return err
	})
	if err != nil {
		return nil, err
	}
	now := policy.Windows(&c, subject, bins)
	mine := func(x policy.Window) bool { return x.Kind == kind && x.Subject == subject }
	var was, rest []policy.Window
	for _, x := range w.windows {
		if mine(x) {
			was = append(was, x)
		} else {
			rest = append(rest, x)
		}
	}
	if slices.Equal(now, was) {
		return nil, nil
	}
	if _, err := w.Exec(`DELETE FROM windows WHERE kind = ? AND subject = ?`, string(kind), subject); err != nil {
		return nil, err
	}
	if err := insertWindows.Rows(w.Tx, now); err != nil {
		return nil, err
	}
	w.windows = append(rest, now...)
	return movedWindows(was, now), nil
}

// within adds the addresses with an event in one of some windows.
func (w *Judging) within(windows []policy.Window, keys map[string]bool) error {
	asks := make([]engine.Ask, len(windows))
	for i := range windows {
		x := &windows[i]
		c, _ := policy.Concentrated(x.Kind)
		asks[i] = engine.Ask{Query: addressesIn(&c), Args: []any{x.Subject, x.Start.UnixMilli(), x.Until.UnixMilli()}}
	}
	return w.askAll(asks, func(_ int, rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

// loadWindows reads the windows and what was decided about them, once.
func (w *Judging) loadWindows() error {
	if w.windowsLoaded {
		return nil
	}
	var err error
	w.windows, w.rulings, err = ReadWindows(w.Ctx, w.SQL)
	w.windowsLoaded = err == nil
	return err
}

const (
	selectWindows = `SELECT kind, subject, start, ends, until, peak, baseline FROM windows ORDER BY kind, subject, start`
	selectRulings = `SELECT kind, subject, start, ends, act = 'release' FROM rulings ORDER BY id DESC`
)

// ReadWindows reads all windows, and what was decided about them, the latest first.
func ReadWindows(ctx context.Context, q engine.Querier) (windows []policy.Window, rulings []policy.Ruling, err error) {
	rows, err := q.QueryContext(ctx, selectWindows)
	if err != nil {
		return nil, nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var x policy.Window
		err := rows.Scan(&x.Kind, &x.Subject, engine.When(&x.Start), engine.When(&x.End), engine.When(&x.Until), &x.Peak, &x.Baseline)
		windows = append(windows, x)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	// The latest decision first: it holds.
	if rows, err = q.QueryContext(ctx, selectRulings); err != nil {
		return nil, nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var r policy.Ruling
		err := rows.Scan(&r.Kind, &r.Subject, engine.When(&r.Start), engine.When(&r.End), &r.Release)
		rulings = append(rulings, r)
		return err
	})
	return windows, rulings, err
}

// allWindows finds the windows of all subjects in one pass over the events of a
// table up to a time. In memory are the windows, and the bins of one subject.
func allWindows(q engine.Reader, table string, now time.Time) ([]policy.Window, error) {
	var windows []policy.Window
	all := policy.Concentrations()
	for i := range all {
		c := &all[i]
		rows, err := q.Query(countAll(c, table), now.UnixMilli())
		if err != nil {
			return nil, err
		}
		var bins []policy.Bin
		subject, last := "", ""
		ends := func() {
			windows = append(windows, policy.Windows(c, last, bins)...)
			last, bins = subject, bins[:0]
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var at int64
			var n int
			err := rows.Scan(&subject, &at, &n)
			if subject != last {
				ends()
			}
			bins = append(bins, policy.Bin{Start: time.UnixMilli(at * c.Width.Milliseconds()).UTC(), N: n})
			return err
		})
		if err != nil {
			return nil, err
		}
		ends()
	}
	return windows, nil
}

// recount counts all bins anew, and writes them and the windows. It returns
// the windows that were not there before, and those that are no more.
func (w *Judging) recount() (moved []policy.Window, err error) {
	if err := w.loadWindows(); err != nil {
		return nil, err
	}
	if _, err := w.Exec(`DELETE FROM bins`); err != nil {
		return nil, err
	}
	all := policy.Concentrations()
	for i := range all {
		query := `INSERT INTO bins (kind, subject, bin, n) SELECT '` + string(all[i].Kind) + `', c.* FROM (` + countAll(&all[i], "events") + `) c`
		if _, err := w.Exec(query, int64(math.MaxInt64)); err != nil {
			return nil, err
		}
	}
	now, err := allWindows(w.Tx, "events", time.UnixMilli(math.MaxInt64))
	if err != nil {
		return nil, err
	}
	if _, err := w.Exec(`DELETE FROM windows`); err != nil {
		return nil, err
	}
	if err := insertWindows.Rows(w.Tx, now); err != nil {
		return nil, err
	}
	moved = movedWindows(w.windows, now)
	w.windows = now
	return moved, nil
}

// movedWindows are those of one list that are not in the other, and the other
// way round. How high a burst was makes no difference to its events.
func movedWindows(was, now []policy.Window) (moved []policy.Window) {
	type span struct {
		kind         policy.WindowKind
		subject      string
		start, until int64
	}
	of := func(x *policy.Window) span { return span{x.Kind, x.Subject, x.Start.UnixMilli(), x.Until.UnixMilli()} }
	for _, pair := range [][2][]policy.Window{{was, now}, {now, was}} {
		other := map[span]bool{}
		for i := range pair[1] {
			other[of(&pair[1][i])] = true
		}
		for i := range pair[0] {
			if !other[of(&pair[0][i])] {
				moved = append(moved, pair[0][i])
			}
		}
	}
	return moved
}

var insertWindows = engine.Insert[policy.Window]{Table: "windows", Columns: []engine.Column[policy.Window]{
	{Name: "kind", Of: func(x *policy.Window) any { return string(x.Kind) }},
	{Name: "subject", Of: func(x *policy.Window) any { return x.Subject }},
	{Name: "start", Of: func(x *policy.Window) any { return x.Start.UnixMilli() }},
	{Name: "ends", Of: func(x *policy.Window) any { return x.End.UnixMilli() }},
	{Name: "until", Of: func(x *policy.Window) any { return x.Until.UnixMilli() }},
	{Name: "peak", Of: func(x *policy.Window) any { return x.Peak }},
	{Name: "baseline", Of: func(x *policy.Window) any { return x.Baseline }},
}}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"harvester/store/policy"
)

// bin is one place where distinct things are counted.
type bin struct {
	kind    policy.WindowKind
	subject string
	at      int64 // in widths of the kind since 1970
}

// countBins is, for each kind, how the bins of some times are counted. The
// parameter is a JSON array of bins.
var countBins = map[policy.WindowKind]string{
	policy.Outage: `SELECT operator, t.value, count(DISTINCT e.key) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('unknown', '5.4.1') AND at >= t.value * 3600000 AND at < (t.value + 1) * 3600000 GROUP BY 1, 2`,
	policy.DomainDown: `SELECT domain, t.value, count(DISTINCT e.key) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= t.value * 86400000 AND at < (t.value + 1) * 86400000 GROUP BY 1, 2`,
	policy.OwnPath: `SELECT concern, t.value, count(DISTINCT operator) FROM json_each(?) t CROSS JOIN events e
  WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= t.value * 86400000 AND at < (t.value + 1) * 86400000 GROUP BY 1, 2`,
}

// inWindow finds the addresses with an event in a window.
var inWindow = map[policy.WindowKind]string{
	policy.Outage:     `SELECT DISTINCT key FROM events WHERE concern IN ('unknown', '5.4.1') AND at >= ? AND at < ? AND operator = ?`,
	policy.DomainDown: `SELECT DISTINCT key FROM events WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= ? AND at < ? AND domain = ?`,
	policy.OwnPath:    `SELECT DISTINCT key FROM events WHERE at >= ? AND at < ? AND concern = ?`,
}

// note marks the bins of an event as changed.
func (w *writing) note(concern, operator, domain string, at int64) {
	for kind, subject := range policy.Subjects(concern, operator, domain) {
		if subject == "" {
			continue
		}
		w.bins[bin{kind, subject, at / policy.Width(kind).Milliseconds()}] = true
	}
}

// regard counts the changed bins anew and adds the addresses for which a
// window opened, moved or closed to those that are to be decided again.
func (w *writing) regard(touched map[string]bool) error {
	if len(w.bins) == 0 {
		return nil
	}
	subjects := map[bin]bool{} // with at = 0
	for _, kind := range []policy.WindowKind{policy.Outage, policy.DomainDown, policy.OwnPath} {
		if err := w.recount(kind, subjects); err != nil {
			return err
		}
	}
	if err := w.loadWindows(); err != nil {
		return err
	}
	for _, win := range w.windows {
		// Its baseline, or the count that made it, may have changed.
		for b := range w.bins {
			if b.kind == win.Kind && b.subject == win.Subject {
				subjects[bin{win.Kind, win.Subject, 0}] = true
				break
			}
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(subjects), compareBins) {
		if err := w.rewindow(s.kind, s.subject, touched); err != nil {
			return err
		}
	}
	return nil
}

// recount counts the changed bins of one kind and names the subjects with
// enough in one of them for a burst.
func (w *writing) recount(kind policy.WindowKind, subjects map[bin]bool) error {
	counts := map[bin]int{}
	times := map[int64]bool{}
	for b := range w.bins {
		if b.kind == kind {
			counts[b] = 0
			times[b.at] = true
		}
	}
	if len(counts) == 0 {
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
	err = scan(rows, func(rows *sql.Rows) error {
		b := bin{kind: kind}
		var n int
		err := rows.Scan(&b.subject, &b.at, &n)
		if _, changed := counts[b]; changed {
			counts[b] = n
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range slices.SortedFunc(maps.Keys(counts), compareBins) {
		if _, err := w.exec(w.db.stmts.bin, string(b.kind), b.subject, b.at, counts[b]); err != nil {
			return err
		}
		if counts[b] >= policy.Least(kind) {
			subjects[bin{kind, b.subject, 0}] = true
		}
	}
	return nil
}

func compareBins(a, b bin) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject), cmp.Compare(a.at, b.at))
}

// rewindow finds the windows of one subject anew.
func (w *writing) rewindow(kind policy.WindowKind, subject string, touched map[string]bool) error {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT bin, n FROM bins WHERE kind = ? AND subject = ? AND n > 0 ORDER BY bin`, string(kind), subject)
	if err != nil {
		return err
	}
	var bins []policy.Bin
	err = scan(rows, func(rows *sql.Rows) error {
		var at int64
		var n int
		err := rows.Scan(&at, &n)
		bins = append(bins, policy.Bin{Start: time.UnixMilli(at * policy.Width(kind).Milliseconds()).UTC(), N: n})
		return err
	})
	if err != nil {
		return err
	}
	now := policy.Windows(kind, subject, bins)
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
		return nil
	}
	if _, err := w.tx.ExecContext(w.ctx, `DELETE FROM windows WHERE kind = ? AND subject = ?`, string(kind), subject); err != nil {
		return err
	}
	for _, x := range now {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT INTO windows (kind, subject, start, ends, until, peak, baseline) VALUES (?,?,?,?,?,?,?)`,
			string(kind), subject, x.Start.UnixMilli(), x.End.UnixMilli(), x.Until.UnixMilli(), x.Peak, x.Baseline); err != nil {
			return err
		}
	}
	w.windows = append(rest, now...)
	// How high a burst was makes no difference to its events.
	same := func(list []policy.Window, x policy.Window) bool {
		return slices.ContainsFunc(list, func(o policy.Window) bool { return o.Start.Equal(x.Start) && o.Until.Equal(x.Until) })
	}
	for _, x := range append(was, now...) {
		if same(was, x) && same(now, x) {
			continue
		}
		if err := w.within(x, touched); err != nil {
			return err
		}
	}
	return nil
}

// within adds the addresses with an event in a window.
func (w *writing) within(x policy.Window, keys map[string]bool) error {
	rows, err := w.tx.QueryContext(w.ctx, inWindow[x.Kind], x.Start.UnixMilli(), x.Until.UnixMilli(), x.Subject)
	if err != nil {
		return err
	}
	return scan(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

// loadWindows reads the windows and what was decided about them, once.
func (w *writing) loadWindows() error {
	if w.windowsLoaded {
		return nil
	}
	var err error
	w.windows, w.rulings, err = readWindows(w.ctx, w.tx)
	w.windowsLoaded = err == nil
	return err
}

func readWindows(ctx context.Context, q querier) (windows []policy.Window, rulings []policy.Ruling, err error) {
	rows, err := q.QueryContext(ctx, `SELECT kind, subject, start, ends, until, peak, baseline FROM windows ORDER BY kind, subject, start`)
	if err != nil {
		return nil, nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
		var x policy.Window
		err := rows.Scan(&x.Kind, &x.Subject, when{&x.Start}, when{&x.End}, when{&x.Until}, &x.Peak, &x.Baseline)
		windows = append(windows, x)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	// The latest decision first: it holds.
	if rows, err = q.QueryContext(ctx, `SELECT kind, subject, start, ends, act = 'release' FROM rulings ORDER BY id DESC`); err != nil {
		return nil, nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
		var r policy.Ruling
		err := rows.Scan(&r.Kind, &r.Subject, when{&r.Start}, when{&r.End}, &r.Release)
		rulings = append(rulings, r)
		return err
	})
	return windows, rulings, err
}

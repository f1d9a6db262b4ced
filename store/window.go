package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"harvester/store/policy"
)

// inWindow finds the addresses with an event in a window.
var inWindow = map[policy.WindowKind]string{
	policy.Outage:     `SELECT DISTINCT key FROM events WHERE concern IN ('unknown', '5.4.1') AND at >= ? AND at < ? AND operator = ?`,
	policy.DomainDown: `SELECT DISTINCT key FROM events WHERE concern IN ('5.4.1', 'unreachable', 'domain_unknown') AND at >= ? AND at < ? AND domain = ?`,
	policy.OwnPath:    `SELECT DISTINCT key FROM events WHERE at >= ? AND at < ? AND concern = ?`,
}

// regard counts the changed bins anew and adds the addresses for which a
// window opened, moved or closed to those that are to be decided again.
func (w *writing) regard(touched map[string]bool) error {
	if len(w.bins) == 0 {
		return nil
	}
	counts, err := w.count()
	if err != nil {
		return err
	}
	if err := w.loadWindows(); err != nil {
		return err
	}
	changed, subjects := map[bin]bool{}, map[bin]bool{} // with at = 0
	for b, n := range counts {
		whole := bin{b.kind, b.subject, 0}
		changed[whole] = true
		if n >= policy.Least(b.kind) {
			subjects[whole] = true
		}
	}
	for _, win := range w.windows {
		// Its baseline, or the count that made it, may have changed.
		if whole := (bin{win.Kind, win.Subject, 0}); changed[whole] {
			subjects[whole] = true
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(subjects), compareBins) {
		if err := w.rewindow(s.kind, s.subject, touched); err != nil {
			return err
		}
	}
	return nil
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

package judge

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/job"
	"harvester/store/policy"
	"strings"
	"time"
)

// Limits are how much the list may change within an hour, or within one run,
// before the exports stop: a wrong rule must never empty somebody's list over
// night. Zero fields are the defaults.
type Limits struct {
	Added   int `toml:"added"`   // new suppressions that are always fine; default 500
	Domain  int `toml:"domain"`  // new suppressions of one domain that are always fine; default 250
	Gone    int `toml:"gone"`    // removals that are always fine; default 250
	Lifted  int `toml:"lifted"`  // removals by notices of success that are always fine; default 25. Beyond, a tenth of Percent
	Percent int `toml:"percent"` // beyond these, the part of the list that may change; default 20
}

func (l Limits) defaults() Limits {
	l.Added, l.Domain, l.Gone, l.Percent = cmp.Or(l.Added, 500), cmp.Or(l.Domain, 250), cmp.Or(l.Gone, 250), cmp.Or(l.Percent, 20)
	l.Lifted = cmp.Or(l.Lifted, 25)
	return l
}

// Trip is one time that the guard stopped the exports. They stand still, with
// the files as they are, until an operator has acknowledged it.
type Trip struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
	Acked  time.Time `json:"acked,omitzero"`
	Reason string    `json:"reason,omitempty"` // of the release
	Author string    `json:"author,omitempty"`
}

// guard looks at how much the list changed within the last hour, in the run
// that goes on, or since the last release or import of a list. It keeps still as long as nothing
// was ever published or pushed: nobody relies on the list yet.
func (w *Judging) guard() error {
	if w.Out.Added+w.Out.Removed == 0 {
		return nil
	}
	var open, published bool
	var released, begun sql.NullInt64
	hour := w.Now.Add(-time.Hour).UnixMilli()
	err := w.Row(selectGuarded, guarded(w.Now), &open, &released, &published, &begun)
	if err != nil || open || !published {
		return err
	}
	since, within := hour, "within an hour"
	if begun.Valid && begun.Int64 < hour {
		since, within = begun.Int64, "in the run since "+time.UnixMilli(begun.Int64).UTC().Format("15:04 MST")
	}
	since = max(since, released.Int64)
	var size, added, gone, lifted, most int
	var domain string
	sizes, domains := engine.Ask{Query: selectSizes, Args: []any{since, policy.DeliveredSince, w.Now.UnixMilli()}}, engine.Ask{Query: selectDomains, Args: []any{since, w.Now.UnixMilli()}}
	if err := w.Ahead(sizes, domains); err != nil {
		return err
	}
	if err := w.Row(sizes.Query, sizes.Args, &size, &added, &gone, &lifted); err != nil {
		return err
	}
	err = w.Row(domains.Query, domains.Args, &domain, &most)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	before := size - added + gone
	l := w.judge.Limits.defaults()
	limit := func(fine int) int { return max(fine, l.Percent*before/100) }
	var why []string
	if n := limit(l.Added); added > n {
		why = append(why, fmt.Sprintf("%s %s on a list of %d (limit %d)", count.Of(added, "new suppression"), within, before, n))
	}
	if n := limit(l.Domain); most > n {
		why = append(why, fmt.Sprintf("%d of them at %s (limit %d)", most, domain, n))
	}
	if n := limit(l.Gone); gone > n {
		why = append(why, fmt.Sprintf("%s fell away %s from a list of %d (limit %d)", count.Of(gone, "suppression"), within, before, n))
	}
	// A listed address is not mailed, so nothing tells that it lives, but for
	// few. Many at once are somebody's doing.
	if n := max(l.Lifted, l.Percent*before/1000); lifted > n {
		why = append(why, fmt.Sprintf("%s lifted by notices of success %s from a list of %d (limit %d)", count.Of(lifted, "suppression"), within, before, n))
	}
	if why == nil {
		return nil
	}
	w.judge.Log.WarnContext(w.Ctx, "exports stopped by the guard", "why", strings.Join(why, "; "))
	_, err = w.SQL.ExecContext(w.Ctx, `INSERT INTO trips (at, why) VALUES (?, ?)`, w.Now.UnixMilli(), strings.Join(why, "; "))
	return err
}

const (
	selectGuarded = `SELECT EXISTS (SELECT 1 FROM trips WHERE acked IS NULL), (SELECT max(at) FROM (SELECT acked AS at FROM trips UNION ALL SELECT ended FROM imports) WHERE at <= ?),
  EXISTS (SELECT 1 FROM exports WHERE state = 'published') OR EXISTS (SELECT 1 FROM pushed),
  (SELECT min(started) FROM runs WHERE ended IS NULL AND started > ? AND id IN (SELECT max(id) FROM runs WHERE kind IN (?, ?) GROUP BY kind, subject))`
	selectSizes = `SELECT (SELECT CAST(ifnull(sum(n), 0) AS INTEGER) FROM standing WHERE state = 'suppressed'),
  (SELECT count(*) FROM changes WHERE at > ?1 AND at <= ?3 AND ` + Newcomers + `), (SELECT count(*) FROM changes WHERE at > ?1 AND at <= ?3 AND op = 'remove'),
  (SELECT count(*) FROM changes WHERE at > ?1 AND at <= ?3 AND op = 'remove' AND why = ?2)`
	selectDomains = `SELECT domain, count(*) FROM changes WHERE at > ? AND at <= ? AND ` + Newcomers + ` GROUP BY domain ORDER BY 2 DESC, 1 LIMIT 1`
)

// guarded are the values of selectGuarded.
func guarded(now time.Time) []any {
	return []any{now.UnixMilli(), now.Add(-longestRun).UnixMilli(), string(job.Import), string(job.Harvest)}
}

// longestRun is when a run that never ended was cut off by a crash.
const longestRun = 24 * time.Hour

// Tripped returns the trip that keeps the exports still, and false when they
// may go on.
func (db Guard) Tripped(ctx context.Context) (Trip, bool, error) {
	var t Trip
	err := db.Read.QueryRowContext(ctx, `SELECT id, at, why FROM trips WHERE acked IS NULL ORDER BY id LIMIT 1`).Scan(&t.ID, engine.When(&t.At), &t.Why)
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	if err != nil {
		return t, false, fmt.Errorf("reading the guard's state: %w", engine.Explain(err))
	}
	return t, true, nil
}

// MayExport fails with ErrStopped, and says why, while the guard keeps the
// exports still.
func (db Guard) MayExport(ctx context.Context) error {
	t, stopped, err := db.Tripped(ctx)
	if err == nil && stopped {
		err = fmt.Errorf("%w: %s", engine.ErrStopped, t.Why)
	}
	return err
}

// Trips returns every time that the guard stopped the exports, oldest first.
func (db Guard) Trips(ctx context.Context) ([]Trip, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT id, at, why, acked, reason, author FROM trips ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("reading the guard's history: %w", engine.Explain(err))
	}
	var out []Trip
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var t Trip
		err := rows.Scan(&t.ID, engine.When(&t.At), &t.Why, engine.When(&t.Acked), &t.Reason, &t.Author)
		out = append(out, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the guard's history: %w", engine.Explain(err))
	}
	return out, nil
}

// Release lets the exports go on after a trip, with the operator's reason. It
// fails with ErrNotFound when nothing is stopped. Where the clock stopped them,
// it is right from now on.
func (db Guard) Release(ctx context.Context, reason, author string) error {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(author) == "" {
		return errors.New("releasing the exports needs a reason and an author")
	}
	t, _, err := db.Tripped(ctx)
	if err != nil {
		return err
	}
	return db.Transact(ctx, "releasing the exports", func(w *engine.Tx) error {
		if t.OfClock() {
			if err := confirmByHand(w); err != nil {
				return err
			}
		}
		res, err := w.SQL.ExecContext(ctx, `UPDATE trips SET acked = ?, reason = ?, author = ? WHERE acked IS NULL`, w.Now.UnixMilli(), reason, author)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("a stopped export: %w", engine.ErrNotFound))
		}
		return nil
	})
}

package store

import (
	"context"
	"time"
)

// Retention is how long what names people is kept. Facts without names (that a
// message was harvested, when, and what it counted for) stay for good, since
// identity and history follow from them. Zero fields are the defaults.
type Retention struct {
	Raw        time.Duration `json:"raw"`        // originals that nobody understood; default 30 days
	Diagnostic time.Duration `json:"diagnostic"` // reply texts of what no longer suppresses; default 180 days
	Person     time.Duration `json:"person"`     // sender and subject of mail that is no failure; default 30 days
	Runs       time.Duration `json:"runs"`       // runs of jobs; default 90 days
	RawTotal   int64         `json:"raw_total"`  // bytes of all originals together; default 256 MB, oldest go first
}

// Defaults fills in what is not set.
func (r Retention) Defaults() Retention {
	const day = 24 * time.Hour
	for _, f := range []struct {
		to   *time.Duration
		days int
	}{{&r.Raw, 30}, {&r.Diagnostic, 180}, {&r.Person, 30}, {&r.Runs, 90}} {
		if *f.to == 0 {
			*f.to = time.Duration(f.days) * day
		}
	}
	if r.RawTotal == 0 {
		r.RawTotal = 256 << 20
	}
	return r
}

// Pruned says what a run of the retention removed.
type Pruned struct {
	Raws        int `json:"raws"`
	Diagnostics int `json:"diagnostics"`
	Messages    int `json:"messages"` // that no longer name a person
	Runs        int `json:"runs"`
}

// Retain removes what is older than the retention allows. The verdicts stay
// as they are: what a standing suppression rests on is kept with it.
func (db *DB) Retain(ctx context.Context, r Retention) (Pruned, error) {
	r = r.Defaults()
	var p Pruned
	err := db.tx(ctx, "removing what is too old", func(w *writing) error {
		before := func(d time.Duration) int64 { return w.now.Add(-d).UnixMilli() }
		for _, q := range []struct {
			query string
			arg   int64
			n     *int
		}{
			{`DELETE FROM raws WHERE message IN (SELECT id FROM messages WHERE harvested < ?1)`, before(r.Raw), &p.Raws},
			{`DELETE FROM raws WHERE message <= (SELECT message FROM (SELECT message, sum(length(data)) OVER (ORDER BY message DESC) AS total FROM raws) WHERE total > ?1
   ORDER BY message DESC LIMIT 1)`, r.RawTotal, &p.Raws},
			{`UPDATE events SET diagnostic = '', evidence = '' WHERE at < ?1 AND diagnostic <> '' AND id NOT IN (SELECT event FROM suppressions WHERE event IS NOT NULL)`,
				before(r.Diagnostic), &p.Diagnostics},
			{`UPDATE messages SET sender = '', return_path = '', subject = '', notes = '' WHERE at < ?1 AND (sender <> '' OR subject <> '')
   AND kind IN ('none', 'auto_reply', 'receipt', 'challenge', 'notice')`, before(r.Person), &p.Messages},
			{`DELETE FROM runs WHERE started < ?1 AND id NOT IN (SELECT max(id) FROM runs GROUP BY job)
   AND job NOT IN ('replay', 'reclassify')`, before(r.Runs), &p.Runs},
		} {
			res, err := w.tx.ExecContext(w.ctx, q.query, q.arg)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			*q.n += int(n)
		}
		return nil
	})
	return p, err
}

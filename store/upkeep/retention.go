package upkeep

import (
	"context"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"time"
)

// Retention is how long what names people is kept. Facts without names (that a
// message was harvested, when, and what it counted for) stay for good, since
// identity and history follow from them. A zero span keeps for good, too.
type Retention struct {
	Originals policy.Span `toml:"originals" json:"originals"` // of mail that nobody understood
	Replies   policy.Span `toml:"replies" json:"replies"`     // reply texts of what no longer suppresses
	Names     policy.Span `toml:"names" json:"names"`         // sender and subject of mail that is no failure
	Runs      policy.Span `toml:"runs" json:"runs"`           // of jobs, but for those that decided history anew
}

// OriginalsTotal is how many bytes of originals are kept together; the oldest
// go first.
const OriginalsTotal = 256 << 20

// Pruned says what a run of the retention removed.
type Pruned struct {
	Raws        int `json:"raws"`
	Diagnostics int `json:"diagnostics"`
	Messages    int `json:"messages"` // that no longer name a person
	Runs        int `json:"runs"`
}

// Retain removes what is older than the retention allows. The verdicts stay
// as they are: what a standing suppression rests on is kept with it.
func (db Upkeep) Retain(ctx context.Context, r Retention) (Pruned, error) {
	var p Pruned
	err := db.Transact(ctx, "removing what is too old", func(w *engine.Tx) error {
		for _, q := range []struct {
			query string
			keep  policy.Span
			n     *int
		}{
			{`DELETE FROM raws WHERE message IN (SELECT id FROM messages WHERE harvested < ?1)`, r.Originals, &p.Raws},
			{`UPDATE events SET diagnostic = '', evidence = '' WHERE at < ?1 AND diagnostic <> '' AND id NOT IN (SELECT event FROM suppressions WHERE event IS NOT NULL)`,
				r.Replies, &p.Diagnostics},
			{`UPDATE messages SET sender = '', return_path = '', subject = '', notes = '' WHERE at < ?1 AND (sender <> '' OR subject <> '')
   AND kind IN ('none', 'auto_reply', 'receipt', 'challenge', 'notice')`, r.Names, &p.Messages},
			{`DELETE FROM runs WHERE started < ?1 AND id NOT IN (SELECT max(id) FROM runs GROUP BY kind, subject)
   AND kind NOT IN ('` + string(job.Replay) + `', '` + string(job.Reclassify) + `')`, r.Runs, &p.Runs},
		} {
			if q.keep == 0 {
				continue
			}
			res, err := w.SQL.ExecContext(w.Ctx, q.query, w.Now.Add(-q.keep.Of()).UnixMilli())
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			*q.n += int(n)
		}
		if _, err := w.SQL.ExecContext(w.Ctx, `DELETE FROM refreshed WHERE id <= (SELECT max(id) FROM refreshed) - CAST(? AS INTEGER)`, facts.RefreshedKept); err != nil {
			return err
		}
		res, err := w.SQL.ExecContext(w.Ctx, `DELETE FROM raws WHERE message <= (SELECT message FROM (SELECT message, sum(length(data)) OVER (ORDER BY message DESC) AS total FROM raws) sums
  WHERE total > ? ORDER BY message DESC LIMIT 1)`, OriginalsTotal)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		p.Raws += int(n)
		return err
	})
	return p, err
}

// Kept is what the database keeps in one table, and for how long.
type Kept struct {
	Table  string      `json:"table"`
	Holds  string      `json:"holds"`
	For    policy.Span `json:"for"`
	Rows   int         `json:"rows"` // with such content
	Oldest time.Time   `json:"oldest,omitzero"`
}

// Kept lists what is kept under a retention, and how much of it there is.
func (db Upkeep) Kept(ctx context.Context, r Retention) ([]Kept, error) {
	var out []Kept
	for _, k := range []struct {
		table, holds string
		keep         policy.Span
		query        string
	}{
		{"messages", "what was harvested, and when", 0, `SELECT count(*), min(at) FROM messages`},
		{"messages", "who wrote what is no failure", r.Names, `SELECT count(*), min(at) FROM messages WHERE (sender <> '' OR subject <> '')
  AND kind IN ('none', 'auto_reply', 'receipt', 'challenge', 'notice')`},
		{"locators", "where it was found", 0, `SELECT count(*), min(received) FROM locators`},
		{"raws", "originals nobody understood", r.Originals, `SELECT count(*), min(m.harvested) FROM raws r JOIN messages m ON m.id = r.message`},
		{"events", "who failed, and why", 0, `SELECT count(*), min(at) FROM events`},
		{"events", "the words of the replies", r.Replies, `SELECT count(*), min(at) FROM events WHERE diagnostic <> ''`},
		{"suppressions", "the list", 0, `SELECT count(*), min(since) FROM suppressions`},
		{"changes", "what changed on the list", 0, `SELECT count(*), min(at) FROM changes`},
		{"overrides", "the operator's acts", 0, `SELECT count(*), min(at) FROM overrides`},
		{"incident_acts", "acts on incidents", 0, `SELECT count(*), min(at) FROM incident_acts`},
		{"rulings", "decisions about holds", 0, `SELECT count(*), min(at) FROM rulings`},
		{"trips", "stops of the exports", 0, `SELECT count(*), min(at) FROM trips`},
		{"sent", "the send ledger, hashed", policy.Span(facts.LedgerTime), `SELECT count(*), min(at) FROM sent`},
		{"tombstones", "who was forgotten, hashed", 0, `SELECT count(*), min(at) FROM tombstones`},
		{"exports", "what was published", 0, `SELECT count(*), min(at) FROM exports`},
		{"runs", "runs of the jobs", r.Runs, `SELECT count(*), min(started) FROM runs`},
	} {
		row := Kept{Table: k.table, Holds: k.holds, For: k.keep}
		if err := db.Read.QueryRowContext(ctx, k.query).Scan(&row.Rows, engine.When(&row.Oldest)); err != nil {
			return nil, fmt.Errorf("reading what is kept in %s: %w", k.table, engine.Explain(err))
		}
		out = append(out, row)
	}
	return out, nil
}

package facts

import (
	"context"
	"database/sql"
	"harvester/store/engine"
	"time"
)

// KeyRecord is a DKIM key record of a selector of ours, as DNS had it.
type KeyRecord struct {
	Domain, Selector string
	Record           string
	FirstSeen        time.Time
	LastSeen         time.Time
}

// KeyRecords returns all key records that were ever seen, the latest of each
// selector first.
func (db Keys) KeyRecords(ctx context.Context) (out []KeyRecord, err error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT domain, selector, record, first_seen, last_seen FROM dkim_keys ORDER BY domain, selector, last_seen DESC, record`)
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var k KeyRecord
		err := rows.Scan(&k.Domain, &k.Selector, &k.Record, engine.When(&k.FirstSeen), engine.When(&k.LastSeen))
		out = append(out, k)
		return err
	})
	return out, err
}

// SawKeyRecords keeps what DNS has now for a selector. What it had before stays.
func (db Keys) SawKeyRecords(ctx context.Context, domain, selector string, records []string) error {
	if len(records) == 0 {
		return nil
	}
	return db.Transact(ctx, "keeping a DKIM key", func(w *engine.Tx) error {
		for _, r := range records {
			if _, err := w.SQL.ExecContext(ctx, `INSERT INTO dkim_keys (domain, selector, record, first_seen, last_seen) VALUES (?1,?2,?3,?4,?4)
 ON CONFLICT (domain, selector, record) DO UPDATE SET last_seen = CASE WHEN dkim_keys.last_seen > excluded.last_seen THEN dkim_keys.last_seen ELSE excluded.last_seen END`, domain, selector, r, w.Now.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// DNSRecord is what DNS said of the records of a type at a name, for as long as
// it said the same.
type DNSRecord struct {
	Name   string    `json:"name"` // lower case, with its final dot
	Type   string    `json:"type"`
	State  string    `json:"state"`  // found, no_data, nxdomain
	Values []string  `json:"values"` // sorted
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
}

// KeepDNS records what was seen at this moment. What has not changed since the
// latest look makes its stretch longer.
func (db *DB) KeepDNS(ctx context.Context, seen []DNSRecord) error {
	return db.tx(ctx, "keeping DNS records", func(w *writing) error { return w.keepDNS(seen) })
}

// KeepLife is KeepDNS for recipients' domains (LifeType), and judges anew who
// failed as unknown there.
func (db *DB) KeepLife(ctx context.Context, seen []DNSRecord) (Outcome, error) {
	var out Outcome
	err := db.tx(ctx, "keeping how domains are", func(w *writing) error {
		if err := w.keepDNS(seen); err != nil {
			return err
		}
		keys := map[string]bool{}
		for _, r := range seen {
			rows, err := w.tx.QueryContext(ctx, `SELECT DISTINCT key FROM events WHERE reason = 'domain_unknown' AND domain = ?`, strings.TrimSuffix(r.Name, "."))
			if err != nil {
				return err
			}
			err = scan(rows, func(rows *sql.Rows) error {
				var key string
				err := rows.Scan(&key)
				keys[key] = true
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := w.refold(keys); err != nil {
			return err
		}
		out = w.out
		return w.guard()
	})
	return out, err
}

func (w *writing) keepDNS(seen []DNSRecord) error {
	for _, r := range seen {
		if r.Values == nil {
			r.Values = []string{}
		}
		value, err := json.Marshal(r.Values)
		if err != nil {
			return err
		}
		var id int64
		var state, old string
		err = w.tx.QueryRowContext(w.ctx, `SELECT id, state, value FROM dns_records WHERE name = ? AND type = ? ORDER BY last DESC, id DESC LIMIT 1`, r.Name, r.Type).Scan(&id, &state, &old)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && state == r.State && old == string(value):
			_, err = w.tx.ExecContext(w.ctx, `UPDATE dns_records SET last = ? WHERE id = ?`, w.now.UnixMilli(), id)
		default:
			_, err = w.tx.ExecContext(w.ctx, `INSERT INTO dns_records (name, type, state, value, first, last) VALUES (?,?,?,?,?,?)`, r.Name, r.Type, r.State, string(value), w.now.UnixMilli(), w.now.UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DNSHistory is what DNS said since a time, of the records of a type at a name,
// or of all where name is "": the latest first.
func (db *DB) DNSHistory(ctx context.Context, name, typ string, since time.Time) ([]DNSRecord, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT name, type, state, value, first, last FROM dns_records
 WHERE (? = '' OR name = ? AND type = ?) AND last >= ? ORDER BY last DESC, id DESC LIMIT 10000`, name, name, typ, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading DNS records: %w", clear(err))
	}
	var out []DNSRecord
	err = scan(rows, func(rows *sql.Rows) error {
		var r DNSRecord
		var value string
		if err := rows.Scan(&r.Name, &r.Type, &r.State, &value, when{&r.First}, when{&r.Last}); err != nil {
			return err
		}
		out = append(out, r)
		return json.Unmarshal([]byte(value), &out[len(out)-1].Values)
	})
	if err != nil {
		return nil, fmt.Errorf("reading DNS records: %w", clear(err))
	}
	return out, nil
}

// LifeType is the type under which it is kept whether a recipient's domain can
// take mail: state nxdomain when it can't.
const LifeType = "LIFE"

// UnknownDomains are recipients' domains that failed as unknown since a time,
// those with the most addresses first.
func (db *DB) UnknownDomains(ctx context.Context, since time.Time, limit int) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT domain FROM events WHERE reason = 'domain_unknown' AND at >= ? AND proof <> 'none' AND domain <> ''
 GROUP BY domain ORDER BY count(DISTINCT key) DESC, domain LIMIT ?`, since.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("reading the domains that failed: %w", clear(err))
	}
	var out []string
	return out, scan(rows, func(rows *sql.Rows) error {
		var d string
		err := rows.Scan(&d)
		out = append(out, d)
		return err
	})
}

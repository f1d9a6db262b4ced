package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/store/engine"
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
func (db DNS) KeepDNS(ctx context.Context, seen []DNSRecord) error {
	return db.Transact(ctx, "keeping DNS records", func(t *engine.Tx) error { return KeepDNS(t, seen) })
}

// KeepDNS keeps records within a transaction that was begun elsewhere.
func KeepDNS(w *engine.Tx, seen []DNSRecord) error {
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
		err = w.SQL.QueryRowContext(w.Ctx, `SELECT id, state, value FROM dns_records WHERE name = ? AND type = ? ORDER BY last DESC, id DESC LIMIT 1`, r.Name, r.Type).Scan(&id, &state, &old)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && state == r.State && old == string(value):
			_, err = w.SQL.ExecContext(w.Ctx, `UPDATE dns_records SET last = ? WHERE id = ?`, w.Now.UnixMilli(), id)
		default:
			_, err = w.SQL.ExecContext(w.Ctx, `INSERT INTO dns_records (name, type, state, value, first, last) VALUES (?,?,?,?,?,?)`, r.Name, r.Type, r.State, string(value), w.Now.UnixMilli(), w.Now.UnixMilli())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DNSHistory is what DNS said since a time, of the records of a type at a name,
// or of all where name is "": the latest first.
func (db DNS) DNSHistory(ctx context.Context, name, typ string, since time.Time) ([]DNSRecord, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT name, type, state, value, first, last FROM dns_records
 WHERE (? = '' OR name = ? AND type = ?) AND last >= ? ORDER BY last DESC, id DESC LIMIT 10000`, name, name, typ, since.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading DNS records: %w", engine.Explain(err))
	}
	var out []DNSRecord
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var r DNSRecord
		var value string
		if err := rows.Scan(&r.Name, &r.Type, &r.State, &value, engine.When(&r.First), engine.When(&r.Last)); err != nil {
			return err
		}
		out = append(out, r)
		return json.Unmarshal([]byte(value), &out[len(out)-1].Values)
	})
	if err != nil {
		return nil, fmt.Errorf("reading DNS records: %w", engine.Explain(err))
	}
	return out, nil
}

// LifeType is the type under which it is kept whether a recipient's domain can
// take mail: state nxdomain when it can't.
const LifeType = "LIFE"

package fleet

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"harvester/store/engine"
)

// ErrLost says that another worker may hold the lease by now.
var ErrLost = errors.New("another worker has taken over: nothing was changed")

// Clock is the time of the database, in ms.
const Clock = `CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS INTEGER)`

// lease is one that a worker was given.
type lease struct {
	name  string
	epoch int64
}

// check fails with ErrLost unless a worker holds a lease, and keeps others from
// taking it before the transaction ends.
func check(t *engine.Tx, owner string, l lease) error {
	var one int
	err := t.Row(`SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ? FOR KEY SHARE`, []any{l.name, owner, l.epoch}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("the lease %q: %w", l.name, ErrLost)
	}
	return err
}

// owners are those of the leases that are held, by lease.
func owners(q engine.Reader) (map[string]string, error) {
	rows, err := q.Query(`SELECT name, owner FROM leases WHERE owner <> '' AND until > ` + Clock)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var name, owner string
		err := rows.Scan(&name, &owner)
		out[name] = owner
		return err
	})
}

// renew prolongs what a worker holds and returns what that is.
func renew(t *engine.Tx, owner string, by time.Duration) (map[string]int64, error) {
	return leasesOf(t.Query(`UPDATE leases SET until = `+Clock+` + ? WHERE owner = ? RETURNING name, epoch`, by.Milliseconds(), owner))
}

// take gives a worker those of some leases that are free. One whose last owner
// is still in a transaction is not.
func take(t *engine.Tx, owner string, by time.Duration, names []string) (map[string]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	if _, err := t.Exec(`INSERT INTO leases (name, owner, until, epoch) SELECT k.value, '', 0, 0 FROM json_each(?) k WHERE true ON CONFLICT DO NOTHING`, string(list)); err != nil {
		return nil, err
	}
	return leasesOf(t.Query(`UPDATE leases SET owner = ?, until = `+Clock+` + ?, epoch = epoch + 1
 WHERE name IN (SELECT l.name FROM json_each(?) k CROSS JOIN leases l ON l.name = k.value WHERE l.owner = '' OR l.until <= `+Clock+` FOR UPDATE OF l SKIP LOCKED)
 RETURNING name, epoch`, owner, by.Milliseconds(), string(list)))
}

// release gives leases back.
func release(t *engine.Tx, owner string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE leases SET owner = '', until = `+Clock+` WHERE owner = ? AND name IN (SELECT k.value FROM json_each(?) k)`, owner, string(list))
	return err
}

func leasesOf(rows *sql.Rows, err error) (map[string]int64, error) {
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var name string
		var epoch int64
		err := rows.Scan(&name, &epoch)
		out[name] = epoch
		return err
	})
}

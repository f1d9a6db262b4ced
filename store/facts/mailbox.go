package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/harvest"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/job"
	"time"
)

// Cursors returns how far each folder of a mailbox has been accounted for, by
// folder name.
func (db Mailboxes) Cursors(ctx context.Context, mailbox string) (map[string]harvest.Cursor, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT mailbox, folder, uidvalidity, last_uid, state FROM cursors WHERE mailbox = ?`, mailbox)
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", mailbox, engine.Explain(err))
	}
	out := map[string]harvest.Cursor{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var c harvest.Cursor
		err := rows.Scan(&c.Mailbox, &c.Folder, &c.UIDValidity, &c.LastUID, &c.State)
		out[c.Folder] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", mailbox, engine.Explain(err))
	}
	return out, nil
}

// Unsettled is a stored message for which something other than keeping it was
// decided, and is not yet carried out.
type Unsettled struct {
	harvest.Locator
	Kind bounce.Kind
}

// Unsettled returns what is left to settle in a mailbox, by folder and UID. What
// is to be deleted is among it only when it was stored at a time or before.
func (db Mailboxes) Unsettled(ctx context.Context, mailbox string, deletedFrom time.Time) ([]Unsettled, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT l.mailbox, l.folder, l.uidvalidity, l.uid, l.name, m.kind FROM locators l
 JOIN messages m ON m.id = l.message
 WHERE l.mailbox = ? AND l.settled IS NULL AND l.disposition <> 'keep' AND l.state = 'stored' AND (l.disposition <> 'delete' OR m.harvested <= ?)
 ORDER BY l.folder, l.uidvalidity, l.uid, l.name`, mailbox, deletedFrom.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("reading what to settle in %s: %w", mailbox, engine.Explain(err))
	}
	var out []Unsettled
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var u Unsettled
		var kind string
		if err := rows.Scan(&u.Mailbox, &u.Folder, &u.UIDValidity, &u.UID, &u.Name, &kind); err != nil {
			return err
		}
		if err := u.Kind.UnmarshalText([]byte(kind)); err != nil {
			return err
		}
		out = append(out, u)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what to settle in %s: %w", mailbox, engine.Explain(err))
	}
	return out, nil
}

// Settled records that dispositions were carried out.
func (db Mailboxes) Settled(ctx context.Context, done []harvest.Settlement) error {
	if len(done) == 0 {
		return nil
	}
	return db.Transact(ctx, "recording what was settled", func(w *engine.Tx) error { return RecordSettled(w, done) })
}

// RecordSettled is Mailboxes.Settled in a transaction that was begun elsewhere.
func RecordSettled(t *engine.Tx, done []harvest.Settlement) error {
	if len(done) == 0 {
		return nil
	}
	engine.Clean(&done)
	places := make([][5]any, len(done))
	for i := range done {
		l := &done[i].Locator
		places[i] = [5]any{l.Mailbox, l.Folder, l.UIDValidity, l.UID, l.Name}
	}
	list, err := json.Marshal(places)
	if err != nil {
		return err
	}
	_, err = t.Exec(`UPDATE locators SET settled = ? WHERE id IN (SELECT l.id FROM json_each(?) t CROSS JOIN locators l ON l.mailbox = t.value ->> 0 AND l.folder = t.value ->> 1
 AND l.uidvalidity = CAST(t.value ->> 2 AS INTEGER) AND l.uid = CAST(t.value ->> 3 AS INTEGER) AND l.name = t.value ->> 4)
 AND settled IS NULL AND disposition <> 'keep'`, t.Now.UnixMilli(), string(list))
	return err
}

// EverRead tells whether anything was ever read of a mailbox: it has a place
// where reading goes on, or its job once ran without an error.
func (db Mailboxes) EverRead(ctx context.Context, mailbox string) (read bool, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cursors WHERE mailbox = ?) OR EXISTS (SELECT 1 FROM locators WHERE mailbox = ?)
 OR EXISTS (SELECT 1 FROM runs WHERE kind = ? AND subject = ? AND ok = 1)`, mailbox, mailbox, job.Harvest, mailbox).Scan(&read)
	if err != nil {
		return false, fmt.Errorf("looking whether %s was ever read: %w", mailbox, engine.Explain(err))
	}
	return read, nil
}

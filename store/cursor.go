package store

import (
	"context"
	"database/sql"
	"fmt"

	"harvester/harvest"
)

// Cursors returns how far each folder of a mailbox has been accounted for, by
// folder name.
func (db *DB) Cursors(ctx context.Context, mailbox string) (map[string]harvest.Cursor, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT mailbox, folder, uidvalidity, last_uid, state FROM cursors WHERE mailbox = ?`, mailbox)
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", mailbox, clear(err))
	}
	out := map[string]harvest.Cursor{}
	err = scan(rows, func(rows *sql.Rows) error {
		var c harvest.Cursor
		err := rows.Scan(&c.Mailbox, &c.Folder, &c.UIDValidity, &c.LastUID, &c.State)
		out[c.Folder] = c
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the cursors of %s: %w", mailbox, clear(err))
	}
	return out, nil
}

// Unsettled returns what was decided about stored messages of a mailbox and is
// not yet carried out, by folder and UID.
func (db *DB) Unsettled(ctx context.Context, mailbox string) ([]harvest.Settlement, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT mailbox, folder, uidvalidity, uid, name, disposition, target FROM locators
 WHERE mailbox = ? AND settled IS NULL AND disposition <> 'keep' AND state = 'stored' ORDER BY folder, uidvalidity, uid, name`, mailbox)
	if err != nil {
		return nil, fmt.Errorf("reading what to settle in %s: %w", mailbox, clear(err))
	}
	var out []harvest.Settlement
	err = scan(rows, func(rows *sql.Rows) error {
		var s harvest.Settlement
		var word string
		if err := rows.Scan(&s.Mailbox, &s.Folder, &s.UIDValidity, &s.UID, &s.Name, &word, &s.Target); err != nil {
			return err
		}
		for d := harvest.Keep; d <= harvest.Delete; d++ {
			if d.String() == word {
				s.Disposition = d
			}
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what to settle in %s: %w", mailbox, clear(err))
	}
	return out, nil
}

// Settled records that dispositions were carried out.
func (db *DB) Settled(ctx context.Context, done []harvest.Settlement) error {
	if len(done) == 0 {
		return nil
	}
	return db.tx(ctx, "recording what was settled", func(w *writing) error {
		st, err := w.tx.PrepareContext(ctx, `UPDATE locators SET settled = ? WHERE mailbox = ? AND folder = ? AND uidvalidity = ? AND uid = ? AND name = ?
 AND settled IS NULL AND disposition <> 'keep'`)
		if err != nil {
			return err
		}
		defer st.Close()
		for _, s := range done {
			if _, err := st.ExecContext(ctx, w.now.UnixMilli(), s.Mailbox, s.Folder, s.UIDValidity, s.UID, s.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

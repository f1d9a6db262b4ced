package facts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"iter"
)

// Pushed is what the target of a push was told about one address.
type Pushed struct {
	Key     string `json:"key"`
	Address string `json:"address"` // as it was sent
	List    string `json:"list"`    // of the target's lists
	Refused string `json:"refused"` // why the target does not take it; "" when it did
}

// PushMark is how far into the history of the list a push has come, and for
// which settings; zero when it never came to an end.
func (db Pushes) PushMark(ctx context.Context, push string) (mark int64, form string, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT mark, form FROM pushes WHERE push = ?`, push).Scan(&mark, &form)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, "", fmt.Errorf("reading the progress of push %s: %w", push, engine.Explain(err))
	}
	return mark, form, nil
}

const putMark = `INSERT INTO pushes (push, mark, form) VALUES (?,?,?) ON CONFLICT (push) DO UPDATE SET mark = excluded.mark, form = excluded.form`

// BeginPush turns a push to a new target, which holds nothing of what was told.
func (db Pushes) BeginPush(ctx context.Context, push, form string) error {
	return db.Transact(ctx, "turning push "+push+" to another target", func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(ctx, `DELETE FROM pushed WHERE push = ?`, push)
		if err == nil {
			_, err = w.SQL.ExecContext(ctx, putMark, push, 0, form)
		}
		return err
	})
}

// MarkPush records that a push has told everything up to mark.
func (db Pushes) MarkPush(ctx context.Context, push string, mark int64, form string) error {
	return db.Transact(ctx, "recording the progress of push "+push, func(w *engine.Tx) error {
		_, err := w.SQL.ExecContext(ctx, putMark, push, mark, form)
		return err
	})
}

// Pushed yields what a push has told, by key: of the addresses that changed
// after a mark (0: all), beyond a key ("": from the first).
func (db Pushes) Pushed(ctx context.Context, push string, after int64, beyond string) iter.Seq2[Pushed, error] {
	return func(yield func(Pushed, error) bool) {
		query, args := `SELECT key, address, list, why FROM pushed WHERE push = ? AND key > ?`, []any{push, beyond}
		if after > 0 {
			query, args = query+` AND key IN (SELECT key FROM changes WHERE id > ?)`, append(args, after)
		}
		rows, err := db.Read.QueryContext(ctx, query+` ORDER BY key`, args...)
		if err != nil {
			yield(Pushed{}, fmt.Errorf("reading what push %s has told: %w", push, engine.Explain(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var p Pushed
			if err = rows.Scan(&p.Key, &p.Address, &p.List, &p.Refused); err != nil || !yield(p, nil) {
				break
			}
		}
		if err = errors.Join(err, rows.Err()); err != nil {
			yield(Pushed{}, fmt.Errorf("reading what push %s has told: %w", push, engine.Explain(err)))
		}
	}
}

// RecordPushed records what the target of a push was told: addresses that it
// holds or refuses now, and keys of those that it no longer holds.
func (db Pushes) RecordPushed(ctx context.Context, push string, told []Pushed, gone []string) error {
	return db.Transact(ctx, "recording the progress of push "+push, func(w *engine.Tx) error {
		for _, key := range gone {
			if _, err := w.SQL.ExecContext(ctx, `DELETE FROM pushed WHERE push = ? AND key = ?`, push, key); err != nil {
				return err
			}
		}
		for _, p := range told {
			state := "sent"
			if p.Refused != "" {
				state = "refused"
			}
			_, err := w.SQL.ExecContext(ctx, `INSERT INTO pushed (push, key, address, list, state, why, at) VALUES (?,?,?,?,?,?,?)
 ON CONFLICT (push, key) DO UPDATE SET address = excluded.address, list = excluded.list, state = excluded.state, why = excluded.why, at = excluded.at`,
				push, p.Key, p.Address, p.List, state, p.Refused, w.Now.UnixMilli())
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// PushCount sums up what a push has told.
type PushCount struct {
	Push    string `json:"push"`
	Sent    int    `json:"sent"`    // addresses that the target holds
	Refused int    `json:"refused"` // addresses that it does not take
}

// PushCounts tells how many addresses each service was told of.
func (db Pushes) PushCounts(ctx context.Context) ([]PushCount, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT push, count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'refused') FROM pushed GROUP BY push ORDER BY push`)
	if err != nil {
		return nil, err
	}
	out := []PushCount{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var c PushCount
		err := rows.Scan(&c.Push, &c.Sent, &c.Refused)
		out = append(out, c)
		return err
	})
	return out, err
}

// PushRefusals are the addresses that the target of a push does not take.
func (db Pushes) PushRefusals(ctx context.Context, push string) ([]Pushed, error) {
	var out []Pushed
	for p, err := range db.Pushed(ctx, push, 0, "") {
		if err != nil {
			return nil, err
		}
		if p.Refused != "" {
			out = append(out, p)
		}
	}
	return out, nil
}

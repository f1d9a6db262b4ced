package fleet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"harvester/store/engine"
)

// Worker is how a worker stands.
type Worker struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	About   string        `json:"about"`
	Started time.Time     `json:"started"`
	Heard   bool          `json:"heard"`   // it lives
	Until   time.Time     `json:"until"`   // it lives up to then, or ended without a word
	Skew    time.Duration `json:"skew_ns"` // its clock less that of the database
	Differs []string      `json:"differs"` // parts of its configuration that keep it from judging
	Leases  []string      `json:"leases"`  // that it holds
}

// Leads tells that the worker judges.
func (w *Worker) Leads() bool { return slices.Contains(w.Leases, Leader) }

// Fleet is who works on the database.
type Fleet struct{ *engine.DB }

// Workers are all that live or ended without a word not long ago, by name; one
// that was started again under its name is told once. A file has none.
func (db Fleet) Workers(ctx context.Context) (out []Worker, err error) {
	if !db.OnServer() {
		return nil, nil
	}
	err = db.Snapshot(ctx, func(s *engine.Snapshot) error {
		rows, err := s.Query(`SELECT id, name, about, started, until, until > ` + Clock + `, skew, differs FROM workers ORDER BY name, id`)
		if err != nil {
			return err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var w Worker
			var skew int64
			var differs string
			if err := rows.Scan(&w.ID, &w.Name, &w.About, engine.When(&w.Started), engine.When(&w.Until), &w.Heard, &skew, &differs); err != nil {
				return err
			}
			w.Skew, w.Leases = time.Duration(skew)*time.Millisecond, []string{}
			out = append(out, w)
			return json.Unmarshal([]byte(differs), &out[len(out)-1].Differs)
		})
		if err != nil {
			return err
		}
		held, err := owners(s)
		for l, id := range held {
			if i := slices.IndexFunc(out, func(w Worker) bool { return w.ID == id }); i >= 0 {
				out[i].Leases = append(out[i].Leases, l)
			}
		}
		return err
	})
	for i := range out {
		slices.Sort(out[i].Leases)
	}
	if err != nil {
		return nil, fmt.Errorf("reading who works: %w", engine.Explain(err))
	}
	latest := map[string]time.Time{}
	for _, w := range out {
		if w.Started.After(latest[w.Name]) {
			latest[w.Name] = w.Started
		}
	}
	return slices.DeleteFunc(out, func(w Worker) bool { return !w.Heard && w.Started.Before(latest[w.Name]) }), nil
}

// Leaderless is how long nobody has judged; 0 while somebody may.
func (db Fleet) Leaderless(ctx context.Context) (time.Duration, error) {
	if !db.OnServer() {
		return 0, nil
	}
	var ms int64
	err := db.Read.QueryRowContext(ctx, `SELECT `+Clock+` - until FROM leases WHERE name = ?`, Leader).Scan(&ms)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the leader: %w", engine.Explain(err))
	}
	return max(0, time.Duration(ms)*time.Millisecond), nil
}

// alive are the workers that were heard, with what they can hold.
func alive(t *engine.Tx) (out []candidate, err error) {
	rows, err := t.Query(`SELECT id, wants FROM workers WHERE until > ` + Clock + ` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var c candidate
		var wants string
		if err := rows.Scan(&c.id, &wants); err != nil {
			return err
		}
		out = append(out, c)
		return json.Unmarshal([]byte(wants), &out[len(out)-1].wants)
	})
}

// Alone takes the database from all workers, for a program that works on it by
// itself: whoever held a lease has lost it.
func Alone(ctx context.Context, db *engine.DB) error {
	return db.Transact(ctx, "taking the leases", func(t *engine.Tx) error {
		_, err := t.Exec(`UPDATE leases SET owner = '', until = ` + Clock + `, epoch = epoch + 1`)
		_, failed := t.Exec(`DELETE FROM workers`)
		return errors.Join(err, failed)
	})
}

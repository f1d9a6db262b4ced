package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"time"
)

// Status is how the database stands.
type Status struct {
	Path         string            `json:"path"`
	Schema       int               `json:"schema"`
	Bytes        int64             `json:"bytes"`
	Messages     int               `json:"messages"`
	Kinds        map[string]int    `json:"kinds"` // messages by kind
	Events       int               `json:"events"`
	Poison       int               `json:"poison"`
	Triage       int               `json:"triage"`       // messages that nobody understood
	Suppressions map[string]int    `json:"suppressions"` // in force, by source
	Held         int               `json:"held"`
	OptOuts      int               `json:"optouts"` // that wait, as nothing proves who sent them
	Waiting      int               `json:"waiting"` // of them, those that wait for the operator: anybody can have written the notices
	Unsettled    int               `json:"unsettled"`
	First        time.Time         `json:"first,omitzero"` // arrival of the first and of the last message
	Last         time.Time         `json:"last,omitzero"`
	Folders      []FolderStatus    `json:"folders"`
	Jobs         []facts.Run       `json:"jobs"` // the last run of each job
	Pushes       []facts.PushCount `json:"pushes"`
}

// FolderStatus is how far one folder was read.
type FolderStatus struct {
	Mailbox string    `json:"mailbox"`
	Folder  string    `json:"folder"`
	LastUID uint32    `json:"last_uid"`
	At      time.Time `json:"at"` // of the last batch
}

// Events counts the stored events.
func (db Reports) Events(ctx context.Context) (n int, err error) {
	if err = db.Read.QueryRowContext(ctx, `SELECT count(*) FROM events`).Scan(&n); err != nil {
		err = fmt.Errorf("counting the events: %w", engine.Explain(err))
	}
	return n, err
}

// Status reads how the database stands.
func (db Reports) Status(ctx context.Context) (Status, error) {
	s := Status{Path: db.Path(), Kinds: map[string]int{}, Suppressions: map[string]int{}}
	if err := db.status(ctx, &s); err != nil {
		return s, fmt.Errorf("reading the status: %w", engine.Explain(err))
	}
	return s, nil
}

func (db Reports) status(ctx context.Context, s *Status) error {
	now := db.Now().UnixMilli()
	var err error
	if s.Schema, err = db.Schema(ctx); err != nil {
		return err
	}
	space, err := db.Space(ctx)
	if err != nil {
		return err
	}
	s.Bytes = space.Bytes
	for _, q := range []struct {
		query string
		to    []any
	}{
		{`SELECT count(*), min(at), max(at) FROM messages`, []any{&s.Messages, engine.When(&s.First), engine.When(&s.Last)}},
		{`SELECT count(*) FROM events`, []any{&s.Events}},
		{`SELECT count(*) FROM locators WHERE state = 'poison'`, []any{&s.Poison}},
		{`SELECT count(*) FROM raws`, []any{&s.Triage}},
		{`SELECT count(*) FROM locators WHERE settled IS NULL AND disposition <> 'keep' AND state = 'stored'`, []any{&s.Unsettled}},
	} {
		if err := db.Read.QueryRowContext(ctx, q.query).Scan(q.to...); err != nil {
			return err
		}
	}
	if err := tally(ctx, db.Read, s.Kinds, `SELECT kind, count(*) FROM messages GROUP BY kind`); err != nil {
		return err
	}
	if err := tally(ctx, db.Read, s.Suppressions, `SELECT source, CAST(sum(n) AS INTEGER) FROM (`+standing+`) l WHERE state = 'suppressed' AND n > 0 GROUP BY source`, now); err != nil {
		return err
	}
	if err := db.Read.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE held_until IS NULL) FROM suppressions WHERE state = 'held' AND (expires IS NULL OR expires > ?)`, now).Scan(&s.Held, &s.Waiting); err != nil {
		return err
	}
	optOuts, err := db.OptOuts(ctx)
	if err != nil {
		return err
	}
	s.OptOuts = len(optOuts)
	if s.Pushes, err = (facts.Pushes{DB: db.DB}).PushCounts(ctx); err != nil {
		return err
	}
	if s.Folders, err = db.folders(ctx); err != nil {
		return err
	}
	s.Jobs, err = db.latestRuns(ctx)
	return err
}

func (db Reports) folders(ctx context.Context) (out []FolderStatus, err error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT mailbox, folder, last_uid, at FROM cursors ORDER BY mailbox, folder`)
	if err != nil {
		return nil, err
	}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var f FolderStatus
		err := rows.Scan(&f.Mailbox, &f.Folder, &f.LastUID, engine.When(&f.At))
		out = append(out, f)
		return err
	})
}

func (db Reports) latestRuns(ctx context.Context) (out []facts.Run, err error) {
	rows, err := db.Read.QueryContext(ctx, facts.SelectRun+`WHERE id IN (SELECT max(id) FROM runs GROUP BY kind, subject) ORDER BY kind, subject`)
	if err != nil {
		return nil, err
	}
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var r facts.Run
		err := r.Scan(rows)
		out = append(out, r)
		return err
	})
}

// Brief is what of the Status costs the same however much is stored.
type Brief struct {
	First   time.Time   // arrival of the first message; zero: none came in ever
	Last    time.Time   // and of the last
	Jobs    []facts.Run // the last run of each job
	Folders []FolderStatus
}

// Brief reads how the database stands, in short.
func (db Reports) Brief(ctx context.Context) (b Brief, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT (SELECT min(at) FROM messages), (SELECT max(at) FROM messages)`).Scan(engine.When(&b.First), engine.When(&b.Last))
	if err == nil {
		b.Jobs, err = db.latestRuns(ctx)
	}
	if err == nil {
		b.Folders, err = db.folders(ctx)
	}
	if err != nil {
		return b, fmt.Errorf("reading the status: %w", engine.Explain(err))
	}
	return b, nil
}

// tally counts by a word.
func tally(ctx context.Context, db *sql.DB, into map[string]int, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var word string
		var n int
		err := rows.Scan(&word, &n)
		into[word] = n
		return err
	})
}

// standing is how many rows of each source and state the list has at a moment:
// those that are counted, less the few that expired and were not taken off yet.
const (
	standing = `SELECT s.source, s.state, s.class, s.n - ifnull(e.n, 0) AS n FROM standing s LEFT JOIN
  (SELECT source, state, class, count(*) AS n FROM suppressions WHERE expires <= ? GROUP BY source, state, class) e ON e.source = s.source AND e.state = s.state AND e.class = s.class`
	countStanding = `SELECT CAST(ifnull(sum(n) FILTER (WHERE state = 'suppressed'), 0) AS INTEGER), CAST(ifnull(sum(n) FILTER (WHERE state = 'held'), 0) AS INTEGER) FROM (` + standing + `) l`
)

// Standing counts the list: addresses that must not be mailed, and verdicts
// that are held back.
func (db List) Standing(ctx context.Context) (inForce, held int, err error) {
	err = db.Read.QueryRowContext(ctx, countStanding, db.Now().UnixMilli()).Scan(&inForce, &held)
	if err != nil {
		return 0, 0, fmt.Errorf("counting the list: %w", engine.Explain(err))
	}
	return inForce, held, nil
}

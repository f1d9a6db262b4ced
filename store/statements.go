package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// statements are those of the hot path, prepared once on the one writing
// connection.
type statements struct {
	message, messageByHash, earlier, earlierEvents, messageEvents *sql.Stmt
	locator, event, raw, cursor, sent                             *sql.Stmt
	putBin, growBin, places, operators                            *sql.Stmt
	history, listed, acts, domainActs                             *sql.Stmt
	duplicate, putEvent, putAct, drop, change                     *sql.Stmt

	all []*sql.Stmt
}

// preparation is a statement to be prepared, and where it is kept.
type preparation struct {
	to    **sql.Stmt
	query string
}

func prepare(ctx context.Context, db *sql.DB, all []preparation) error {
	for _, p := range all {
		st, err := db.PrepareContext(ctx, p.query)
		if err != nil {
			return fmt.Errorf("preparing %q: %w", p.query, err)
		}
		*p.to = st
	}
	return nil
}

func (s *statements) prepare(ctx context.Context, db *sql.DB) error {
	all := []preparation{
		{&s.message, insertMessage}, {&s.messageByHash, `SELECT id, at FROM messages WHERE hash = ?`},
		{&s.earlier, `UPDATE messages SET at = ? WHERE id = ?`},
		{&s.earlierEvents, `UPDATE events SET at = ? WHERE message = ?`},
		{&s.messageEvents, `SELECT key, concern, operator FROM events WHERE message = ?`},
		{&s.locator, insertLocator}, {&s.event, insertEvent}, {&s.raw, insertRaw}, {&s.cursor, upsertCursor}, {&s.sent, `SELECT stream FROM sent WHERE id = ?`},
		{&s.putBin, putBin}, {&s.growBin, growBin}, {&s.places, selectPlaces}, {&s.operators, selectOperators},
		{&s.history, selectHistory}, {&s.listed, selectListed},
		{&s.acts, selectActs}, {&s.domainActs, selectDomainActs},
		{&s.duplicate, `UPDATE events SET duplicate_of = ? WHERE id = ?`},
		{&s.putEvent, putEvent}, {&s.putAct, putAct},
		{&s.drop, `DELETE FROM suppressions WHERE key = ? AND source = ? AND stream = ?`},
		{&s.change, insertChange},
	}
	if err := prepare(ctx, db, all); err != nil {
		return err
	}
	for _, p := range all {
		s.all = append(s.all, *p.to)
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, st := range s.all {
		errs = append(errs, st.Close())
	}
	s.all = nil
	return errors.Join(errs...)
}

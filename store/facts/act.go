package facts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/policy"
	"strings"
)

// OverridesOn are the acts that cover the address behind key, undone ones too, oldest first.
func OverridesOn(ctx context.Context, q engine.Querier, key string) ([]policy.Override, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+OverrideColumns+` FROM overrides o WHERE (o.pattern = ? OR o.pattern LIKE '@%') AND o.act <> 'undo' ORDER BY o.id`, key)
	if err != nil {
		return nil, err
	}
	all, err := ScanOverrides(rows)
	var out []policy.Override
	for _, o := range all {
		if policy.Covers(o.Pattern, key) {
			out = append(out, o)
		}
	}
	return out, err
}

const (
	OverrideColumns = `o.id, o.at, o.act, o.pattern, o.address, o.until, ifnull(o.target, 0), o.reason, o.author,
  o.undone = 1 OR EXISTS (SELECT 1 FROM overrides u WHERE u.target = o.id), ifnull(o.import, 0), o.source, o.cause, o.since, o.stream`
	SelectDomainActs = `SELECT ` + OverrideColumns + ` FROM overrides o WHERE o.pattern >= '@' AND o.pattern < 'A' AND o.act <> 'undo'` // those that begin with '@', by the index
)

// DomainActs are the acts on whole domains that cover an address.
func (w *Writing) DomainActs(key string) (acts []policy.Override, err error) {
	if !w.actsLoaded {
		if w.onDomains, err = DomainActs(w.Tx); err != nil {
			return nil, err
		}
		w.actsLoaded = true
	}
	return Covering(w.onDomains, key), nil
}

// DomainActs are all acts on whole domains that were not undone, oldest first.
func DomainActs(q engine.Reader) ([]policy.Override, error) {
	rows, err := q.Query(SelectDomainActs)
	if err != nil {
		return nil, err
	}
	return ScanOverrides(rows)
}

// Covering are those acts that cover an address.
func Covering(acts []policy.Override, key string) (covering []policy.Override) {
	for _, o := range acts {
		if policy.Covers(o.Pattern, key) {
			covering = append(covering, o)
		}
	}
	return covering
}

// ScanOverrides reads acts, by OverrideColumns.
func ScanOverrides(rows *sql.Rows) (out []policy.Override, err error) {
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var o policy.Override
		err := rows.Scan(OverrideTargets(&o)...)
		out = append(out, o)
		return err
	})
	return out, err
}

// OverrideTargets are where an act takes OverrideColumns.
func OverrideTargets(o *policy.Override) []any {
	return []any{&o.ID, engine.When(&o.At), engine.Text(&o.Act), &o.Pattern, &o.Address, engine.When(&o.Until), &o.Target, &o.Reason, &o.Author, &o.Undone,
		&o.Entry.Import, engine.Text(&o.Entry.Source), engine.Text(&o.Entry.Cause), engine.When(&o.Entry.Since), &o.Entry.Stream}
}

// Undoes fills in what an undo takes back.
func (w *Writing) Undoes(o *policy.Override) error {
	var act policy.Act
	var undone bool
	err := w.SQL.QueryRowContext(w.Ctx, `SELECT act, pattern, address, undone = 1 OR EXISTS (SELECT 1 FROM overrides u WHERE u.target = o.id) FROM overrides o WHERE id = ?`,
		o.Target).Scan(engine.Text(&act), &o.Pattern, &o.Address, &undone)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("act %d: %w (see the list of acts)", o.Target, engine.ErrNotFound)
	case err != nil:
		return err
	case act == policy.Undo:
		return fmt.Errorf("act %d is itself an undo: do again what it took back", o.Target)
	case undone:
		return fmt.Errorf("act %d was undone already", o.Target)
	}
	return nil
}

// Covered are the addresses that a pattern concerns: itself, or all known ones
// of a domain.
func (w *Writing) Covered(pattern string) (map[string]bool, error) {
	domain, ok := strings.CutPrefix(pattern, "@")
	if !ok {
		return map[string]bool{pattern: true}, nil
	}
	// An address may be known by what an operator or a list said of it alone.
	query, arg := `SELECT key FROM events WHERE domain = ? UNION SELECT key FROM suppressions WHERE domain = ?
 UNION SELECT pattern FROM overrides WHERE pattern LIKE '_%@' || ?`, domain
	if sub, ok := strings.CutPrefix(domain, "*."); ok {
		query, arg = `SELECT key FROM events WHERE domain LIKE '%.' || ? UNION SELECT key FROM suppressions WHERE domain LIKE '%.' || ?
 UNION SELECT pattern FROM overrides WHERE pattern LIKE '_%@%.' || ?`, sub
	}
	rows, err := w.SQL.QueryContext(w.Ctx, query, arg, arg, arg)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	return keys, engine.AddKeys(rows, keys)
}

// Coverage is how many addresses a pattern concerns.
type Coverage struct {
	Known int // that something was received about
	All   int // of all patterns
}

// Coverage counts the known addresses that a pattern on a domain covers.
func (db Acts) Coverage(ctx context.Context, pattern string) (c Coverage, err error) {
	domain := strings.TrimPrefix(pattern, "@")
	cond := `domain = ?`
	if sub, ok := strings.CutPrefix(domain, "*."); ok {
		cond, domain = `domain LIKE '%.' || ?`, sub
	}
	err = db.Read.QueryRowContext(ctx, `SELECT count(DISTINCT key) FILTER (WHERE `+cond+`), count(DISTINCT key) FROM events WHERE key <> ''`, domain).Scan(&c.Known, &c.All)
	if err != nil {
		return c, fmt.Errorf("counting what %s covers: %w", pattern, engine.Explain(err))
	}
	return c, nil
}

// Overrides returns every act by which an operator named an address or a
// domain, oldest first; Undone tells those that were taken back. What came with
// a list is told by Imports.
func (db Acts) Overrides(ctx context.Context) ([]policy.Override, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT `+OverrideColumns+` FROM overrides o WHERE o.import IS NULL ORDER BY o.id`)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's acts: %w", engine.Explain(err))
	}
	out, err := ScanOverrides(rows)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's acts: %w", engine.Explain(err))
	}
	return out, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"

	"harvester/store/policy"
)

const (
	overrideColumns = `o.id, o.at, o.act, o.pattern, o.address, o.until, ifnull(o.target, 0), o.reason, o.author,
  EXISTS (SELECT 1 FROM overrides u WHERE u.target = o.id)`
	selectActs       = `SELECT ` + overrideColumns + ` FROM json_each(?) k CROSS JOIN overrides o ON o.pattern = k.value WHERE o.act <> 'undo'`
	selectDomainActs = `SELECT ` + overrideColumns + ` FROM overrides o WHERE o.pattern >= '@' AND o.pattern < 'A' AND o.act <> 'undo'` // those that begin with '@', by the index
)

// domainActs are the acts on whole domains that cover an address.
func (w *writing) domainActs(key string) (acts []policy.Override, err error) {
	if !w.loaded {
		rows, err := w.query(w.db.stmts.domainActs)
		if err != nil {
			return nil, err
		}
		if w.onDomains, err = scanOverrides(rows); err != nil {
			return nil, err
		}
		w.loaded = true
	}
	for _, o := range w.onDomains {
		if policy.Covers(o.Pattern, key) {
			acts = append(acts, o)
		}
	}
	return acts, nil
}

func scanOverrides(rows *sql.Rows) (out []policy.Override, err error) {
	err = scan(rows, func(rows *sql.Rows) error {
		var o policy.Override
		err := rows.Scan(&o.ID, when{&o.At}, text(&o.Act), &o.Pattern, &o.Address, when{&o.Until}, &o.Target, &o.Reason, &o.Author, &o.Undone)
		out = append(out, o)
		return err
	})
	return out, err
}

// Override records an act of the operator and applies it. Pattern may be an
// address as people write it, or "@domain" or "@*.domain"; Undo names the act
// in Target instead. At and ID are set here. Reason and Author must be given.
// Patterns that cover everything and suppressing what is protected (our own
// domains, role addresses) are a WrongAct.
func (db *DB) Override(ctx context.Context, o policy.Override) (policy.Override, error) {
	if strings.TrimSpace(o.Reason) == "" || strings.TrimSpace(o.Author) == "" {
		return o, WrongAct{errors.New("an operator's act needs a reason and an author")}
	}
	if o.Act != policy.Undo {
		if err := db.normalise(&o); err != nil {
			return o, WrongAct{err}
		}
	}
	err := db.tx(ctx, "storing the operator's act", func(w *writing) error {
		if o.Act == policy.Undo {
			if err := w.undoes(&o); err != nil {
				return err
			}
		}
		o.At = w.now.Truncate(1e6)
		var target any
		if o.Target != 0 {
			target = o.Target
		}
		res, err := w.tx.ExecContext(ctx, `INSERT INTO overrides (at, act, pattern, address, until, target, reason, author) VALUES (?,?,?,?,?,?,?,?)`,
			w.now.UnixMilli(), o.Act.String(), o.Pattern, o.Address, millis(o.Until), target, o.Reason, o.Author)
		if err != nil {
			return err
		}
		if o.ID, err = res.LastInsertId(); err != nil {
			return err
		}
		keys, err := w.covered(o.Pattern)
		if err != nil {
			return err
		}
		return w.refold(keys)
	})
	return o, err
}

// normalise brings the pattern into the form in which it is stored.
func (db *DB) normalise(o *policy.Override) error {
	p := strings.TrimSpace(o.Pattern)
	p = strings.TrimPrefix(p, "*@")
	if strings.HasPrefix(strings.TrimSpace(o.Pattern), "*@") {
		p = "@" + p
	}
	if domain, ok := strings.CutPrefix(p, "@"); ok {
		sub := strings.HasPrefix(domain, "*.")
		domain = policy.DomainKey(strings.TrimPrefix(domain, "*."))
		if !strings.Contains(strings.Trim(domain, "."), ".") || strings.ContainsAny(domain, "*? ") {
			return fmt.Errorf("the pattern %q covers too much: name a whole domain, such as @example.com or @*.example.com", o.Pattern)
		}
		// The addresses of a public suffix belong to anybody (co.uk, com.br).
		if suffix, icann := publicsuffix.PublicSuffix(domain); icann && suffix == domain {
			return fmt.Errorf("the pattern %q covers too much: %s is a registry's, name a domain below it", o.Pattern, domain)
		}
		if o.Act == policy.Add && policy.Own(domain, db.own) {
			return fmt.Errorf("%q is one of our own domains: its addresses are never suppressed", domain)
		}
		o.Pattern, o.Address = "@"+domain, ""
		if sub {
			o.Pattern = "@*." + domain
		}
		return nil
	}
	key := policy.Key(p)
	if !policy.IsAddress(p) {
		return fmt.Errorf("%q is not an address (write local-part@domain, or @domain for a whole domain)", o.Pattern)
	}
	if why := policy.Protected(key, db.own); o.Act == policy.Add && why != "" {
		return fmt.Errorf("%s is %s: it is never suppressed", key, why)
	}
	o.Address, o.Pattern = p, key
	return nil
}

// undoes fills in what an undo takes back.
func (w *writing) undoes(o *policy.Override) error {
	var act policy.Act
	var undone bool
	err := w.tx.QueryRowContext(w.ctx, `SELECT act, pattern, address, EXISTS (SELECT 1 FROM overrides u WHERE u.target = o.id) FROM overrides o WHERE id = ?`,
		o.Target).Scan(text(&act), &o.Pattern, &o.Address, &undone)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("act %d: %w (see the list of acts)", o.Target, ErrNotFound)
	case err != nil:
		return err
	case act == policy.Undo:
		return fmt.Errorf("act %d is itself an undo: do again what it took back", o.Target)
	case undone:
		return fmt.Errorf("act %d was undone already", o.Target)
	}
	return nil
}

// covered are the addresses that a pattern concerns: itself, or all known ones
// of a domain.
func (w *writing) covered(pattern string) (map[string]bool, error) {
	domain, ok := strings.CutPrefix(pattern, "@")
	if !ok {
		return map[string]bool{pattern: true}, nil
	}
	query, arg := `SELECT DISTINCT key FROM events WHERE domain = ?`, domain
	if sub, ok := strings.CutPrefix(domain, "*."); ok {
		query, arg = `SELECT DISTINCT key FROM events WHERE domain LIKE '%.' || ?`, sub
	}
	rows, err := w.tx.QueryContext(w.ctx, query, arg)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	return keys, scan(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

// Coverage is how many addresses a pattern concerns.
type Coverage struct {
	Known int // that something was received about
	All   int // of all patterns
}

// Coverage counts the known addresses that a pattern on a domain covers.
func (db *DB) Coverage(ctx context.Context, pattern string) (c Coverage, err error) {
	domain := strings.TrimPrefix(pattern, "@")
	cond := `domain = ?`
	if sub, ok := strings.CutPrefix(domain, "*."); ok {
		cond, domain = `domain LIKE '%.' || ?`, sub
	}
	err = db.read.QueryRowContext(ctx, `SELECT count(DISTINCT key) FILTER (WHERE `+cond+`), count(DISTINCT key) FROM events WHERE key <> ''`, domain).Scan(&c.Known, &c.All)
	if err != nil {
		return c, fmt.Errorf("counting what %s covers: %w", pattern, clear(err))
	}
	return c, nil
}

// Overrides returns every act, oldest first; Undone tells those that were
// taken back.
func (db *DB) Overrides(ctx context.Context) ([]policy.Override, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+overrideColumns+` FROM overrides o ORDER BY o.id`)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's acts: %w", clear(err))
	}
	out, err := scanOverrides(rows)
	if err != nil {
		return nil, fmt.Errorf("reading the operator's acts: %w", clear(err))
	}
	return out, nil
}

package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

// Verdict is what the list says of one address now.
type Verdict struct {
	Address    string  `json:"address"` // as it was asked for
	Suppressed bool    `json:"suppressed"`
	Entries    []Entry `json:"entries"` // by source and stream; none when it may be mailed
}

// Entry is one reason why an address must not be mailed.
type Entry struct {
	Reason  string       `json:"reason"` // bounce reason, "complaint", "unsubscribe" or "manual"
	Class   bounce.Class `json:"class"`
	Source  string       `json:"source"` // bounce, complaint, unsubscribe, operator
	Scope   policy.Scope `json:"scope"`
	Stream  string       `json:"stream"` // "" unless the scope is one stream
	Since   time.Time    `json:"since"`
	Expires time.Time    `json:"expires,omitzero"` // zero: never
}

// LookupBatch is how many addresses one call of LookupAll takes at most.
const LookupBatch = 10_000

// LookupAll answers for each of at most LookupBatch addresses, in their order
// and whatever their spelling, whether it must not be mailed. A stream narrows
// the answer to what holds for mail of that stream; "" asks for any. What is
// held back does not count.
func (db *DB) LookupAll(ctx context.Context, addresses []string, stream string) ([]Verdict, error) {
	if len(addresses) > LookupBatch {
		return nil, fmt.Errorf("looking up %d addresses: at most %d at once", len(addresses), LookupBatch)
	}
	out := make([]Verdict, len(addresses))
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		out[i], keys[i] = Verdict{Address: a, Entries: []Entry{}}, policy.Key(a)
	}
	ctx = context.WithoutCancel(ctx) // it is short, and a context that can end costs a goroutine with each statement
	var err error
	if len(keys) == 1 {
		err = db.lookupOne(ctx, keys, out)
	} else if err = db.lookupEach(ctx, keys, out, db.looks.entries); err == nil {
		err = db.lookupUnlisted(ctx, keys, out)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up addresses: %w", clear(err))
	}
	for i := range out {
		v := &out[i]
		if stream != "" {
			v.Entries = db.concerning(v.Entries, stream)
		}
		v.Suppressed = len(v.Entries) > 0
	}
	return out, nil
}

// concerning keeps the entries that hold for a stream.
func (db *DB) concerning(entries []Entry, stream string) []Entry {
	kept := entries[:0]
	for _, e := range entries {
		if (e.Stream == "" || e.Stream == stream) && (e.Scope != policy.ScopeMarketing || !db.transactional(stream)) {
			kept = append(kept, e)
		}
	}
	return kept
}

// lookups are the statements of a look-up: many programs ask before each mail,
// and reading the SQL anew would cost more than the answer.
type lookups struct{ one, entries, unlisted, erased, domainActs *sql.Stmt }

// beyondList is what has to be known of what no row of the list tells.
const beyondList = `(` + selectSecret + `), EXISTS (` + selectDomainActs + `)`

// CROSS JOIN keeps SQLite from scanning the list for a few keys.
func (l *lookups) prepare(ctx context.Context, db *sql.DB) error {
	return prepare(ctx, db, []preparation{
		{&l.entries, `SELECT k.key, s.source, s.stream, s.scope, s.reason, s.class, s.since, s.expires
 FROM json_each(?) k CROSS JOIN suppressions s ON s.key = k.value
 WHERE s.state = 'suppressed' AND (s.expires IS NULL OR s.expires > ?) ORDER BY k.key, s.source, s.stream`},
		{&l.erased, `SELECT k.key, t.source, t.stream, t.scope, t.reason, t.class, t.since, t.expires
 FROM json_each(?) k CROSS JOIN tombstones t ON t.hash = unhex(k.value)
 WHERE t.source <> '' AND (t.expires IS NULL OR t.expires > ?) ORDER BY k.key, t.source, t.stream`},
		{&l.one, `SELECT ` + beyondList + `, s.source, s.stream, s.scope, s.reason, s.class, s.since, s.expires
 FROM (SELECT 1) LEFT JOIN suppressions s ON s.key = ? AND s.state = 'suppressed' AND (s.expires IS NULL OR s.expires > ?) ORDER BY s.source, s.stream`},
		{&l.unlisted, `SELECT ` + beyondList}, {&l.domainActs, selectDomainActs},
	})
}

// lookupOne is for one key, which is what programs ask for before each mail: one
// statement, as beginning and ending to read costs more than what is read.
func (db *DB) lookupOne(ctx context.Context, keys []string, out []Verdict) error {
	rows, err := db.looks.one.QueryContext(ctx, keys[0], db.opts.Now().UnixMilli())
	if err != nil {
		return err
	}
	var secret sql.NullString
	var onDomains bool
	err = scan(rows, func(rows *sql.Rows) error {
		var e Entry
		var source, stream, reason sql.NullString
		var scope, class any // NULL with the source
		if err := rows.Scan(&secret, &onDomains, &source, &stream, &scope, &reason, &class, when{&e.Since}, when{&e.Expires}); err != nil || !source.Valid {
			return err
		}
		e.Source, e.Stream, e.Reason = source.String, stream.String, reason.String
		err := errors.Join(text(&e.Scope).Scan(scope), text(&e.Class).Scan(class))
		out[0].Entries = append(out[0].Entries, e)
		return err
	})
	if err != nil {
		return err
	}
	return db.lookupBeyond(ctx, secret, onDomains, keys, out)
}

// lookupUnlisted adds what no row of the list tells, where there is any of it:
// forgotten addresses and the operator's acts on whole domains.
func (db *DB) lookupUnlisted(ctx context.Context, keys []string, out []Verdict) error {
	var secret sql.NullString
	var onDomains bool
	err := db.looks.unlisted.QueryRowContext(ctx).Scan(&secret, &onDomains)
	if err != nil {
		return err
	}
	return db.lookupBeyond(ctx, secret, onDomains, keys, out)
}

func (db *DB) lookupBeyond(ctx context.Context, secret sql.NullString, onDomains bool, keys []string, out []Verdict) (err error) {
	if secret.Valid {
		err = db.lookupErased(ctx, secret.String, keys, out)
	}
	if err == nil && onDomains {
		err = db.lookupDomains(ctx, keys, out)
	}
	return err
}

// lookupErased adds what stands for forgotten addresses: only their hashes are
// known.
func (db *DB) lookupErased(ctx context.Context, hexSecret string, keys []string, out []Verdict) error {
	secret, err := hex.DecodeString(hexSecret)
	if err != nil {
		return err
	}
	hashes := make([]string, len(keys))
	for i, key := range keys {
		if len(out[i].Entries) == 0 {
			hashes[i] = hex.EncodeToString(tombstone(secret, key))
		}
	}
	return db.lookupEach(ctx, hashes, out, db.looks.erased)
}

// lookupEach runs a query over a list of texts and adds the entries it finds.
func (db *DB) lookupEach(ctx context.Context, texts []string, out []Verdict, query *sql.Stmt) error {
	// In the order of the index: neighbours share its pages.
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(texts[a], texts[b]) })
	sorted := make([]string, len(texts))
	for i, at := range order {
		sorted[i] = texts[at]
	}
	list, err := json.Marshal(sorted)
	if err != nil {
		return err
	}
	rows, err := query.QueryContext(ctx, string(list), db.opts.Now().UnixMilli())
	if err != nil {
		return err
	}
	return scan(rows, func(rows *sql.Rows) error {
		var i int
		var e Entry
		err := rows.Scan(&i, &e.Source, &e.Stream, text(&e.Scope), &e.Reason, text(&e.Class), when{&e.Since}, when{&e.Expires})
		if err == nil {
			v := &out[order[i]]
			v.Entries = append(v.Entries, e)
		}
		return err
	})
}

// lookupDomains adds what the operator decided about whole domains, for
// addresses that nothing else is known of.
func (db *DB) lookupDomains(ctx context.Context, keys []string, out []Verdict) error {
	rows, err := db.looks.domainActs.QueryContext(ctx)
	if err != nil {
		return err
	}
	acts, err := scanOverrides(rows)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if len(out[i].Entries) > 0 || !coversAny(acts, key) {
			continue
		}
		// An act on the address itself may say otherwise.
		found, err := db.Lookup(ctx, key)
		if err != nil {
			return err
		}
		for _, s := range found {
			if s.State == policy.Suppressed {
				out[i].Entries = append(out[i].Entries, Entry{Reason: s.Reason, Class: s.Class, Source: s.Source, Scope: s.Scope, Stream: s.Stream, Since: s.Since, Expires: s.Expires})
			}
		}
	}
	return nil
}

func coversAny(acts []policy.Override, key string) bool {
	for i := range acts {
		if policy.Covers(acts[i].Pattern, key) {
			return true
		}
	}
	return false
}

package query

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"slices"
	"strings"
	"time"
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
func (db List) LookupAll(ctx context.Context, addresses []string, stream string) ([]Verdict, error) {
	if len(addresses) > LookupBatch {
		return nil, fmt.Errorf("looking up %s: at most %d at once", count.Of(len(addresses), "address"), LookupBatch)
	}
	out := make([]Verdict, len(addresses))
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		out[i], keys[i] = Verdict{Address: a, Entries: []Entry{}}, policy.Key(engine.CleanText(a))
	}
	ctx = context.WithoutCancel(ctx) // it is short, and a context that can end costs a goroutine with each statement
	k := db.memory.now(ctx)          // before anything is read
	if k != nil && k.lack(keys...) {
		return out, nil
	}
	var err error
	if len(keys) == 1 {
		err = db.lookupOne(ctx, k, keys, out)
	} else if err = db.lookupEach(ctx, keys, out, selectEntries); err == nil {
		err = db.lookupUnlisted(ctx, keys, out)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up addresses: %w", engine.Explain(err))
	}
	for i := range out {
		db.narrow(&out[i], stream)
	}
	return out, nil
}

// narrow leaves of what was found what holds for mail of a stream.
func (db List) narrow(v *Verdict, stream string) {
	if stream != "" {
		v.Entries = db.concerning(v.Entries, stream)
	}
	v.Suppressed = len(v.Entries) > 0
}

// concerning keeps the entries that hold for a stream.
func (db List) concerning(entries []Entry, stream string) []Entry {
	kept := entries[:0]
	for _, e := range entries {
		if (e.Stream == "" || e.Stream == stream) && (e.Scope != policy.ScopeMarketing || !db.judge.Ours.Transactional(stream)) {
			kept = append(kept, e)
		}
	}
	return kept
}

// The statements of a look-up: many programs ask before each mail.
const (
	// CROSS JOIN keeps SQLite from scanning the list for a few keys.
	selectEntries = `SELECT k.key, s.source, s.stream, s.scope, s.reason, s.class, s.since, s.expires
 FROM json_each(?) k CROSS JOIN suppressions s ON s.key = k.value
 WHERE s.state = 'suppressed' AND (s.expires IS NULL OR s.expires > ?) ORDER BY k.key, s.source, s.stream`
	// beyondList is what has to be known of what no row of the list tells.
	beyondList = `(` + facts.SelectSecret + `), EXISTS (` + facts.SelectDomainActs + `)`
	selectOne  = `SELECT ` + beyondList + `, s.source, s.stream, s.scope, s.reason, s.class, s.since, s.expires
 FROM (SELECT 1) one LEFT JOIN suppressions s ON s.key = ? AND s.state = 'suppressed' AND (s.expires IS NULL OR s.expires > ?) ORDER BY s.source, s.stream`
	selectErased = `SELECT k.key, t.source, t.stream, t.scope, t.reason, t.class, t.since, t.expires
 FROM json_each(?) k CROSS JOIN tombstones t ON t.hash = unhex(k.value)
 WHERE t.source <> '' AND (t.expires IS NULL OR t.expires > ?) ORDER BY k.key, t.source, t.stream`
)

// lookupOne is for one key, which is what programs ask for before each mail: one
// statement, as beginning and ending to read costs more than what is read. What
// k knows is not read, and what is found is told to it; it may be nil.
func (db List) lookupOne(ctx context.Context, k *known, keys []string, out []Verdict) error {
	if k != nil {
		if rows, ok := k.recall(keys[0], db.Now()); ok {
			out[0].Entries = rows
			return nil
		}
	}
	st, err := db.Reading(ctx, selectOne)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, keys[0], db.Now().UnixMilli())
	if err != nil {
		return err
	}
	var secret sql.NullString
	var onDomains bool
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var e Entry
		var source, stream, reason sql.NullString
		var scope, class any // NULL with the source
		if err := rows.Scan(&secret, &onDomains, &source, &stream, &scope, &reason, &class, engine.When(&e.Since), engine.When(&e.Expires)); err != nil || !source.Valid {
			return err
		}
		e.Source, e.Stream, e.Reason = source.String, stream.String, reason.String
		err := errors.Join(engine.Text(&e.Scope).Scan(scope), engine.Text(&e.Class).Scan(class))
		out[0].Entries = append(out[0].Entries, e)
		return err
	})
	if err != nil {
		return err
	}
	if k != nil {
		k.keep(keys[0], out[0].Entries)
	}
	return db.lookupBeyond(ctx, secret, onDomains, keys, out)
}

// lookupUnlisted adds what no row of the list tells, where there is any of it:
// forgotten addresses and the operator's acts on whole domains.
func (db List) lookupUnlisted(ctx context.Context, keys []string, out []Verdict) error {
	var secret sql.NullString
	var onDomains bool
	st, err := db.Reading(ctx, `SELECT `+beyondList)
	if err == nil {
		err = st.QueryRowContext(ctx).Scan(&secret, &onDomains)
	}
	if err != nil {
		return err
	}
	return db.lookupBeyond(ctx, secret, onDomains, keys, out)
}

func (db List) lookupBeyond(ctx context.Context, secret sql.NullString, onDomains bool, keys []string, out []Verdict) (err error) {
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
func (db List) lookupErased(ctx context.Context, hexSecret string, keys []string, out []Verdict) error {
	secret, err := hex.DecodeString(hexSecret)
	if err != nil {
		return err
	}
	hashes := make([]string, len(keys))
	for i, key := range keys {
		if len(out[i].Entries) == 0 {
			hashes[i] = hex.EncodeToString(facts.Tombstone(secret, key))
		}
	}
	return db.lookupEach(ctx, hashes, out, selectErased)
}

// lookupEach runs a query over a list of texts and adds the entries it finds.
func (db List) lookupEach(ctx context.Context, texts []string, out []Verdict, query string) error {
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
	st, err := db.Reading(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, string(list), db.Now().UnixMilli())
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var i int
		var e Entry
		err := rows.Scan(&i, &e.Source, &e.Stream, engine.Text(&e.Scope), &e.Reason, engine.Text(&e.Class), engine.When(&e.Since), engine.When(&e.Expires))
		if err == nil {
			v := &out[order[i]]
			v.Entries = append(v.Entries, e)
		}
		return err
	})
}

// lookupDomains adds what the operator decided about whole domains, for
// addresses that nothing else is known of.
func (db List) lookupDomains(ctx context.Context, keys []string, out []Verdict) error {
	st, err := db.Reading(ctx, facts.SelectDomainActs)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx)
	if err != nil {
		return err
	}
	acts, err := facts.ScanOverrides(rows)
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

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

// Suppression is one row of the list. An address has one per source, and one
// per stream where only a stream is concerned.
type Suppression struct {
	Address   string       `json:"address"` // as first seen
	Key       string       `json:"key"`
	Domain    string       `json:"domain"`
	Source    string       `json:"source"` // bounce, complaint, unsubscribe, operator
	Scope     policy.Scope `json:"scope"`
	Stream    string       `json:"stream"` // "" unless the scope is one stream
	State     policy.State `json:"state"`  // suppressed, or held
	Kind      bounce.Kind  `json:"kind"`
	Reason    string       `json:"reason"` // bounce reason, "complaint", "unsubscribe" or "manual"
	Class     bounce.Class `json:"class"`
	Since     time.Time    `json:"since"`
	LastSeen  time.Time    `json:"last_seen"`
	Expires   time.Time    `json:"expires,omitzero"`    // zero: never
	HeldUntil time.Time    `json:"held_until,omitzero"` // of a held one
	Count     int          `json:"count"`
	Line      string       `json:"line"` // the policy line it rests on
	Proof     policy.Proof `json:"proof"`
	Rule      string       `json:"rule"`
	RulePack  string       `json:"rule_pack"`

	Status     string `json:"status"` // of the event that met the line
	ReplyCode  int    `json:"reply_code"`
	RemoteMTA  string `json:"remote_mta"`
	Diagnostic string `json:"diagnostic"`

	Digest string `json:"-"` // of a forgotten address, which has no other name; see Filter.Digests
}

// Filter narrows the list. The zero Filter is everything that must not be
// mailed now.
type Filter struct {
	Key     string         // one address
	Domain  string         // of the key
	Source  string         // bounce, complaint, unsubscribe or operator
	Sources []string       // several sources; none: all
	Stream  string         // only what holds for this stream; "": all rows
	Reasons []string       // bounce reasons, complaint, unsubscribe, manual; none: all
	Domains []string       // of the key, in any spelling; none: all
	Classes []bounce.Class // none: all
	Since   time.Time      // only what came onto the list at that moment or later; zero: all
	Held    bool           // held rows too, which no export may carry
	After   int64          // only addresses that changed after this mark (ListMark); 0: all
	Beyond  string         // only keys that sort after this one
	Digests string         // a hashed export, as in Digest.Export: what it carries of forgotten addresses follows the list
}

const suppressionColumns = `address, key, domain, source, scope, stream, state, kind, reason, class, since, last_seen, expires, held_until,
  count, line, proof, rule, rules, status, reply_code, remote_mta, diagnostic`

// Suppressions yields the list at this moment, sorted by key, source and
// stream, from one snapshot of the database.
func (db *DB) Suppressions(ctx context.Context, f Filter) iter.Seq2[Suppression, error] {
	return func(yield func(Suppression, error) bool) {
		query := `SELECT ` + suppressionColumns + ` FROM suppressions WHERE (expires IS NULL OR expires > ?)`
		args := []any{db.opts.Now().UnixMilli()}
		and := func(cond string, more ...any) {
			query += ` AND ` + cond
			args = append(args, more...)
		}
		if !f.Held {
			and(`state = 'suppressed'`)
		}
		if f.After > 0 {
			and(`key IN (SELECT key FROM changes WHERE id > ?)`, f.After)
		}
		if f.Beyond != "" {
			and(`key > ?`, f.Beyond)
		}
		if f.Key != "" {
			and(`key = ?`, f.Key)
		}
		if f.Domain != "" {
			and(`domain = ?`, policy.DomainKey(f.Domain))
		}
		if f.Source != "" {
			f.Sources = append(f.Sources[:len(f.Sources):len(f.Sources)], f.Source)
		}
		if len(f.Sources) > 0 {
			and(in(`source`, len(f.Sources)), anys(f.Sources)...)
		}
		if len(f.Reasons) > 0 {
			and(in(`reason`, len(f.Reasons)), anys(f.Reasons)...)
		}
		if len(f.Domains) > 0 {
			keys := make([]string, len(f.Domains))
			for i, d := range f.Domains {
				keys[i] = policy.DomainKey(d)
			}
			and(in(`domain`, len(keys)), anys(keys)...)
		}
		if !f.Since.IsZero() {
			// Not the column since, which is when the mail failed: old notices
			// that are read late come onto the list late, and an entry would
			// leave its file untold when an older notice turns up. The plus
			// keeps the list read in its order, instead of sorting it anew.
			and(`(+key, source, stream) IN (SELECT key, source, stream FROM changes WHERE `+newcomers+` AND at >= ?)`,
				f.Since.UnixMilli())
		}
		if f.Stream != "" {
			and(`(stream = '' OR stream = ?)`, f.Stream)
			if db.transactional(f.Stream) {
				and(`scope <> 'marketing'`)
			}
		}
		if len(f.Classes) > 0 {
			words := make([]string, len(f.Classes))
			for i, c := range f.Classes {
				words[i] = c.String()
			}
			and(in(`class`, len(words)), anys(words)...)
		}
		rows, err := db.read.QueryContext(ctx, query+` ORDER BY key, source, stream`, args...)
		if err != nil {
			yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", clear(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var s Suppression
			err := rows.Scan(&s.Address, &s.Key, &s.Domain, &s.Source, text(&s.Scope), &s.Stream, text(&s.State), kindOrNone{&s.Kind}, &s.Reason,
				text(&s.Class), when{&s.Since}, when{&s.LastSeen}, when{&s.Expires}, when{&s.HeldUntil}, &s.Count, &s.Line, text(&s.Proof),
				&s.Rule, &s.RulePack, &s.Status, &s.ReplyCode, &s.RemoteMTA, &s.Diagnostic)
			if err != nil {
				yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", clear(err)))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", clear(err)))
			return
		}
		if f.Digests != "" && f.After == 0 {
			db.digested(ctx, f, yield)
		}
	}
}

// Lookup returns what stands on the list for one address, held rows included;
// none means that it may be mailed. The address may be in any spelling.
func (db *DB) Lookup(ctx context.Context, address string) ([]Suppression, error) {
	var out []Suppression
	for s, err := range db.Suppressions(ctx, Filter{Key: policy.Key(address), Held: true}) {
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	if out == nil {
		var err error
		if out, err = db.buried(ctx, address); err != nil {
			return nil, fmt.Errorf("looking up %s: %w", address, clear(err))
		}
	}
	if out == nil {
		var err error
		if out, err = db.banned(ctx, address); err != nil {
			return nil, fmt.Errorf("looking up %s: %w", address, clear(err))
		}
	}
	return out, nil
}

// banned is what the operator's acts on a whole domain say of an address that
// nothing else is known of, and that no row therefore stands for.
func (db *DB) banned(ctx context.Context, address string) ([]Suppression, error) {
	key := policy.Key(address)
	acts, err := overridesOn(ctx, db.read, key)
	if err != nil {
		return nil, err
	}
	var out []Suppression
	for _, ep := range db.evaluate(key, nil, acts, db.opts.Now()).List() {
		out = append(out, Suppression{Address: address, Key: key, Domain: policy.Domain(key), Source: ep.Source.String(), State: policy.Suppressed,
			Reason: "manual", Since: ep.Since, LastSeen: ep.LastSeen, Expires: ep.Expires, Count: ep.Count, Line: ep.Line.String()})
	}
	return out, nil
}

// Refresh applies the passing of time: what expired leaves the list.
func (db *DB) Refresh(ctx context.Context) (Outcome, error) {
	var out Outcome
	err := db.tx(ctx, "refreshing the suppression list", func(w *writing) error {
		rows, err := w.tx.QueryContext(ctx, `SELECT DISTINCT key FROM suppressions WHERE expires <= ?`, w.now.UnixMilli())
		if err != nil {
			return err
		}
		keys := map[string]bool{}
		err = scan(rows, func(rows *sql.Rows) error {
			var key string
			err := rows.Scan(&key)
			keys[key] = true
			return err
		})
		if err != nil {
			return err
		}
		err = w.refold(keys)
		out = w.out
		return err
	})
	return out, err
}

// kindOrNone reads a kind, and ” (an operator's act) as none.
type kindOrNone struct{ to *bounce.Kind }

// Scan reads a text column.
func (k kindOrNone) Scan(v any) error {
	t, ok := v.(string)
	if !ok {
		return errors.New("a kind is no text")
	}
	if t == "" {
		*k.to = bounce.KindNone
		return nil
	}
	return k.to.UnmarshalText([]byte(t))
}

func in(column string, n int) string {
	b := []byte(column + ` IN (`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '?')
	}
	return string(append(b, ')'))
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

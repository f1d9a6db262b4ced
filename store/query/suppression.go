package query

import (
	"context"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"iter"
	"strings"
	"time"
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
	Proofs  []policy.Proof // what an entry for a notice rests on; none: all
	Since   time.Time      // only what came onto the list at that moment or later; zero: all
	Held    bool           // held rows too, which no export may carry
	After   int64          // only addresses that changed after this mark (ListMark); 0: all
	Newer   int64          // with After: those too that show something newer from this number on; 0: none
	Beyond  string         // only keys that sort after this one
	Part    string         // only keys that hold this, in any case; "": all
	State   policy.State   // with Held: only rows of this state; Clear: both
	Brief   bool           // only address, key, source, scope, class, reason and status are read; the rest stays zero
	Digests string         // a hashed export, as in Digest.Export: what it carries of forgotten addresses follows the list
}

// Suppressions yields the list at this moment, sorted by key, source and
// stream, from one snapshot of the database.
func (db List) Suppressions(ctx context.Context, f Filter) iter.Seq2[Suppression, error] {
	return func(yield func(Suppression, error) bool) {
		fields := allFields
		if f.Brief {
			fields = briefFields
		}
		cond := db.conditions(&f)
		rows, err := db.Read.QueryContext(ctx, `SELECT `+engine.Names(fields)+` FROM suppressions`+cond.where()+` ORDER BY key, source, stream`, cond.args...)
		if err != nil {
			yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", engine.Explain(err)))
			return
		}
		defer rows.Close()
		var s Suppression
		into := engine.Targets(fields, &s)
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", engine.Explain(err)))
				return
			}
			if s.Address == "" {
				s.Address = s.Key
			}
			if !yield(s, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Suppression{}, fmt.Errorf("reading the suppression list: %w", engine.Explain(err)))
			return
		}
		if f.Digests != "" && f.After == 0 {
			db.digested(ctx, f, yield)
		}
	}
}

// conditions are what a filter asks of a row of the list.
func (db List) conditions(f *Filter) (c condition) {
	c.and(`(expires IS NULL OR expires > ?)`, db.Now().UnixMilli())
	if !f.Held {
		c.and(`state = 'suppressed'`)
	}
	if f.After > 0 {
		keys, from := `SELECT key FROM changes WHERE id > ?`, []any{f.After}
		if f.Newer > 0 {
			keys, from = keys+` UNION SELECT key FROM refreshed WHERE id >= ?`, append(from, f.Newer)
		}
		c.and(`key IN (`+keys+`)`, from...)
	}
	if f.Beyond != "" {
		c.and(`key > ?`, f.Beyond)
	}
	if f.Key != "" {
		c.and(`key = ?`, f.Key)
	}
	if f.Part != "" {
		// The index by domain holds the keys, and little else: looking
		// through it costs a tenth of looking through the list.
		c.and(`(+key) IN (SELECT key FROM suppressions INDEXED BY suppressions_domain WHERE instr(key, ?) > 0 AND key > ?)`, strings.ToLower(f.Part), f.Beyond)
	}
	if f.State != policy.Clear {
		c.and(`state = ?`, f.State.String())
	}
	if f.Domain != "" {
		c.and(`domain = ?`, policy.DomainKey(f.Domain))
	}
	sources := f.Sources
	if f.Source != "" {
		sources = append(sources[:len(sources):len(sources)], f.Source)
	}
	if len(sources) > 0 {
		c.and(engine.In(`source`, len(sources)), engine.Anys(sources)...)
	}
	if len(f.Proofs) > 0 {
		of := make([]any, len(f.Proofs))
		for i, p := range f.Proofs {
			of[i] = p.String()
		}
		c.and(`event IS NOT NULL AND `+engine.In(`proof`, len(of)), of...)
	}
	if len(f.Reasons) > 0 {
		c.and(engine.In(`reason`, len(f.Reasons)), engine.Anys(f.Reasons)...)
	}
	if len(f.Domains) > 0 {
		keys := make([]string, len(f.Domains))
		for i, d := range f.Domains {
			keys[i] = policy.DomainKey(d)
		}
		c.and(engine.In(`domain`, len(keys)), engine.Anys(keys)...)
	}
	if !f.Since.IsZero() {
		// Not the column since, which is when the mail failed: old notices
		// that are read late come onto the list late, and an entry would
		// leave its file untold when an older notice turns up. The plus
		// keeps the list read in its order, instead of sorting it anew.
		c.and(`(+key, source, stream) IN (SELECT key, source, stream FROM changes WHERE `+judge.Newcomers+` AND at >= ?)`,
			f.Since.UnixMilli())
	}
	if f.Stream != "" {
		c.and(`(stream = '' OR stream = ?)`, f.Stream)
		if db.judge.Ours.Transactional(f.Stream) {
			c.and(`scope <> ` + engine.Word(policy.ScopeMarketing) + ``)
		}
	}
	if len(f.Classes) > 0 {
		words := make([]string, len(f.Classes))
		for i, c := range f.Classes {
			words[i] = c.String()
		}
		c.and(engine.In(`class`, len(words)), engine.Anys(words)...)
	}
	return c
}

// Lookup returns what stands on the list for one address, held rows included;
// none means that it may be mailed. The address may be in any spelling.
func (db List) Lookup(ctx context.Context, address string) ([]Suppression, error) {
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
			return nil, fmt.Errorf("looking up %s: %w", address, engine.Explain(err))
		}
	}
	if out == nil {
		var err error
		if out, err = db.banned(ctx, address); err != nil {
			return nil, fmt.Errorf("looking up %s: %w", address, engine.Explain(err))
		}
	}
	return out, nil
}

// banned is what the operator's acts on a whole domain say of an address that
// nothing else is known of, and that no row therefore stands for.
func (db List) banned(ctx context.Context, address string) ([]Suppression, error) {
	key := policy.Key(address)
	acts, err := facts.OverridesOn(ctx, db.Read, key)
	if err != nil {
		return nil, err
	}
	var out []Suppression
	for _, ep := range db.judge.Unheard(key, acts).List() {
		out = append(out, Suppression{Address: address, Key: key, Domain: policy.Domain(key), Source: ep.Source.String(), State: policy.Suppressed,
			Reason: "manual", Since: ep.Since, LastSeen: ep.LastSeen, Expires: ep.Expires, Count: ep.Count, Line: ep.Line.String()})
	}
	return out, nil
}

// Package keyring has the public keys of our own DKIM signatures: those of the
// configuration, and those that DNS has for our selectors, which are kept, so
// that a mail that comes back after a rotation still verifies.
//
// A selector is looked up when a returned mail names one that is not known, and
// once a day while it is in use. Names of others are never asked for. What an
// attacker can cause with made-up selectors is bounded by a budget, and costs
// no more than proof not reached.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"harvester/parse/dkim"
	"harvester/store/facts"
)

// The bounds of asking DNS.
const (
	timeout = 3 * time.Second  // of one look-up
	budget  = 30               // look-ups
	refill  = 10 * time.Minute // in which that many may be made
	again   = time.Hour        // after which a selector that is missing is asked for again
	daily   = 24 * time.Hour   // after which one that is there is
	records = 4                // of one selector that are read
)

// Resolver asks DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Store keeps what DNS had; *store.DB is one.
type Store interface {
	KeyRecords(ctx context.Context) ([]facts.KeyRecord, error)
	SawKeyRecords(ctx context.Context, domain, selector string, records []string) error
}

// Name is a selector of a domain.
type Name struct{ Domain, Selector string }

func (n Name) String() string { return n.Selector + "._domainkey." + n.Domain }

// Ring is safe for use by several goroutines.
type Ring struct {
	ctx      context.Context //nolint:containedctx // of the process: parsing takes none
	fixed    map[Name][]dkim.Key
	resolver Resolver // nil: DNS is never asked
	store    Store
	now      func() time.Time
	log      *slog.Logger

	mu    sync.Mutex
	seen  map[Name][]facts.KeyRecord
	asked map[Name]time.Time
	spent []time.Time // look-ups within the last refill
}

// New reads what was kept. fixed are the keys of the configuration, which never
// end. Without a resolver, DNS is never asked. ctx ends the look-ups.
func New(ctx context.Context, fixed map[Name][]dkim.Key, resolver Resolver, kept Store, now func() time.Time, log *slog.Logger) (*Ring, error) {
	r := &Ring{ctx: ctx, fixed: fixed, resolver: resolver, store: kept, now: now, log: log, seen: map[Name][]facts.KeyRecord{}, asked: map[Name]time.Time{}}
	all, err := kept.KeyRecords(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the DKIM keys that were seen: %w", err)
	}
	for _, k := range all {
		n := Name{k.Domain, k.Selector}
		r.seen[n] = append(r.seen[n], k)
	}
	return r, nil
}

// Keys are those of a selector of ours; see dkim.Keys. It waits for DNS for a
// few seconds at most, and mostly not at all.
func (r *Ring) Keys(domain, selector string) []dkim.Key {
	n := Name{domain, selector}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.due(n) {
		r.look(n)
	}
	out := append([]dkim.Key{}, r.fixed[n]...)
	for _, k := range r.seen[n] {
		if key, err := dkim.ParseRecord(k.Record); err == nil {
			key.Until = k.LastSeen.Add(dkim.Life)
			out = append(out, key)
		}
	}
	return out
}

// due tells whether a selector is to be asked for, and takes it from the budget.
func (r *Ring) due(n Name) bool {
	if r.resolver == nil || len(r.fixed[n]) > 0 || r.ctx.Err() != nil {
		return false
	}
	now := r.now()
	wait := again
	if known := r.seen[n]; len(known) > 0 {
		if now.Sub(known[0].LastSeen) < daily {
			return false
		}
	}
	if at, ok := r.asked[n]; ok && now.Sub(at) < wait {
		return false
	}
	for len(r.spent) > 0 && now.Sub(r.spent[0]) > refill {
		r.spent = r.spent[1:]
	}
	if len(r.spent) >= budget {
		return false
	}
	if len(r.asked) > 1000 {
		clear(r.asked)
	}
	r.spent, r.asked[n] = append(r.spent, now), now
	return true
}

// look asks for a selector and keeps what is a key.
func (r *Ring) look(n Name) {
	ctx, cancel := context.WithTimeout(r.ctx, timeout)
	defer cancel()
	texts, err := r.resolver.LookupTXT(ctx, n.String()+".")
	if err != nil {
		r.log.Info("a DKIM key of ours was not found", slog.String("selector", n.String()), slog.Any("err", err))
		return
	}
	var good []string
	for _, t := range texts[:min(len(texts), records)] {
		switch _, err := dkim.ParseRecord(t); {
		case err == nil:
			good = append(good, t)
		case !errors.Is(err, dkim.ErrRevoked):
			r.log.Info("a record at a DKIM selector of ours is no key", slog.String("selector", n.String()), slog.Any("err", err))
		}
	}
	now := r.now()
	for _, t := range good {
		r.saw(n, t, now)
	}
	if err := r.store.SawKeyRecords(ctx, n.Domain, n.Selector, good); err != nil {
		r.log.Warn("a DKIM key could not be kept", slog.String("selector", n.String()), slog.Any("err", err))
	}
}

// Saw takes in what somebody else saw in DNS at a selector of ours, such as a
// diagnosis: what is a key serves from now on, and is kept.
func (r *Ring) Saw(ctx context.Context, n Name, texts []string) error {
	good := keysAmong(texts)
	now := r.now()
	r.mu.Lock()
	for _, t := range good {
		r.saw(n, t, now)
	}
	r.mu.Unlock()
	return Keep(ctx, r.store, n, good)
}

// Keep stores what is a key among the texts of a selector of ours, for the next
// ring.
func Keep(ctx context.Context, kept Store, n Name, texts []string) error {
	if err := kept.SawKeyRecords(ctx, n.Domain, n.Selector, keysAmong(texts)); err != nil {
		return fmt.Errorf("keeping the DKIM key %s: %w", n, err)
	}
	return nil
}

// keysAmong are the texts that are keys, as many as are read.
func keysAmong(texts []string) (good []string) {
	for _, t := range texts[:min(len(texts), records)] {
		if _, err := dkim.ParseRecord(t); err == nil {
			good = append(good, t)
		}
	}
	return good
}

func (r *Ring) saw(n Name, record string, now time.Time) {
	list := []facts.KeyRecord{{Domain: n.Domain, Selector: n.Selector, Record: record, FirstSeen: now, LastSeen: now}}
	for _, k := range r.seen[n] {
		if k.Record == record {
			list[0].FirstSeen = k.FirstSeen
		} else {
			list = append(list, k)
		}
	}
	r.seen[n] = list
}

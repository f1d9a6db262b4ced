package facts

import (
	"context"
	"time"

	"harvester/store/engine"
	"harvester/store/policy"
)

// PutMeta stores a single value of the database itself under its name.
const PutMeta = `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`

// Writing is one transaction that stores facts, with all that it changed.
type Writing struct {
	*engine.Tx
	Ours    *Ours
	Out     Outcome
	Touched Touched

	onDomains  []policy.Override // acts on whole domains, loaded once
	actsLoaded bool

	secretKey    []byte // of the tombstones, nil when there are none
	secretLoaded bool

	// Known is the newest time that is known to be right, where the clock can't be
	// believed; zero where it can.
	Known time.Time

	ledger     bool // it has rows
	ledgerSeen bool
}

// Touched is what changed in a transaction that conclusions follow from.
type Touched struct {
	Keys  map[string]bool // addresses about which something was stored or changed
	New   []Place         // of events stored in this transaction
	Moved []Place         // of events that were stored already: where they stood, and where they stand now
	First int64           // number of the first new event, 0 when there is none
}

// Place is where an event stands, as far as it can be part of a concentration.
type Place struct {
	policy.Traits
	At int64 // ms since 1970
}

// sure is the newest time that is known to be right.
func (w *Writing) sure() time.Time {
	if w.Known.IsZero() {
		return w.Now
	}
	return w.Known
}

// Write runs f in one transaction that stores facts. What follows from them is
// for the caller to conclude.
func Write(ctx context.Context, db *engine.DB, ours *Ours, doing string, f func(*Writing) error) error {
	return db.Transact(ctx, doing, func(t *engine.Tx) error {
		return f(NewWriting(t, ours))
	})
}

// NewWriting stores facts in a transaction that was begun elsewhere.
func NewWriting(t *engine.Tx, ours *Ours) *Writing {
	return &Writing{Tx: t, Ours: ours, Touched: Touched{Keys: map[string]bool{}}}
}

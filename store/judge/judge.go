package judge

import (
	"context"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/policy"
)

// Judge draws the conclusions from the stored facts, and is the only one who
// writes them.
type Judge struct {
	*engine.DB
	Ours   *facts.Ours
	Limits Limits // of the guard on the exports; zero fields are defaults
	// Defers has batches, rows of the ledger and what was settled handed in for the
	// leader, under this name of the worker; "": they are stored and judged at once.
	Defers string
	// Config is a fingerprint for each part of the configuration that decides. On a
	// server nothing is judged by another than that of all workers; nil: any may.
	Config map[string]string
	// Synchronised tells whether something keeps the clock right; nil: unknown.
	Synchronised func() (bool, error)
}

// Judging is one transaction that stores facts and what follows from them.
type Judging struct {
	*facts.Writing
	judge *Judge

	listed    []row // to be written
	newcomers []row // of which none stood
	changes   []change
	refreshed []string       // keys of rows that only show something newer
	standing  map[bucket]int // rows that came, less those that went

	windows       []policy.Window
	rulings       []policy.Ruling // latest first
	windowsLoaded bool
}

func (db *Judge) transact(ctx context.Context, doing string, f func(*Judging) error) error {
	return db.transactAhead(ctx, doing, nil, f)
}

// transactAhead is transact where it is known what will be asked.
func (db *Judge) transactAhead(ctx context.Context, doing string, ahead func(now time.Time) []engine.Ask, f func(*Judging) error) error {
	return db.Transact(ctx, doing, func(t *engine.Tx) error {
		if ahead != nil && t.Far() {
			asks := ahead(t.Now)
			if db.Config != nil {
				asks = append(asks, fleet.AskConfig)
			}
			if err := t.Ahead(asks...); err != nil {
				return err
			}
		}
		if db.Config != nil && db.OnServer() {
			if err := fleet.Same(t.Ctx, t.SQL, db.Config); err != nil {
				return err
			}
		}
		return f(&Judging{Writing: facts.NewWriting(t, db.Ours), judge: db})
	})
}

// Guard stops the exports when the list changes too much at once, and lets
// them go on.
type Guard struct{ *engine.DB }

// Rates tell how each stream of ours fares, and pause it.
type Rates struct{ *Judge }

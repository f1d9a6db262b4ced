package judge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/fleet"
)

// mostArrivals is how many the leader takes in one transaction.
const mostArrivals = 16

// TakeArrivals stores what workers handed in and draws the conclusions, all of it
// in the order in which it is there, in transactions of some batches each. What
// was committed late, with a number before others, is taken after them: each row
// is gone with the transaction that took it, and no mark says how far that was.
// What can't be taken is set aside with the reason, and holds nothing else up. It
// returns how much it took, also with an error.
func (db *Judge) TakeArrivals(ctx context.Context) (all facts.Outcome, err error) {
	most := mostArrivals
	for {
		out, taken, err := db.takeSome(ctx, most)
		switch {
		case err == nil:
			all.Add(out)
			if taken < most { // what came meanwhile is for the next look
				return all, nil
			}
			most = mostArrivals
		case ctx.Err() != nil || lasting(err):
			return all, err
		case most > 1:
			most = 1 // which of them is it?
		default:
			if err := db.setAside(ctx, err); err != nil {
				return all, err
			}
			most = mostArrivals
		}
	}
}

// lasting tells that an error is none of the rows that were read.
func lasting(err error) bool {
	for _, is := range []error{engine.ErrUnreachable, engine.ErrNoConnection, engine.ErrTimeout, engine.ErrInUse, engine.ErrStandby, engine.ErrDiskFull, engine.ErrDisk,
		engine.ErrDamaged, engine.ErrReadOnly, engine.ErrLogin, engine.ErrNoRight, fleet.ErrLost, fleet.ErrDiffers} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

func (db *Judge) takeSome(ctx context.Context, most int) (out facts.Outcome, taken int, err error) {
	asks := func(now time.Time) []engine.Ask { return append(asksOfCommit(now), facts.AskArrivals(most)) }
	err = db.transactAhead(ctx, "taking what workers handed in", asks, func(w *Judging) error {
		arrivals, err := facts.Arrivals(w.Tx, most)
		if taken = len(arrivals); err != nil || taken == 0 {
			return err
		}
		sure := true
		var ids []int64
		for i := range arrivals {
			a := &arrivals[i]
			ids = append(ids, a.ID)
			believed, err := w.believes(&a.Batch)
			if err != nil {
				return err
			}
			sure = sure && believed
			if err := w.arrival(ctx, a); err != nil {
				return err
			}
		}
		array, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		if _, err := w.Exec(`DELETE FROM arrivals WHERE id IN (SELECT CAST(k.value AS INTEGER) FROM json_each(?) k)`, string(array)); err != nil {
			return err
		}
		if sure {
			err = w.conclude()
		}
		out = w.Out
		return err
	})
	return out, taken, err
}

func (w *Judging) arrival(ctx context.Context, a *facts.Arrival) error {
	if err := w.Store(ctx, a.Batch); err != nil {
		return err
	}
	if len(a.Sent) > 0 {
		if err := w.Sent(a.Sent); err != nil {
			return err
		}
	}
	return facts.RecordSettled(w.Tx, a.Settled)
}

// setAside notes why the first arrival can't be taken.
func (db *Judge) setAside(ctx context.Context, why error) error {
	db.Log.ErrorContext(ctx, "what a worker handed in can't be stored, it is set aside", "err", why)
	return db.Transact(ctx, "setting an arrival aside", func(t *engine.Tx) error {
		_, err := t.Exec(`UPDATE arrivals SET trouble = ? WHERE id = (SELECT min(id) FROM arrivals WHERE trouble = '')`, why.Error())
		return err
	})
}

// TryAgain has what was set aside taken once more: another version may read it.
func (db *Judge) TryAgain(ctx context.Context) error {
	return db.Transact(ctx, "trying again what was set aside", func(t *engine.Tx) error {
		_, err := t.Exec(`UPDATE arrivals SET trouble = '' WHERE trouble <> ''`)
		return err
	})
}

package judge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
)

// jump is how far the clock may be from every time that is known to be right.
const jump = 24 * time.Hour

// clockTrip begins the reason of a trip that the clock is to blame for.
const clockTrip = "the clock "

// reading is what the stored times say about the clock.
type reading struct {
	seen      time.Time // when the list was last decided under a clock that was believed; zero: never
	server    time.Time // the newest time that a mail server wrote; zero: none
	published bool      // somebody relies on the list
	tripped   bool      // the exports stand still for the clock
	undecided bool      // an operator confirmed it, and what was stored meanwhile is not decided yet
}

const selectClock = `SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'clock'), (SELECT at FROM messages WHERE at <> harvested ORDER BY at DESC LIMIT 1),
  EXISTS (SELECT 1 FROM exports WHERE state = 'published') OR EXISTS (SELECT 1 FROM pushed),
  EXISTS (SELECT 1 FROM trips WHERE acked IS NULL AND why LIKE '` + clockTrip + `%'), EXISTS (SELECT 1 FROM meta WHERE name = 'undecided since the clock')`

func (w *Judging) clock() (r reading, err error) {
	// A mail without a time has the one of its harvest, which confirms nothing.
	err = w.Row(selectClock, nil,
		engine.When(&r.seen), engine.When(&r.server), &r.published, &r.tripped, &r.undecided)
	return r, err
}

// arrived takes into account what a mail server wrote on mail that is about to
// be stored.
func (r *reading) arrived(b *facts.Batch) {
	for i := range b.Items {
		// The time of a file is our own clock's.
		if m := &b.Items[i].Message; m.UID != 0 && m.Received.After(r.server) {
			r.server = m.Received
		}
	}
}

// known is the newest time that is known to be right.
func (r *reading) known() time.Time {
	if r.server.After(r.seen) {
		return r.server
	}
	return r.seen
}

// wrong says why the clock can't be right, "" when it can. Time that was spent
// switched off is confirmed by the next mail, or by the kernel where something
// keeps its clock right. One that was set back is right where a mail of the
// last day says so, and none of later.
func (r *reading) wrong(now time.Time, synchronised func() (bool, error)) string {
	why := ""
	switch day := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }; {
	case !r.seen.IsZero() && now.After(r.known().Add(jump)):
		why = fmt.Sprintf("%ssays %s, and nothing later than %s was seen", clockTrip, day(now), day(r.known()))
	case now.Before(r.server.Add(-jump)):
		why = fmt.Sprintf("%ssays %s, and a server wrote a mail at %s", clockTrip, day(now), day(r.server))
	case now.Before(r.seen.Add(-jump)) && (r.server.After(now) || r.server.Before(now.Add(-jump))):
		why = fmt.Sprintf("%ssays %s, and said %s before", clockTrip, day(now), day(r.seen))
	default:
		return ""
	}
	if synchronised != nil {
		if ok, err := synchronised(); ok && err == nil {
			return ""
		}
	}
	return why
}

// doubt says why nothing is decided by the clock. As long as nobody relies on
// the list, everything is.
func (r *reading) doubt(now time.Time, synchronised func() (bool, error)) string {
	if !r.published || r.seen.IsZero() {
		return ""
	}
	return r.wrong(now, synchronised)
}

// believes checks the clock before mail is stored and decided by it. Where it
// can't be believed, the mail is stored under the server's time, and decided
// once the clock is right.
func (w *Judging) believes(b *facts.Batch) (bool, error) {
	r, err := w.clock()
	if err != nil {
		return false, err
	}
	before := r.wrong(w.Now, w.judge.Synchronised) // by what is stored alone
	r.arrived(b)
	why := r.doubt(w.Now, w.judge.Synchronised)
	if before != "" && r.wrong(w.Now, w.judge.Synchronised) != "" || why != "" {
		w.Known = r.known()
	}
	if why == "" {
		return true, nil
	}
	return false, w.stop(&r, why)
}

// stop stops the exports for the clock.
func (w *Judging) stop(r *reading, why string) error {
	if r.tripped {
		return nil
	}
	w.judge.Log.WarnContext(w.Ctx, "exports stopped, nothing is decided", "why", why)
	_, err := w.Exec(`INSERT INTO trips (at, why) VALUES (?, ?)`, w.Now.UnixMilli(), why)
	return err
}

// MayDecide fails with ErrStopped, and says why, where the clock can't be
// believed: what an operator does would count at the wrong time, and what is too
// old can't be told.
func (db *Judge) MayDecide(ctx context.Context) error {
	return db.decide(ctx, "checking the clock", func(*Judging) error { return nil })
}

// decide is a transaction that is refused while the clock can't be believed.
func (db *Judge) decide(ctx context.Context, doing string, f func(*Judging) error) error {
	return db.transact(ctx, doing, func(w *Judging) error {
		r, err := w.clock()
		if err != nil {
			return err
		}
		if why := r.doubt(w.Now, db.Synchronised); why != "" {
			return fmt.Errorf("%w: %s", engine.ErrStopped, why)
		}
		return f(w)
	})
}

// believe checks the clock before anything is decided by it. One that can't be
// believed stops the exports, as the guard does, until an operator confirms it
// or it is right again; then all is decided anew, as what was stored meanwhile
// was stored under the wrong time.
func (db *Judge) believe(ctx context.Context) (ok bool, err error) {
	heal := false
	err = db.transact(ctx, "checking the clock", func(w *Judging) error {
		r, err := w.clock()
		if err != nil {
			return err
		}
		why := r.doubt(w.Now, db.Synchronised)
		if ok = why == ""; !ok {
			return w.stop(&r, why)
		}
		if heal = r.tripped || r.undecided || w.Now.Before(r.seen.Add(-jump)); heal {
			return settleFuture(w.Tx)
		}
		if w.Now.Sub(r.seen) < time.Hour {
			return nil
		}
		return w.confirm()
	})
	if err != nil || !heal {
		return ok, err
	}
	if _, err := db.Recompute(ctx, Scenario{}, job.Replay, "the clock was wrong", Reach{}); err != nil {
		return false, err
	}
	return true, db.transact(ctx, "checking the clock", func(w *Judging) error {
		if _, err := w.Exec(`UPDATE trips SET acked = ?, reason = 'the clock is right again', author = 'harvester' WHERE acked IS NULL AND why LIKE '`+clockTrip+`%'`, w.Now.UnixMilli()); err != nil {
			return err
		}
		if _, err := w.Exec(`DELETE FROM meta WHERE name = 'undecided since the clock'`); err != nil {
			return err
		}
		return w.confirm()
	})
}

// settleFuture moves what a wrong clock stored in times to come to this moment:
// mail without a time of a server, and what operators did.
func settleFuture(t *engine.Tx) error {
	for _, move := range []string{
		`UPDATE events SET at = ?1 WHERE at > ?1`,
		`UPDATE messages SET at = ?1 WHERE at > ?1`,
		`UPDATE overrides SET at = ?1 WHERE at > ?1`,
		`UPDATE messages SET harvested = ?1 WHERE harvested > ?1`,
		`UPDATE cursors SET at = ?1 WHERE at > ?1`,
		`UPDATE trips SET acked = ?1 WHERE acked > ?1`,
	} {
		if _, err := t.Exec(move, t.Now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// confirm notes that the clock is right.
func (w *Judging) confirm() error { return confirmClock(w.Tx) }

// confirmByHand takes the clock as right by the word of an operator: what lies
// in times to come was stored under another one, and is decided at the next look.
func confirmByHand(t *engine.Tx) error {
	if err := settleFuture(t); err != nil {
		return err
	}
	if _, err := t.Exec(facts.PutMeta, "undecided since the clock", ""); err != nil {
		return err
	}
	return confirmClock(t)
}

func confirmClock(t *engine.Tx) error {
	_, err := t.Exec(facts.PutMeta, "clock", t.Now.UnixMilli())
	return err
}

// OfClock tells whether a trip is about the clock.
func (t *Trip) OfClock() bool { return strings.HasPrefix(t.Why, clockTrip) }

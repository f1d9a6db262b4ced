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
}

func (w *Judging) clock() (r reading, err error) {
	// A mail without a time has the one of its harvest, which confirms nothing.
	err = w.Row(`SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'clock'), (SELECT at FROM messages WHERE at < harvested ORDER BY at DESC LIMIT 1),
  EXISTS (SELECT 1 FROM exports WHERE state = 'published') OR EXISTS (SELECT 1 FROM pushed),
  EXISTS (SELECT 1 FROM trips WHERE acked IS NULL AND why LIKE '`+clockTrip+`%')`, nil,
		engine.When(&r.seen), engine.When(&r.server), &r.published, &r.tripped)
	return r, err
}

// doubt says why the clock can't be believed, "" when it can. Time that was
// spent switched off is confirmed by the next mail, or by the kernel where
// something keeps its clock right.
func (r *reading) doubt(now time.Time, synchronised func() (bool, error)) string {
	known := r.seen
	if r.server.After(known) {
		known = r.server
	}
	why := ""
	switch day := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }; {
	case !r.published || r.seen.IsZero():
		return ""
	case now.After(known.Add(jump)):
		why = fmt.Sprintf("%ssays %s, and nothing later than %s was seen", clockTrip, day(now), day(known))
	case now.Before(r.server.Add(-jump)):
		why = fmt.Sprintf("%ssays %s, and a server wrote a mail at %s", clockTrip, day(now), day(r.server))
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

// believe checks the clock before anything is decided by it. One that can't be
// believed stops the exports, as the guard does, until an operator confirms it
// or it is right again; then all is decided anew, as what was stored meanwhile
// was decided under the wrong time.
func (db *Judge) believe(ctx context.Context) (ok bool, err error) {
	heal := false
	err = db.transact(ctx, "checking the clock", func(w *Judging) error {
		r, err := w.clock()
		if err != nil {
			return err
		}
		why := r.doubt(w.Now, db.Synchronised)
		if ok = why == ""; !ok {
			if r.tripped {
				return nil
			}
			db.Log.WarnContext(ctx, "exports stopped, nothing expires", "why", why)
			_, err := w.Exec(`INSERT INTO trips (at, why) VALUES (?, ?)`, w.Now.UnixMilli(), why)
			return err
		}
		if heal = r.tripped || w.Now.Before(r.seen.Add(-jump)); heal {
			return nil
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
		return w.confirm()
	})
}

// confirm notes that the clock is right.
func (w *Judging) confirm() error { return confirmClock(w.Tx) }

func confirmClock(t *engine.Tx) error {
	_, err := t.Exec(facts.PutMeta, "clock", t.Now.UnixMilli())
	return err
}

// ofClock tells whether a trip is about the clock.
func (t *Trip) ofClock() bool { return strings.HasPrefix(t.Why, clockTrip) }

package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/job"
	"harvester/store/policy"
)

// Heal brings everything derived back in step with the stored facts, whatever
// put it out: a row of the list that was changed or is missing, counts, windows
// and links, places of mail that never was stored, times that a wrong clock
// wrote. It tells what it mended, a sentence each; none when all was well. It
// reads all addresses. Under a clock that can't be believed it does nothing.
func (db *Judge) Heal(ctx context.Context) (mended []string, err error) {
	if ok, err := db.believe(ctx); err != nil || !ok {
		return nil, err
	}
	if _, err := db.Refresh(ctx); err != nil { // what expired is no damage
		return nil, err
	}
	err = db.transact(ctx, "looking for what was never stored", func(w *Judging) error {
		mended, err = w.lostPlaces()
		return err
	})
	if err != nil {
		return mended, err
	}
	differs, err := db.outOfStep(ctx)
	if err != nil || differs == "" {
		return mended, err
	}
	db.Log.WarnContext(ctx, "the list is decided anew", "why", differs)
	_, err = db.Recompute(ctx, Scenario{}, job.Replay, differs, Reach{})
	return append(mended, differs+": the list was decided anew"), err
}

// lostPlaces forgets places that are marked as stored while no message is, and
// sets the cursor back, so that the mail is read again.
func (w *Judging) lostPlaces() (mended []string, err error) {
	var n int
	const lost = `state = 'stored' AND message IS NULL`
	if err := w.Row(`SELECT count(*) FROM locators WHERE `+lost, nil, &n); err != nil || n == 0 {
		return nil, err
	}
	for _, change := range []string{
		`UPDATE cursors SET state = '', last_uid = (SELECT min(l.uid) - 1 FROM locators l WHERE l.mailbox = cursors.mailbox AND l.folder = cursors.folder AND l.uidvalidity = cursors.uidvalidity AND l.` + lost + `)
 WHERE EXISTS (SELECT 1 FROM locators l WHERE l.mailbox = cursors.mailbox AND l.folder = cursors.folder AND l.uidvalidity = cursors.uidvalidity AND l.` + lost + `)`,
		`DELETE FROM locators WHERE ` + lost,
	} {
		if _, err := w.Exec(change); err != nil {
			return nil, err
		}
	}
	return []string{fmt.Sprintf("%s were marked as stored and no message was: that mail is read again", count.Of(n, "place"))}, nil
}

// errDiffers ends a walk at the first address that differs.
var errDiffers = errors.New("differs")

// outOfStep says what does not follow from the facts, "" when all does.
func (db *Judge) outOfStep(ctx context.Context) (why string, err error) {
	err = db.Scratch(ctx, func(q *engine.Snapshot) error {
		why, err = db.differs(q)
		return err
	})
	if err != nil {
		err = fmt.Errorf("checking the list: %w", engine.Explain(err))
	}
	return why, err
}

func (db *Judge) differs(q *engine.Snapshot) (string, error) {
	all := policy.Concentrations()
	for i := range all {
		counted, stored := countAll(&all[i], "events"), `SELECT subject, bin, n FROM bins WHERE kind = '`+string(all[i].Kind)+`' AND n > 0`
		var n int
		err := q.SQL.QueryRowContext(q.Ctx, `WITH counted AS (`+counted+`), stored AS (`+stored+`)
 SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM stored)) + (SELECT count(*) FROM (SELECT * FROM stored EXCEPT SELECT * FROM counted))`,
			int64(math.MaxInt64)).Scan(&n)
		if err != nil {
			return "", err
		}
		if n > 0 {
			return fmt.Sprintf("%s of failures that come together were wrong", count.Of(n, "count")), nil
		}
	}
	windows, err := allWindows(q, "events", time.UnixMilli(math.MaxInt64))
	if err != nil {
		return "", err
	}
	stored, _, err := ReadWindows(q.Ctx, q.SQL)
	if err != nil {
		return "", err
	}
	policy.SortWindows(windows)
	policy.SortWindows(stored)
	if !slices.EqualFunc(windows, stored, func(a, b policy.Window) bool { return len(movedWindows([]policy.Window{a}, []policy.Window{b})) == 0 }) {
		return "the bursts did not follow from the events", nil
	}
	decide, err := db.deciding(q, windows, db.Ours.Policy, db.Now())
	if err != nil {
		return "", err
	}
	err = eachPast(q, inOrder, "", func(key string, p *past) error {
		v := decide(key, p)
		if p.differs(key, &v) {
			return errDiffers
		}
		return nil
	})
	switch {
	case errors.Is(err, errDiffers):
		return "entries of the list did not follow from the events", nil
	case err != nil:
		return "", err
	}
	return "", nil
}

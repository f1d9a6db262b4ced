package judge

import (
	"context"
	"errors"
	"fmt"
	"harvester/harvest"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"iter"
	"time"
)

// Commit stores a batch in one transaction: messages, events, what follows for
// the suppression list, what is to be settled, and the cursor. It is the only
// writer of harvested facts, and repeating it changes nothing: the same bytes
// found again attach a further place to the message that is there. Under a clock
// that can't be believed it stores, and concludes nothing: the list stays as it
// is until the clock is right, and then all is decided anew. A worker among
// several hands the batch in, and tells nothing else about it (Judge.Defers).
func (db *Judge) Commit(ctx context.Context, b facts.Batch) (facts.Outcome, error) {
	if db.Defers != "" {
		return facts.HandIn(ctx, db.DB, db.Defers, b)
	}
	var out facts.Outcome
	err := db.transactAhead(ctx, "storing a batch", asksOfCommit, func(w *Judging) error {
		sure, err := w.believes(&b)
		if err != nil {
			return err
		}
		if err := w.Store(ctx, b); err != nil {
			return err
		}
		if sure {
			err = w.conclude()
		}
		out = w.Out
		return err
	})
	if err != nil {
		return facts.Outcome{}, err
	}
	return out, nil
}

// Settled records that dispositions were carried out.
func (db *Judge) Settled(ctx context.Context, done []harvest.Settlement) error {
	if db.Defers != "" {
		return facts.HandInSettled(ctx, db.DB, db.Defers, done)
	}
	return facts.Mailboxes{DB: db.DB}.Settled(ctx, done)
}

// asksOfCommit are what every commit asks, whatever is in it.
func asksOfCommit(now time.Time) []engine.Ask {
	return append(facts.AsksOfStoring(), engine.Ask{Query: selectClock}, engine.Ask{Query: selectWindows}, engine.Ask{Query: selectRulings},
		engine.Ask{Query: facts.SelectDomainActs}, engine.Ask{Query: selectGuarded, Args: guarded(now)})
}

// conclude draws the conclusions from what was stored, and looks at what they
// do to the list.
func (w *Judging) conclude() error {
	if err := w.concentrate(); err != nil {
		return err
	}
	if err := w.besides(); err != nil {
		return err
	}
	if err := w.refold(w.Touched.Keys); err != nil {
		return err
	}
	return w.guard()
}

// RecordSent adds to the ledger of what was sent, and raises the proof of
// failures that came in before their rows did. It returns how many rows were
// read and how many stored events they prove. Rows without a Message-ID or a
// recipient are an error that names their number; those before it are kept.
func (db *Judge) RecordSent(ctx context.Context, rows iter.Seq2[facts.Sent, error]) (read, proven int, err error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	for more := true; more; {
		var some []facts.Sent
		for len(some) < 5000 {
			s, rowErr, ok := next()
			if !ok || rowErr != nil {
				more, err = false, rowErr
				break
			}
			if facts.BareID(s.MessageID) == "" || policy.Domain(policy.Key(s.Recipient)) == "" {
				more, err = false, fmt.Errorf("row %d of the ledger: it needs a Message-ID and a recipient, and has %q and %q", read+len(some)+1, s.MessageID, s.Recipient)
				break
			}
			some = append(some, s)
		}
		n, txErr := db.sent(ctx, some)
		if txErr != nil {
			return read, proven, errors.Join(txErr, err)
		}
		read, proven = read+len(some), proven+n
	}
	return read, proven, err
}

func (db *Judge) sent(ctx context.Context, some []facts.Sent) (proven int, err error) {
	if db.Defers != "" {
		return 0, facts.HandInSent(ctx, db.DB, db.Defers, some)
	}
	err = db.transactAhead(ctx, "storing the send ledger", asksOfCommit, func(w *Judging) error {
		sure, err := w.believes(&facts.Batch{})
		if err != nil {
			return err
		}
		if err := w.Sent(some); err != nil {
			return err
		}
		if proven = w.Out.Proven; !sure {
			return nil
		}
		return w.conclude()
	})
	return proven, err
}

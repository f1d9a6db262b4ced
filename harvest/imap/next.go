package imap

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// Next reads the batch after cur. When the connection breaks under the bodies,
// it signs in anew and asks for fewer, down to one; a message that breaks it
// alone again and again is passed over as poison. Silence, a BYE and whatever
// happens outside a FETCH of bodies end the session.
func (s *session) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	for attempt := 0; ; attempt++ {
		s.broke = false
		batch, err := s.next(ctx, cur)
		if err == nil || !s.broke || attempt == maxReconnects {
			return batch, err
		}
		s.Log.Warn("the connection broke while messages were read", "mailbox", s.Name, "folder", cur.Folder, "err", err)
		if err := s.reconnect(ctx); err != nil {
			return batch, err
		}
	}
}

// next lists, weighs and fetches one batch.
func (s *session) next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	f, err := s.open(ctx, cur.Folder)
	if err != nil {
		return harvest.Batch{}, err
	}
	if f.forgets(cur) {
		// The store recognizes known mail by its content.
		s.Log.Warn("the UIDs of a folder began anew; all of it is read again",
			"mailbox", s.Name, "folder", f.name, "uidvalidity", f.uidValidity, "was", cur.UIDValidity)
		cur.LastUID = 0
	}
	f.unnumbered = false
	s.budget.resume(cur.State)
	cur.Mailbox, cur.UIDValidity = s.Name, f.uidValidity
	last := imap.UID(cur.LastUID)
	f.plan.after(last)
	if len(f.plan.uids) == 0 {
		if err := s.list(ctx, f, last); err != nil {
			return harvest.Batch{}, err
		}
	}
	if err := s.weigh(ctx, f); err != nil {
		return harvest.Batch{}, err
	}
	most, bytes := s.Within(s.batchLimit(f), s.BatchBytes)
	asked := f.plan.take(most, bytes, s.MaxMessage)
	if len(asked) == 0 {
		return harvest.Batch{Cursor: cur}, nil
	}
	if err := s.afford(f.name, time.Now()); err != nil {
		return harvest.Batch{}, err
	}
	messages, err := s.fetchBatch(ctx, f, asked)
	if err != nil {
		return harvest.Batch{}, err
	}
	s.count(time.Now())
	cur.LastUID, cur.State = messages[len(messages)-1].UID, s.budget.state()
	f.plan.after(imap.UID(cur.LastUID))
	return harvest.Batch{Messages: messages, Cursor: cur, Left: len(f.plan.uids)}, nil
}

// forgets says whether the UIDs up to a cursor mean nothing any more.
func (f *selected) forgets(cur harvest.Cursor) bool {
	if cur.LastUID == 0 {
		return false
	}
	// A mailbox that was set back, from a backup say, gives UIDs out twice.
	restored := f.fresh && f.uidNext != 0 && imap.UID(cur.LastUID) >= f.uidNext
	return cur.UIDValidity != f.uidValidity || f.unnumbered || restored
}

// fetchBatch accounts for every UID asked, in order, or for the first of them.
func (s *session) fetchBatch(ctx context.Context, f *selected, asked []imap.UID) ([]harvest.Message, error) {
	suspected, poison := s.suspect(f, asked[0])
	if poison != nil {
		return []harvest.Message{{Locator: s.locator(f, asked[0]), Poison: poison}}, nil
	}
	controlled := false
	if suspected {
		var err error
		if controlled, err = s.control(ctx, f, asked[0]); err != nil {
			return nil, err
		}
	}
	// Twice the planned bytes leave room for servers whose sizes are estimates.
	got, err := s.fetch(ctx, "reading folder "+f.name, imap.UIDSetNum(asked...), 2*s.BatchBytes)
	switch {
	case err != nil && !refused(err):
		s.note(ctx, f, asked, controlled, err)
		return nil, err
	case err != nil && harvest.RetryAfter(err) > 0:
		return nil, err
	case err != nil:
		s.Log.Warn("the server did not deliver all messages", "mailbox", s.Name, "folder", f.name, "err", err)
	}
	messages := make([]harvest.Message, 0, len(asked))
	for _, uid := range asked {
		if got.over[uid] {
			break
		}
		m := harvest.Message{Locator: s.locator(f, uid)}
		if b := got.bodies[uid]; suspicious(b) {
			if m, err = s.again(ctx, f, uid); err != nil {
				s.note(ctx, f, []imap.UID{uid}, false, err)
				if len(messages) > 0 {
					break // what came before is good
				}
				return nil, err
			}
		} else {
			s.fill(&m, b)
		}
		messages = append(messages, m)
	}
	s.forget(f)
	return messages, nil
}

package imap

import (
	"context"
	"errors"
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
	forgot := f.recognize(cur, time.Now())
	if f.fresh && !forgot {
		if forgot, err = s.compare(ctx, f); err != nil {
			return harvest.Batch{}, err
		}
		if forgot {
			*f.known = f.known.anew(time.Now())
			f.known.id = f.id
		}
	}
	if forgot {
		// The store recognizes known mail by its content.
		s.Log.Warn("the UIDs of a folder began anew; all of it is read again",
			"mailbox", s.Name, "folder", f.name, "uidvalidity", f.uidValidity, "was", cur.UIDValidity)
		cur.LastUID = 0
	}
	f.unnumbered = false
	s.budget.resume(f.known.budget)
	cur.Mailbox, cur.UIDValidity = s.Name, f.uidValidity
	if len(f.plan.uids) == 0 {
		if err := s.list(ctx, f); err != nil {
			return harvest.Batch{}, err
		}
	}
	if err := s.weigh(ctx, f); err != nil {
		return harvest.Batch{}, err
	}
	most, bytes := s.Within(s.batchLimit(f), s.BatchBytes)
	asked := f.plan.take(most, bytes, s.MaxMessage)
	if len(asked) == 0 {
		return harvest.Batch{Cursor: f.note(cur)}, nil
	}
	if err := s.afford(f.name, time.Now()); err != nil {
		return harvest.Batch{}, err
	}
	read := s.fetchBatch
	if f.plan.again.has(asked[0]) {
		read = s.retry
	}
	messages, err := read(ctx, f, asked)
	if err != nil {
		return harvest.Batch{}, err
	}
	s.count(time.Now())
	for i := range messages {
		if messages[i].Poison != nil {
			s.tried[f.name] = s.tried[f.name].with(imap.UID(messages[i].UID))
		}
		cur.LastUID = max(cur.LastUID, messages[i].UID)
	}
	f.known.add(messages)
	f.known.budget = s.budget.state()
	f.plan.drop(len(messages))
	return harvest.Batch{Messages: messages, Cursor: f.note(cur), Left: len(f.plan.uids)}, nil
}

// note writes down in the cursor what is known of the folder.
func (f *selected) note(cur harvest.Cursor) harvest.Cursor {
	cur.State = f.known.String()
	f.state, f.asked = cur.State, cur.LastUID
	return cur
}

// retry reads one message that an earlier visit could not. Breaking the
// connection is what it may do; the session goes on with another one.
func (s *session) retry(ctx context.Context, f *selected, asked []imap.UID) ([]harvest.Message, error) {
	m, err := s.again(ctx, f, asked[0])
	if err != nil {
		var fault *harvest.Fault
		if ctx.Err() != nil || harvest.RetryAfter(err) > 0 || errors.As(err, &fault) && fault.Words != "" {
			return nil, err
		}
		m = harvest.Message{Locator: s.locator(f, asked[0]), Poison: err}
		s.tried[f.name] = s.tried[f.name].with(asked[0])
		if err := s.reconnect(ctx); err != nil {
			return nil, err
		}
	}
	m.Again = true
	return []harvest.Message{m}, nil
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
		b := got.bodies[uid]
		if !suspicious(b) && !cut(b) {
			s.fill(&m, b)
		} else {
			if m, err = s.again(ctx, f, uid); err != nil {
				s.note(ctx, f, []imap.UID{uid}, false, err)
				if len(messages) > 0 {
					break // what came before is good
				}
				return nil, err
			}
		}
		messages = append(messages, m)
	}
	s.forget(f)
	return messages, nil
}

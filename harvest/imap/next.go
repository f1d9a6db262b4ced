package imap

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// readAhead is the next batch, being read while the caller works on the last.
// Its FETCH runs to the end by itself, whatever the caller does meanwhile.
type readAhead struct {
	from  harvest.Cursor
	batch harvest.Batch
	err   error
	done  chan struct{}
}

// Next reads the batch after cur.
func (s *session) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	batch, err := s.next(ctx, cur)
	if err == nil && len(batch.Messages) > 0 && s.folder != nil && s.folder.name == cur.Folder && len(s.folder.plan.uids) > 0 {
		s.prefetch(batch.Cursor)
	}
	return batch, err
}

func (s *session) next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	ahead, err := s.settleAhead(ctx)
	if err != nil {
		return harvest.Batch{}, err
	}
	if ahead != nil && ahead.from == cur {
		return ahead.batch, ahead.err
	}
	if ahead != nil && s.folder != nil {
		s.folder.plan = plan{} // it was planned for another cursor
	}
	return s.read(ctx, cur)
}

func (s *session) prefetch(from harvest.Cursor) {
	ahead := &readAhead{from: from, done: make(chan struct{})}
	s.ahead = ahead
	go func() {
		defer close(ahead.done)
		ahead.batch, ahead.err = s.read(s.ctx, from)
	}()
}

// settleAhead waits for the batch that is being read, if there is one.
func (s *session) settleAhead(ctx context.Context) (*readAhead, error) {
	ahead := s.ahead
	if ahead == nil {
		return nil, nil
	}
	select {
	case <-ahead.done:
	case <-ctx.Done():
		s.cancel()
		s.conn.Close()
		<-ahead.done
		s.ahead = nil
		return nil, &harvest.Fault{Mailbox: s.Name, Step: "reading folder " + ahead.from.Folder, Err: context.Cause(ctx)}
	}
	s.ahead = nil
	return ahead, nil
}

// read lists, weighs and fetches one batch.
func (s *session) read(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	f, err := s.open(ctx, cur.Folder)
	if err != nil {
		return harvest.Batch{}, err
	}
	if cur.UIDValidity != f.uidValidity || f.unnumbered {
		// Old UIDs mean nothing now; the store recognises known mail by its
		// content.
		f.unnumbered = false
		cur.LastUID = 0
	}
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
	asked := f.plan.take(s.batchLimit(f), s.BatchBytes, s.MaxMessage)
	if len(asked) == 0 {
		return harvest.Batch{Cursor: cur}, nil
	}
	messages, err := s.fetchBatch(ctx, f, asked)
	if err != nil {
		return harvest.Batch{}, err
	}
	cur.LastUID = messages[len(messages)-1].UID
	f.plan.after(imap.UID(cur.LastUID))
	return harvest.Batch{Messages: messages, Cursor: cur}, nil
}

// fetchBatch accounts for every UID asked, in order, or for the first of them.
func (s *session) fetchBatch(ctx context.Context, f *selected, asked []imap.UID) ([]harvest.Message, error) {
	if poison := s.crashed(f, asked); poison != nil {
		return []harvest.Message{{Locator: s.locator(f, asked[0]), Poison: poison}}, nil
	}
	// Twice the planned bytes leave room for servers whose sizes are estimates.
	got, err := s.fetch(ctx, "reading folder "+f.name, imap.UIDSetNum(asked...), 2*s.BatchBytes)
	switch {
	case err != nil && !refused(err):
		s.note(ctx, f, asked, err)
		return nil, err
	case err != nil && harvest.RetryAfter(err) > 0:
		return nil, err
	case err != nil:
		s.Log.Warn("the server did not deliver all messages", "mailbox", s.Name, "folder", f.name, "error", err)
	}
	messages := make([]harvest.Message, 0, len(asked))
	for _, uid := range asked {
		if got.over[uid] {
			break
		}
		m := harvest.Message{Locator: s.locator(f, uid)}
		if b := got.bodies[uid]; suspicious(b) {
			if m, err = s.again(ctx, f, uid); err != nil {
				s.note(ctx, f, []imap.UID{uid}, err)
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

// crash remembers that the connection broke while messages were read, so that
// one message that always breaks it doesn't stop its folder.
type crash struct {
	uidValidity uint32
	first       imap.UID // of the batch that broke
	messages    int      // most to ask for next time
	alone       int      // times that the first broke by itself
	err         error
}

// poisonAfter is how often a message must break the connection by itself
// before it is passed over.
const poisonAfter = 5

func (s *session) note(ctx context.Context, f *selected, asked []imap.UID, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.crashes[f.name]
	if c.uidValidity != f.uidValidity || c.first != asked[0] {
		c = crash{uidValidity: f.uidValidity, first: asked[0]}
	}
	c.messages = max(1, len(asked)/4)
	c.err = err
	if len(asked) == 1 {
		c.alone++
	}
	s.crashes[f.name] = c
}

func (s *session) forget(f *selected) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.crashes[f.name]; ok && c.messages < s.BatchMessages {
		c.messages *= 4
		c.alone = 0
		s.crashes[f.name] = c
		return
	}
	delete(s.crashes, f.name)
}

func (s *session) batchLimit(f *selected) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.crashes[f.name]; ok && c.uidValidity == f.uidValidity {
		return min(c.messages, s.BatchMessages)
	}
	return s.BatchMessages
}

// crashed gives the reason to pass over the first of the messages.
func (s *session) crashed(f *selected, asked []imap.UID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.crashes[f.name]
	if c.uidValidity != f.uidValidity || c.first != asked[0] || c.alone < poisonAfter {
		return nil
	}
	delete(s.crashes, f.name)
	return fmt.Errorf("reading it broke the connection %d times: %w", c.alone, c.err)
}

// Wait returns when mail may have arrived, or after a while.
func (s *session) Wait(ctx context.Context, folder string) error {
	if _, err := s.settleAhead(ctx); err != nil {
		return err
	}
	if _, err := s.open(ctx, folder); err != nil {
		return err
	}
	if !s.has(ctx, imap.CapIdle) {
		return s.pause(ctx)
	}
	return s.idle(ctx)
}

const (
	// idleCycle is how long one IDLE lasts. RFC 2177 allows 29 minutes, but
	// NAT boxes forget sooner, and some servers fall silent.
	idleCycle = 9 * time.Minute
	// pollPause is what stands for IDLE where the server has none.
	pollPause = time.Minute
)

func (s *session) pause(ctx context.Context) error {
	timer := time.NewTimer(pollPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.client.Closed():
		return s.failed(ctx, "waiting for mail", s.conn.Failure())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// idle runs one IDLE. When ctx ends, the session is still usable.
func (s *session) idle(ctx context.Context) error {
	select {
	case <-s.arrived: // from before
		return nil
	default:
	}
	var command interface {
		Close() error
		Wait() error
	}
	err := s.do(ctx, "starting IDLE", func() (err error) {
		command, err = s.client.Idle()
		return err
	})
	if err != nil {
		return err
	}
	timer := time.NewTimer(idleCycle)
	defer timer.Stop()
	select {
	case <-s.arrived:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	err = s.do(limited, "ending IDLE", func() error {
		if err := command.Close(); err != nil {
			return err
		}
		return command.Wait()
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

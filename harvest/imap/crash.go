package imap

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
	"harvester/harvest/wire"
	"harvester/parse/count"
)

// crash remembers that the connection broke while messages were read, so that
// one message that always breaks it doesn't stop its folder.
type crash struct {
	uidValidity uint32
	first       imap.UID // of the batch that broke
	messages    int      // most to ask for next time
	alone       int      // times that the first broke by itself
	convicted   bool     // it broke right after another message was read well
	err         error
}

// poisonAfter is how often a message must break the connection by itself
// before it is passed over.
const poisonAfter = 5

// maxReconnects is enough to single out one message of a batch, and to see it
// break the connection often enough.
const maxReconnects = 16

// note records that a FETCH broke the connection. After a control the one
// message asked for is convicted.
func (s *session) note(ctx context.Context, f *selected, asked []imap.UID, controlled bool, err error) {
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
	var fault *harvest.Fault
	s.broke = errors.As(err, &fault) && fault.Words == "" && fault.After == 0 && !wire.IsTimeout(err)
	if len(asked) == 1 {
		c.alone++
		c.convicted = controlled
		s.broke = s.broke && (controlled || c.alone <= poisonAfter)
	}
	s.crashes[f.name] = c
}

// forget lets batches grow again after one that went well.
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

// suspect says how a message stands that may be breaking the connection: not
// suspected, to be tried beside another one, or convicted.
func (s *session) suspect(f *selected, first imap.UID) (suspected bool, poison error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.crashes[f.name]
	if c.uidValidity != f.uidValidity || c.first != first || c.alone < poisonAfter {
		return false, nil
	}
	if !c.convicted {
		return true, nil
	}
	delete(s.crashes, f.name)
	poison = fmt.Errorf("reading it broke the connection %s: %w", count.Of(c.alone, "time"), c.err)
	s.Log.Error("a message can't be read and is passed over", "mailbox", s.Name, "folder", f.name, "uid", uint32(first), "err", c.err)
	return false, poison
}

// control reads the newest message. If that works, the server is not to blame
// for what happens to the suspect next. It says whether there was another
// message to read; without one, nothing waits behind the suspect.
func (s *session) control(ctx context.Context, f *selected, suspect imap.UID) (bool, error) {
	newest := f.listed.last()
	if newest == suspect {
		return false, nil
	}
	_, err := s.fetch(ctx, "reading folder "+f.name, imap.UIDSetNum(newest), s.MaxMessage)
	return err == nil, err
}

package imap

import (
	"context"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

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

package imap

import (
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// slips takes the bodies that go-imap doesn't give to the command that asked
// for them.
//
// QUIRK: go-imap v2.0.0-beta.8 gives a command the first FETCH response of each
// message alone. When a server slips in a change of flags before the body (mox
// does, as soon as a person looks through the mailbox), the command gets the
// flags, and the body goes to the handler of what nobody asked for.
type slips struct {
	mu      sync.Mutex
	free    sync.Cond
	reading int // responses whose body is being read
	limit   int64
	bodies  map[imap.UID]*body // nil while nobody waits for any
}

func newSlips() *slips {
	s := &slips{}
	s.free.L = &s.mu
	return s
}

// expect keeps bodies from now on, of each so many bytes.
func (s *slips) expect(limit int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies, s.limit = map[imap.UID]*body{}, limit
}

// collect returns what slipped since expect.
func (s *slips) collect() map[imap.UID]*body {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.reading > 0 {
		s.free.Wait()
	}
	bodies := s.bodies
	s.bodies = nil
	return bodies
}

// take is the handler, which runs in a goroutine of its own. go-imap reads on
// only when a body was read to its end: until then the command that waits can't
// end, and afterwards reading tells that something is still to be put down.
func (s *slips) take(message *imapclient.FetchMessageData) {
	var uid imap.UID
	var got *body
	for item := message.Next(); item != nil; item = message.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataBodySection:
			s.mu.Lock()
			s.reading++
			limit := s.limit
			if s.bodies == nil {
				limit = -1
			}
			s.mu.Unlock()
			defer s.done()
			got, _ = readBody(item.Literal, limit) // a broken connection shows in the command
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if got != nil && got.raw != nil && s.bodies != nil {
		s.bodies[uid] = got
	}
}

func (s *slips) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading--
	s.free.Broadcast()
}

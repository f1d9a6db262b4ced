package schedule

import (
	"context"
	"errors"
	"testing"

	"harvester/harvest"
	"harvester/parse/bounce"
)

// sparing is a mailserver that notes what its batches may take.
type sparing struct {
	*mailserver
	shares []int64
}

func (s *sparing) Open(context.Context) (harvest.Session, error) { return s, nil }
func (s *sparing) Spare(bytes int64)                             { s.shares = append(s.shares, bytes) }

// However a run ends, it gives back what it held.
func TestMemoryIsGivenBack(t *testing.T) {
	for name, change := range map[string]func(*Mailbox, *mailserver){
		"all is read":       func(*Mailbox, *mailserver) {},
		"a dry run":         func(m *Mailbox, _ *mailserver) { m.Dry = true },
		"the commit fails":  func(m *Mailbox, s *mailserver) { s.after = func(int) { m.Store.Close() } },
		"a folder is gone":  func(_ *Mailbox, s *mailserver) { s.broken = map[string]error{"INBOX": harvest.ErrFolder} },
		"the server breaks": func(_ *Mailbox, s *mailserver) { s.broken = map[string]error{"INBOX": errors.New("BYE")} },
	} {
		t.Run(name, func(t *testing.T) {
			s := &sparing{mailserver: &mailserver{batch: 1}}
			for range 3 {
				s.add("INBOX", of(t, bounce.KindBounce)[0])
			}
			m, _ := harness(t, s.mailserver, harvest.Keep)
			m.Source, m.Memory = s, NewMemory(64*leastShare)
			change(m, s.mailserver)
			_, _ = m.Run(t.Context()) // how it ends is tested elsewhere
			if m.Memory.held != 0 || len(s.shares) == 0 || s.shares[0] != 16*leastShare {
				t.Errorf("%d bytes are held still, shares %d", m.Memory.held, s.shares)
			}
		})
	}
}

// A share is part of what is left, and never nothing: nobody waits.
func TestMemoryNeverRunsOut(t *testing.T) {
	m := NewMemory(16 * leastShare)
	last := m.share()
	if last != 4*leastShare {
		t.Errorf("the first gets %d", last)
	}
	for range 100 {
		next := m.share()
		if next > last || next < leastShare {
			t.Fatalf("%d after %d", next, last)
		}
		last = next
	}
	m.add(-m.held)
	if again := m.share(); again != 4*leastShare {
		t.Errorf("when all is given back: %d", again)
	}
}

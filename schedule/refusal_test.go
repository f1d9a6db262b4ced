package schedule

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse/bounce"
)

// stubborn lists a message that it doesn't deliver until it is mended.
type stubborn struct {
	*mailserver
	broken harvest.Message
	mended bool
}

func (s *stubborn) Open(context.Context) (harvest.Session, error) {
	return &stubbornVisit{stubborn: s}, nil
}

type stubbornVisit struct {
	*stubborn
	tried bool
}

// Next gives what is new, then once what could not be read before.
func (s *stubbornVisit) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	before := cur.LastUID
	b, err := s.mailserver.Next(ctx, cur)
	if err != nil || len(b.Messages) > 0 || s.tried {
		return b, err
	}
	s.tried = true
	m := s.broken
	m.Again = before >= m.UID
	if !s.mended {
		m.Raw, m.Poison = nil, errors.New("the server lists the message but delivers no body")
	}
	b.Messages = []harvest.Message{m}
	b.Cursor.LastUID = max(b.Cursor.LastUID, m.UID)
	b.Cursor.State = map[bool]string{false: "unread=9", true: ""}[s.mended]
	return b, nil
}

func (s *stubbornVisit) Reconcile(context.Context, harvest.Cursor) error {
	if s.mended {
		return nil
	}
	return &harvest.Fault{Mailbox: "box", Step: "accounting for folder INBOX", Kind: harvest.ErrUnreadable}
}

// A message that can't be read is recorded once, told by each run, tried again
// by each run, and treated as any other once it can be read.
func TestUnreadableIsTriedAgain(t *testing.T) {
	s := &stubborn{mailserver: &mailserver{}}
	raws := of(t, bounce.KindBounce, bounce.KindDelay)
	s.add("INBOX", raws[0])
	s.add("elsewhere", raws[1])
	s.broken = s.folders["elsewhere"][0]
	s.order, s.broken.Folder, s.broken.UID = []string{"INBOX"}, "INBOX", 9
	m, db := harness(t, s.mailserver, harvest.Move)
	m.Source = s
	for n := range 3 {
		tally, err := m.Run(t.Context())
		var partial *Partial
		if !errors.Is(err, harvest.ErrUnreadable) || !errors.As(err, &partial) {
			t.Errorf("run %d: %v", n, err)
		}
		if want := []int{2, 0, 0}[n]; tally.Read != want {
			t.Errorf("run %d read %d, want %d", n, tally.Read, want)
		}
		if st, err := db.Reports.Status(t.Context()); err != nil || st.Messages != 1 || st.Poison != 1 || st.Unsettled != 0 {
			t.Errorf("run %d: %+v, %v", n, st, err)
		}
	}
	s.mended, s.log = true, nil
	tally, err := m.Run(t.Context())
	if err != nil || tally.Messages != 1 || !slices.Equal(s.log, []string{"move INBOX:9 Done"}) {
		t.Errorf("mended: %+v, settled %q, %v", tally, s.log, err)
	}
	if st, err := db.Reports.Status(t.Context()); err != nil || st.Messages != 2 || st.Poison != 0 || st.Unsettled != 0 {
		t.Errorf("mended: %+v, %v", st, err)
	}
}

// full refuses one target.
type full struct {
	*mailserver
	target string
}

func (s *full) Open(context.Context) (harvest.Session, error) { return s, nil }

func (s *full) Settle(ctx context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	asked, _ := s.mailserver.Settle(ctx, folder, todo)
	for _, one := range asked {
		if one.Disposition == harvest.Move && one.Target == s.target {
			err = &harvest.Fault{Mailbox: "box", Step: "moving", Kind: harvest.ErrQuota}
			continue
		}
		done = append(done, one)
	}
	return done, err
}

// A target that is refused is asked for once in a run and again by the next, and
// keeps no other from being served.
func TestOneRefusedTargetStopsNoOther(t *testing.T) {
	s := &full{mailserver: &mailserver{batch: 2}, target: "Full"}
	raws := of(t, bounce.KindBounce, bounce.KindUnparsed, bounce.KindNone, bounce.KindDelay)
	for _, raw := range [][]byte{raws[1], raws[0], raws[2], append([]byte("X-Other: 1\n"), raws[1]...), raws[3]} {
		s.add("INBOX", raw)
	}
	m, db := harness(t, s.mailserver, harvest.Move)
	m.Source = s
	m.Settling.Unparsed, m.Settling.Other = Fate{harvest.Move, "Full"}, Fate{Disposition: harvest.Seen}
	tally, err := m.Run(t.Context())
	if !errors.Is(err, harvest.ErrQuota) || tally.Settled != 3 || tally.Messages != 5 {
		t.Errorf("%+v, %v", tally, err)
	}
	if want := []string{"move INBOX:1 Full", "move INBOX:2 Done", "seen INBOX:3 ", "move INBOX:5 Done"}; !slices.Equal(s.log, want) {
		t.Errorf("asked %q, want %q", s.log, want)
	}
	left, err := db.Mailboxes.Unsettled(t.Context(), "box", time.Now())
	if err != nil || len(left) != 2 || left[0].UID != 1 || left[1].UID != 4 {
		t.Errorf("left %v, %v", left, err)
	}
	if tally, err := m.Run(t.Context()); !errors.Is(err, harvest.ErrQuota) || tally.Settled != 0 || tally.Read != 0 {
		t.Errorf("again: %+v, %v", tally, err)
	}
	s.target, s.log = "", nil
	if tally, err := m.Run(t.Context()); err != nil || tally.Settled != 2 {
		t.Errorf("with room: %+v, %v", tally, err)
	}
	if want := []string{"move INBOX:1 Full", "move INBOX:4 Full"}; !slices.Equal(s.log, want) {
		t.Errorf("asked %q, want %q", s.log, want)
	}
}

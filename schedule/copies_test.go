package schedule

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/store"
)

func ledger(t *testing.T, db *store.DB) (sent int) {
	t.Helper()
	counts, err := db.Volumes.Counts(t.Context(), time.Now().AddDate(0, 0, -60))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		sent += c.Sent
	}
	return sent
}

// Copies that a server refuses to move are read again until it does, and count
// once; nothing else is stored of them.
func TestCopiesAreSettledAndCountOnce(t *testing.T) {
	s := &mailserver{refuses: errors.New("NO permission denied"), batch: 2}
	for i := range 5 {
		s.add("INBOX", fmt.Appendf(nil, "From: news@example.org\nTo: a%d@example.net, b@example.net\nMessage-ID: <m%d@example.org>\n\nHello.\n", i, i))
	}
	s.add("INBOX", []byte("From: news@example.org\nTo: draft@example.net\n\n"))
	s.add("INBOX", nil)
	s.folders["INBOX"][6].Poison = errors.New("can't be fetched")
	m, db := harness(t, s, harvest.Move)
	m.Sent = true
	m.Dry = true
	if tally, err := m.Run(t.Context()); err != nil || tally.Copies != 5 || tally.Useless != 1 || tally.Planned() != "move 5 to Done" || ledger(t, db) != 0 {
		t.Errorf("a dry run: %+v, %v", tally, err)
	}
	m.Dry = false
	tally, err := m.Run(t.Context())
	if err == nil || tally.Sent != 10 || tally.Read != 7 || tally.Poison != 1 || tally.Useless != 1 || ledger(t, db) != 10 || len(s.log) != 2 {
		t.Errorf("refused: %+v, %v, %q", tally, err, s.log)
	}
	s.refuses, s.log = nil, nil
	if tally, err = m.Run(t.Context()); err != nil || tally.Read != 7 || tally.Sent != 0 || ledger(t, db) != 10 {
		t.Errorf("read again: %+v, %v", tally, err)
	}
	if want := []string{"move INBOX:1 Done", "move INBOX:2 Done", "move INBOX:3 Done", "move INBOX:4 Done", "move INBOX:5 Done"}; !slices.Equal(s.log, want) {
		t.Errorf("settled %q", s.log)
	}
	if tally, err = m.Run(t.Context()); err != nil || tally.Read != 0 || len(s.log) != 5 {
		t.Errorf("nothing is left: %+v, %v, %q", tally, err, s.log)
	}
	if st, err := db.Reports.Status(t.Context()); err != nil || st.Messages+st.Events+st.Unsettled != 0 || st.Poison != 1 {
		t.Errorf("copies became more than rows: %+v, %v", st, err)
	}
}

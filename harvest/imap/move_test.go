package imap_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"harvester/harvest"
)

func TestMoveWithoutMOVE(t *testing.T) {
	todo := []harvest.Settlement{{Locator: harvest.Locator{UIDValidity: 7, UID: 1}, Disposition: harvest.Move, Target: "Done"}}
	for name, test := range map[string]struct {
		caps               string
		refuse             bool
		stored, uid, plain int // two of the marks are on trial
	}{
		"UIDPLUS":    {"IMAP4rev1 AUTH=PLAIN UIDPLUS", false, 3, 1, 0},
		"no UIDPLUS": {"IMAP4rev1 AUTH=PLAIN", false, 3, 0, 0},
		"COPY fails": {"IMAP4rev1 AUTH=PLAIN UIDPLUS", true, 2, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1)
			s.caps = test.caps
			s.hook = func(c *scriptConn, command string) bool {
				if test.refuse && (strings.HasPrefix(command, "UID COPY") || strings.HasPrefix(command, "CREATE")) {
					c.say("%s NO [OVERQUOTA] full\r\n", c.tag)
					return true
				}
				return false
			}
			done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", todo)
			if test.refuse != (err != nil) || test.refuse != (len(done) == 0) {
				t.Errorf("done %d: %v", len(done), err)
			}
			if s.saw("UID STORE") != test.stored || s.saw("UID EXPUNGE") != test.uid || s.saw("EXPUNGE") != test.plain || s.saw("UID MOVE") > 0 {
				t.Error(s.log)
			}
		})
	}
}

// Where the server has no MOVE and lets nobody mark what is to be removed, nothing
// is copied: each run would leave one more copy in the target.
func TestNoCopyOfWhatStays(t *testing.T) {
	for _, test := range []struct {
		answer string
		kind   error
	}{{"NO [NOPERM] Permission denied", harvest.ErrDenied}, {"OK nothing was done", harvest.ErrUndone}, {"", nil}} {
		s := newScript(t, 1, 2)
		s.caps = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS"
		s.hook = func(c *scriptConn, command string) bool {
			if test.answer == "" || !strings.HasPrefix(command, "UID STORE") {
				return false
			}
			c.say("%s %s\r\n", c.tag, test.answer)
			return true
		}
		c := s.start(t)
		done, err := open(t, c).Settle(context.Background(), "INBOX", settlements(harvest.Move, "Done", 1, 2))
		switch {
		case test.kind == nil:
			if len(done) != 2 || err != nil || s.saw("UID COPY") != 1 || s.saw("UID STORE 1 -FLAGS") != 1 || len(s.mails) > 0 {
				t.Errorf("%d done, %v\n%q", len(done), err, s.log)
			}
		case len(done) != 0 || !errors.Is(err, test.kind) || s.saw("UID COPY") > 0:
			t.Errorf("%s: %d done, %v\n%q", test.answer, len(done), err, s.log)
		}
	}
}

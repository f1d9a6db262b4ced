package imap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"harvester/harvest"
)

// A folder that the server opens for reading only is told before anything is
// tried, whatever flags it names.
func TestOpenedForReadingOnly(t *testing.T) {
	for _, flags := range []string{"", "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] x\r\n", "* OK [PERMANENTFLAGS ()] x\r\n"} {
		s := newScript(t, 1)
		s.hook = func(c *scriptConn, command string) bool {
			if !strings.HasPrefix(command, "SELECT") {
				return false
			}
			c.say("* 1 EXISTS\r\n%s* OK [UIDVALIDITY 7] x\r\n%s OK [READ-ONLY] done\r\n", flags, c.tag)
			return true
		}
		c := s.start(t)
		for _, d := range []harvest.Disposition{harvest.Seen, harvest.Move, harvest.Delete} {
			done, err := open(t, c).Settle(context.Background(), "INBOX", settlements(d, "Done", 1))
			if len(done) != 0 || !errors.Is(err, harvest.ErrDenied) || s.saw("UID STORE")+s.saw("UID MOVE") > 0 {
				t.Errorf("%q, %s: %d done, %v\n%q", flags, d, len(done), err, s.log)
			}
		}
	}
}

// What was allowed a command ago and is not any more ends the job with its kind;
// nothing that was left counts as done, and it is done when the fault is mended.
func TestTakenAwayInBetween(t *testing.T) {
	const n = 1200 // three commands
	var uids []uint32
	var ints []int
	for i := range n {
		uids, ints = append(uids, uint32(i+1)), append(ints, i+1)
	}
	for name, test := range map[string]struct {
		disposition harvest.Disposition
		command     string // its second time is refused
		words       string
		half        bool // it did half of its work before
		kind        error
		done        int
	}{
		"rights for flags": {harvest.Seen, "UID STORE", "NO [NOPERM] Permission denied", false, harvest.ErrDenied, 500},
		"read-only":        {harvest.Seen, "UID STORE", "NO Mailbox is now read-only", false, harvest.ErrDenied, 500},
		"ignored":          {harvest.Seen, "UID STORE", "OK [READ-ONLY] nothing was done", false, harvest.ErrUndone, 500},
		"quota":            {harvest.Move, "UID MOVE", "NO [OVERQUOTA] Quota exceeded", false, harvest.ErrQuota, 500},
		"quota in the mid": {harvest.Move, "UID MOVE", "NO [OVERQUOTA] Quota exceeded", true, harvest.ErrQuota, 500},
		"expunge":          {harvest.Delete, "UID EXPUNGE", "NO [NOPERM] Permission denied", false, harvest.ErrDenied, 500},
		"marking":          {harvest.Delete, "UID STORE", "NO [NOPERM] Permission denied", false, harvest.ErrDenied, 500},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, ints...)
			seen, mended := 0, false
			s.hook = func(c *scriptConn, command string) bool {
				switch {
				case mended:
					return false
				case strings.HasPrefix(command, "LIST"):
					c.say("* LIST () \"/\" Done\r\n")
					c.done()
					return true
				case !strings.HasPrefix(command, test.command):
					return false
				}
				if seen++; seen == 1 {
					return false
				}
				if test.half && seen == 2 {
					for _, uid := range c.asked(strings.Fields(command)[2])[:250] {
						c.say("* 1 EXPUNGE\r\n")
						delete(s.mails, uid)
					}
				}
				c.say("%s %s\r\n", c.tag, test.words)
				return true
			}
			c := s.start(t)
			todo := settlements(test.disposition, "Done", uids...)
			done, err := open(t, c).Settle(context.Background(), "INBOX", todo)
			if len(done) != test.done || !errors.Is(err, test.kind) {
				t.Fatalf("%d done: %v", len(done), err)
			}
			mended = true
			rest, err := open(t, c).Settle(context.Background(), "INBOX", todo[len(done):])
			if len(rest) != n-len(done) || err != nil {
				t.Errorf("mended: %d done: %v", len(rest), err)
			}
			if test.disposition != harvest.Seen && len(s.mails) != 0 {
				t.Errorf("%d are left", len(s.mails))
			}
		})
	}
}

// A folder that is called otherwise since the last visit is a wrong name, with
// those there are; its mail is read once when the name is mended.
func TestSeparatorThatChanges(t *testing.T) {
	s := newScript(t, 1, 2)
	separator := "."
	s.hook = func(c *scriptConn, command string) bool {
		switch {
		case strings.HasPrefix(command, "SELECT") && !strings.Contains(command, "INBOX"+separator+"Bounces"):
			c.say("%s NO Mailbox doesn't exist\r\n", c.tag)
		case strings.HasPrefix(command, "LIST"):
			c.say("* LIST () \"%s\" INBOX%sBounces\r\n", separator, separator)
			c.done()
		default:
			return false
		}
		return true
	}
	c := s.start(t)
	c.Folders = []string{"INBOX.Bounces"}
	got, cur := drain(t, open(t, c), harvest.Cursor{Folder: "INBOX.Bounces"})
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	separator = "/"
	if _, err := open(t, c).Next(context.Background(), cur); !errors.Is(err, harvest.ErrFolder) || !strings.Contains(fmt.Sprint(err), "INBOX/Bounces") {
		t.Errorf("another separator: %v", err)
	}
	separator = "."
	if got, _ := drain(t, open(t, c), cur); len(got) != 0 {
		t.Errorf("%d messages came twice", len(got))
	}
}

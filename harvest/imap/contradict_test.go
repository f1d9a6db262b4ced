package imap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"harvester/harvest"
	"harvester/harvest/imap"
)

// visit reads INBOX to its end as a process of its own, and reconciles.
func visit(t *testing.T, c imap.Config, cur harvest.Cursor) ([]harvest.Message, harvest.Cursor, error) {
	t.Helper()
	session, err := imap.New(c).Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	got, cur := drain(t, session, cur)
	return got, cur, session.(harvest.Reconciler).Reconcile(context.Background(), cur)
}

// QUIRK: GNU mailutils imap4d 3.15 and 3.21 find nothing for UID SEARCH UID n:*
// in a full folder.
func TestSearchThatFindsNothing(t *testing.T) {
	s := newScript(t, 1, 2, 3, 40)
	s.hook = func(c *scriptConn, command string) bool {
		if !strings.HasPrefix(command, "UID SEARCH") {
			return false
		}
		c.say("* SEARCH\r\n")
		c.done()
		return true
	}
	got, _, err := visit(t, s.start(t), harvest.Cursor{Folder: "INBOX"})
	checkWhole(t, s, got)
	if err != nil {
		t.Error(err)
	}
}

// A server that lists nothing in any way is not "0 read, ok".
func TestFolderThatHidesItsMail(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	hides := true
	s.hook = func(c *scriptConn, command string) bool {
		if !hides || !strings.HasPrefix(command, "UID SEARCH") && command != "FETCH 1:* (UID)" {
			return false
		}
		c.say("* SEARCH 2\r\n")
		c.done()
		return true
	}
	c := s.start(t)
	got, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
	if len(got) != 1 || !errors.Is(err, harvest.ErrUnaccounted) || !strings.Contains(fmt.Sprint(err), "says it holds 3 messages and lists 1") {
		t.Errorf("%d messages: %v", len(got), err)
	}
	hides = false // what stands below the last UID is read all the same
	rest, cur, err := visit(t, c, cur)
	if len(rest) != 2 || rest[0].UID != 1 || rest[1].UID != 3 || err != nil {
		t.Errorf("then %v: %v", rest, err)
	}
	if again, _, err := visit(t, c, cur); len(again) != 0 || err != nil {
		t.Errorf("again %v: %v", again, err)
	}
}

// QUIRK: Cyrus 3.12.4 with immediate deletion gives a folder that was made anew
// UIDVALIDITY 1, as it gave the one before.
func TestUIDValidityUsedTwice(t *testing.T) {
	for name, id := range map[string]bool{"by content": false, "by MAILBOXID": true} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3)
			folder := "F1"
			if id {
				s.caps += " OBJECTID"
			}
			s.hook = func(c *scriptConn, command string) bool {
				if id && strings.HasPrefix(command, "SELECT") {
					c.say("* OK [MAILBOXID (%s)] Ok\r\n", folder)
				}
				return false
			}
			c := s.start(t)
			_, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
			if err != nil {
				t.Fatal(err)
			}
			folder = "F2"
			for uid := range 5 {
				s.mails[uid+1] = string(testMail(100 + uid))
			}
			if id {
				s.mails[3] = string(testMail(3)) // the marked one looks the same
			}
			got, cur, err := visit(t, c, cur)
			checkWhole(t, s, got)
			if err != nil {
				t.Error(err)
			}
			if again, _, _ := visit(t, c, cur); len(again) != 0 {
				t.Errorf("%d messages came twice", len(again))
			}
		})
	}
}

// QUIRK: a Dovecot mdbox whose index was lost shows an empty folder.
func TestFolderThatLostItsIndex(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	c := s.start(t)
	_, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
	if err != nil {
		t.Fatal(err)
	}
	all := s.mails
	s.mails, s.uidValidity = map[int]string{}, 8
	for range 2 {
		if _, cur, err = visit(t, c, cur); !errors.Is(err, harvest.ErrUnaccounted) || !strings.Contains(err.Error(), "with 0 messages, it held 3") {
			t.Errorf("empty: %v", err)
		}
	}
	s.mails = all
	if got, _, err := visit(t, c, cur); len(got) != 3 || err != nil {
		t.Errorf("after a resync %d messages: %v", len(got), err)
	}
}

// What could not be read is tried again by each visit, and said.
func TestUnreadableIsTriedAgain(t *testing.T) {
	for name, refuse := range map[string]func(c *scriptConn){
		"refused":               func(c *scriptConn) { c.say("%s NO [SERVERBUG] can't read it\r\n", c.tag) },
		"breaks the connection": func(c *scriptConn) { c.say("* 2 FETCH (UID 2 EMAILID (x))\r\n"); c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3)
			broken := true
			s.hook = func(c *scriptConn, command string) bool {
				fetch := strings.Contains(command, "FETCH") && strings.Contains(command, "BODY.PEEK[]") && !strings.Contains(command, "<0.")
				switch {
				case !broken || !fetch:
					return false
				case command[:4] == "UID ":
					for _, uid := range c.asked(strings.Fields(command)[2]) {
						if uid == 2 {
							refuse(c)
							return true
						}
						c.fetch(uid, true)
					}
					c.done()
				case strings.HasPrefix(command, "FETCH 2 "):
					refuse(c)
				default:
					return false
				}
				return true
			}
			c := s.start(t)
			cur := harvest.Cursor{Folder: "INBOX"}
			for n := range 3 {
				got, next, err := visit(t, c, cur)
				var poison *harvest.Message
				for i := range got {
					if got[i].Poison != nil {
						poison = &got[i]
					}
				}
				if poison == nil || poison.UID != 2 || poison.Again != (n > 0) || !errors.Is(err, harvest.ErrUnreadable) {
					t.Fatalf("visit %d: %v, %v", n, got, err)
				}
				cur = next
			}
			broken = false
			got, cur, err := visit(t, c, cur)
			if len(got) != 1 || got[0].UID != 2 || string(got[0].Raw) != s.mails[2] || !got[0].Again || err != nil {
				t.Errorf("mended: %v, %v", got, err)
			}
			if got, _, err := visit(t, c, cur); len(got) != 0 || err != nil {
				t.Errorf("afterwards: %v, %v", got, err)
			}
		})
	}
}

// QUIRK: mox slips in the flags of a message before its body as soon as a
// person looks through the mailbox. No message is asked for twice.
func TestFlagsBeforeTheBody(t *testing.T) {
	s := newScript(t, 1, 2, 3, 4, 5)
	s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
		c.say("* %d FETCH (UID %d FLAGS (\\Seen))\r\n", number, uid)
		return false
	})
	got, _, err := visit(t, s.start(t), harvest.Cursor{Folder: "INBOX"})
	checkWhole(t, s, got)
	if n := s.saw("FETCH"); err != nil || n != 0 {
		t.Errorf("%d asked for again: %v", n, err)
	}
}

// QUIRK: Cyrus 3.12.4 and mox list IMAP4rev2 beside IMAP4rev1; before ENABLE the
// names of folders are those of IMAP4rev1.
func TestNamesBesideIMAP4rev2(t *testing.T) {
	s := newScript(t, 1)
	s.caps = "IMAP4rev2 IMAP4rev1 AUTH=PLAIN"
	c := s.start(t)
	c.Folders = []string{"Zurück & x"}
	session := open(t, c)
	if _, err := session.Next(context.Background(), harvest.Cursor{Folder: "Zurück & x"}); err != nil {
		t.Fatal(err)
	}
	if n := s.saw(`SELECT "Zur&APw-ck &- x"`); n != 1 {
		t.Errorf("%q", s.log)
	}
	if offers := session.(harvest.Capable).Capabilities(context.Background()); len(offers) != 3 {
		t.Errorf("IMAP4rev2 implies IDLE, MOVE and UIDPLUS: %v", offers)
	}
}

// A fault that passes is not taken for a wrong folder.
func TestPassingRefusalOfAFolder(t *testing.T) {
	for words, kind := range map[string]error{
		"NO [SERVERBUG] Internal error occurred": nil, "NO [UNAVAILABLE] try later": nil,
		"NO [NOPERM] Permission denied": harvest.ErrDenied, "NO Mailbox doesn't exist": harvest.ErrFolder,
	} {
		s := newScript(t, 1)
		s.hook = func(c *scriptConn, command string) bool {
			if strings.HasPrefix(command, "SELECT") {
				c.say("%s %s\r\n", c.tag, words)
				return true
			}
			return false
		}
		c := s.start(t)
		_, err := open(t, c).Next(context.Background(), harvest.Cursor{Folder: "INBOX"})
		if err == nil || harvest.OfFolder(err) != (kind != nil) || kind != nil && !errors.Is(err, kind) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

package imap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"harvester/harvest"
)

// Servers that contradict themselves while they are read: every message arrives
// once, under its own UID, or the visit says that one is missing.
func TestContraryServers(t *testing.T) {
	body := func(c *scriptConn, number, uid int, raw string) {
		c.say("* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", number, uid, len(raw), len(raw), raw)
	}
	selects := func(lines string) func(*script) {
		return func(s *script) {
			s.hook = func(c *scriptConn, command string) bool {
				if !strings.HasPrefix(command, "SELECT") && !strings.HasPrefix(command, "EXAMINE") {
					return false
				}
				c.say("%s", lines)
				c.done()
				return true
			}
		}
	}
	second := func(answer func(c *scriptConn, number int, raw string)) func(*script) {
		return func(s *script) {
			s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
				if uid == 2 {
					answer(c, number, raw)
				}
				return uid == 2
			})
		}
	}
	for name, set := range map[string]func(*script){
		"UIDNEXT below what is there":   selects("* 5 EXISTS\r\n* OK [UIDNEXT 2] x\r\n* OK [UIDVALIDITY 7] x\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted)] x\r\n"),
		"UIDNEXT and UIDVALIDITY twice": selects("* 1 EXISTS\r\n* OK [UIDVALIDITY 6] x\r\n* 5 EXISTS\r\n* OK [UIDNEXT 9] x\r\n* OK [UIDNEXT 3] x\r\n* OK [UIDVALIDITY 7] x\r\n"),
		"UIDVALIDITY zero":              selects("* 5 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n"),
		"fewer than are listed":         selects("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"),
		"EXISTS that shrinks":           second(func(c *scriptConn, number int, raw string) { c.say("* 1 EXISTS\r\n"); body(c, number, 2, raw) }),
		"EXISTS of zero":                second(func(c *scriptConn, number int, raw string) { body(c, number, 2, raw); c.say("* 0 EXISTS\r\n") }),
		"a body twice":                  second(func(c *scriptConn, number int, raw string) { body(c, number, 2, raw); body(c, number, 2, raw) }),
		"a number of another":           second(func(c *scriptConn, _ int, raw string) { body(c, 5, 2, raw) }),
		"a number beyond":               second(func(c *scriptConn, _ int, raw string) { body(c, 77, 2, raw) }),
		"another capability": second(func(c *scriptConn, number int, raw string) {
			c.say("* CAPABILITY IMAP4rev1\r\n")
			body(c, number, 2, raw)
		}),
		"a UID that nobody asked for": second(func(c *scriptConn, number int, raw string) {
			body(c, 9, 99, "Subject: of nobody\r\n\r\nx\r\n")
			body(c, number, 2, raw)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3, 4, 5)
			set(s)
			c := s.start(t)
			got, cur, _ := visit(t, c, harvest.Cursor{Folder: "INBOX"}) // what it says of the server is another test's
			checkWhole(t, s, got)
			// A folder whose UIDs begin anew is read anew: content tells what is known.
			if again, _, _ := visit(t, c, cur); len(again) > 0 && !strings.HasPrefix(name, "UID") {
				t.Errorf("%d came twice", len(again))
			}
		})
	}
}

// A body that the client can't take, as a literal8 that nobody asked for, is said to be
// unreadable, and read when it comes in another form.
func TestLiteral8IsSaid(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	odd := true
	s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
		if uid == 2 && odd {
			c.say("* %d FETCH (UID 2 BODY[] ~{%d}\r\n%s)\r\n", number, len(raw), raw)
		}
		return uid == 2 && odd
	})
	c := s.start(t)
	got, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
	if len(got) != 3 || !errors.Is(err, harvest.ErrUnreadable) {
		t.Errorf("%d messages: %v", len(got), err)
	}
	odd = false
	if got, _, err := visit(t, c, cur); len(got) != 1 || string(got[0].Raw) != s.mails[2] || err != nil {
		t.Errorf("then %v: %v", got, err)
	}
}

// A body that comes under another's UID is nobody's: whose it was not is asked for
// again, and is not missing.
func TestBodyUnderAnotherUID(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	var wrong atomic.Bool
	wrong.Store(true)
	s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
		if uid != 2 || !wrong.Load() {
			return false
		}
		c.say("* %d FETCH (UID 77 BODY[] {%d}\r\n%s)\r\n", number, len(raw), raw)
		return true
	})
	c := s.start(t)
	got, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
	wrong.Store(false)
	for range 2 {
		more, next, _ := visit(t, c, cur)
		got, cur = append(got, more...), next
	}
	whole := map[uint32]bool{}
	for _, m := range got {
		if m.UID == 77 {
			t.Error("what nobody asked for was taken")
		}
		if m.Poison == nil && !m.Gone {
			if string(m.Raw) != s.mails[int(m.UID)] || whole[m.UID] {
				t.Errorf("UID %d: twice %v, %d bytes", m.UID, whole[m.UID], len(m.Raw))
			}
			whole[m.UID] = true
		}
	}
	if len(whole) != 3 {
		t.Errorf("%d of 3 arrived: %v (%v)", len(whole), got, err)
	}
}

// What a server does to a settlement half, or takes back, is not told as done.
func TestContrarySettling(t *testing.T) {
	for name, test := range map[string]struct {
		disposition harvest.Disposition
		command     string
		answer      func(c *scriptConn)
		kind        error // nil: any error
	}{
		"MODIFIED":    {harvest.Seen, "UID STORE", func(c *scriptConn) { c.say("%s OK [MODIFIED 1,2] conditional STORE failed\r\n", c.tag) }, harvest.ErrUndone},
		"OVERQUOTA":   {harvest.Move, "UID MOVE", func(c *scriptConn) { c.say("%s NO [OVERQUOTA] full\r\n", c.tag) }, nil},
		"READ-ONLY":   {harvest.Move, "UID MOVE", func(c *scriptConn) { c.say("%s NO [READ-ONLY] not here\r\n", c.tag) }, nil},
		"INUSE":       {harvest.Delete, "UID STORE", func(c *scriptConn) { c.say("%s NO [INUSE] locked\r\n", c.tag) }, nil},
		"LIMIT":       {harvest.Move, "UID MOVE", func(c *scriptConn) { c.say("%s NO [LIMIT] too many\r\n", c.tag) }, nil},
		"UNAVAILABLE": {harvest.Move, "UID MOVE", func(c *scriptConn) { c.say("%s NO [UNAVAILABLE] later\r\n", c.tag) }, nil},
		"BYE":         {harvest.Delete, "UID EXPUNGE", func(c *scriptConn) { c.say("* BYE enough\r\n"); c.Close() }, nil},
		"EXPUNGE of another": {harvest.Move, "UID MOVE", func(c *scriptConn) {
			c.say("* 3 EXPUNGE\r\n")
			c.done()
		}, harvest.ErrUndone},
		"COPYUID and no more": {harvest.Move, "UID MOVE", func(c *scriptConn) {
			c.say("* OK [COPYUID 8 1:2 1:2] moved\r\n")
			c.done()
		}, harvest.ErrUndone},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3)
			s.hook = func(c *scriptConn, command string) bool {
				if !strings.HasPrefix(command, test.command) {
					return false
				}
				test.answer(c)
				return true
			}
			done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(test.disposition, "Done", 1, 2))
			if err == nil || len(done) != 0 || test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("%d told as done: %v", len(done), err)
			}
			if len(s.mails) != 3 {
				t.Errorf("%v are left", slices.Sorted(slices.Values(s.uids())))
			}
		})
	}
}

// A refusal that passes, of a folder or of bodies, is no fault of the
// configuration, and nothing is lost by it.
func TestPassingRefusals(t *testing.T) {
	for _, code := range []string{"INUSE", "LIMIT", "UNAVAILABLE", "SERVERBUG"} {
		for _, command := range []string{"SELECT", "UID SEARCH", "UID FETCH"} {
			t.Run(code+" "+command, func(t *testing.T) {
				s := newScript(t, 1, 2, 3)
				var refuses atomic.Bool
				refuses.Store(true)
				s.hook = func(c *scriptConn, got string) bool {
					if !refuses.Load() || !strings.HasPrefix(got, command) {
						return false
					}
					c.say("%s NO [%s] not now\r\n", c.tag, code)
					return true
				}
				c := s.start(t)
				_, err := open(t, c).Next(context.Background(), harvest.Cursor{Folder: "INBOX"})
				if err != nil && harvest.OfFolder(err) {
					t.Errorf("taken for the folder's: %v", err)
				}
				if err == nil && command == "SELECT" {
					t.Error("nothing was said")
				}
				refuses.Store(false)
				got, _, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
				checkWhole(t, s, got)
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// MOVE that was announced before the sign-in and not after isn't sent, and one
// that is announced after it alone is.
func TestCapabilitiesThatChange(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("MOVE afterwards ", after), func(t *testing.T) {
			s := newScript(t, 1, 2)
			signedIn := false
			s.hook = func(c *scriptConn, command string) bool {
				switch {
				case strings.HasPrefix(command, "AUTHENTICATE"), strings.HasPrefix(command, "LOGIN"):
					signedIn = true
				case command == "CAPABILITY":
					caps := "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS"
					if signedIn == after {
						caps += " MOVE"
					}
					c.say("* CAPABILITY %s\r\n", caps)
					c.done()
					return true
				}
				return false
			}
			done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(harvest.Move, "Done", 1, 2))
			if err != nil || len(done) != 2 || len(s.mails) != 0 || (s.saw("UID MOVE") > 0) != after {
				t.Errorf("%d done, %d left, %q: %v", len(done), len(s.mails), s.log, err)
			}
		})
	}
}

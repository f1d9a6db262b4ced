package imap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/imap"
)

// harvestAll visits a mailbox until a visit finds nothing new, at most so many
// times, and returns what came and the errors on the way.
func harvestAll(t *testing.T, c imap.Config, visits int) (all []harvest.Message, errs []error) {
	t.Helper()
	source := imap.New(c)
	cur := harvest.Cursor{Folder: "INBOX"}
	for range visits {
		finished := func() bool {
			session, err := source.Open(context.Background())
			if err != nil {
				errs = append(errs, err)
				return false
			}
			defer session.Close(context.Background())
			for {
				batch, err := session.Next(context.Background(), cur)
				if err != nil {
					errs = append(errs, err)
					return false
				}
				cur = batch.Cursor
				if len(batch.Messages) == 0 {
					return true
				}
				all = append(all, batch.Messages...)
			}
		}()
		if finished {
			break
		}
	}
	return all, errs
}

// checkWhole holds every message against what the server has.
func checkWhole(t *testing.T, s *script, got []harvest.Message) {
	t.Helper()
	if len(got) != len(s.mails) {
		t.Errorf("%d messages of %d", len(got), len(s.mails))
	}
	for i, m := range got {
		if i > 0 && m.UID <= got[i-1].UID {
			t.Errorf("UID %d after %d", m.UID, got[i-1].UID)
		}
		if m.Gone || m.Poison != nil || string(m.Raw) != s.mails[int(m.UID)] {
			t.Errorf("UID %d: gone %v, poison %v, %d bytes", m.UID, m.Gone, m.Poison, len(m.Raw))
		}
	}
}

// Faults that pass: the first FETCH of bodies goes wrong, later ones don't.
func TestPassingFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(c *scriptConn, raw string)
		text  string // in the error; empty when the session mends it
	}{
		"FIN in a literal": {func(c *scriptConn, raw string) {
			c.say("* 2 FETCH (UID 2 BODY[] {%d}\r\n%s", len(raw), raw[:20])
			c.Close()
		}, ""},
		"RST in a literal": {func(c *scriptConn, raw string) {
			c.say("* 2 FETCH (UID 2 BODY[] {%d}\r\n%s", len(raw), raw[:20])
			c.Conn.(*net.TCPConn).SetLinger(0)
			c.Close()
		}, ""},
		"FIN between messages": {func(c *scriptConn, raw string) { c.Close() }, ""},
		"BYE and FIN":          {func(c *scriptConn, raw string) { c.say("* BYE too busy\r\n"); c.Close() }, "server said: BYE too busy"},
		"BYE without FIN":      {func(c *scriptConn, raw string) { c.say("* BYE sleepy\r\n"); c.wait() }, "server said: BYE sleepy"},
		"silence":              {func(c *scriptConn, raw string) { c.wait() }, "fell silent for 700ms"},
		"silence in a line":    {func(c *scriptConn, raw string) { c.say("* 2 FET"); c.wait() }, "fell silent"},
		"silence in a literal": {func(c *scriptConn, raw string) {
			c.say("* 2 FETCH (UID 2 BODY[] {%d}\r\n%s", len(raw), raw[:20])
			c.wait()
		}, "fell silent"},
		"unknown response":   {func(c *scriptConn, raw string) { c.say("* VANISHED (EARLIER) 1:3\r\n") }, ""},
		"blank line":         {func(c *scriptConn, raw string) { c.say("\r\n") }, ""},
		"stray continuation": {func(c *scriptConn, raw string) { c.say("+ go on\r\n") }, ""},
		"unknown tag":        {func(c *scriptConn, raw string) { c.say("X9 OK done\r\n") }, ""},
		"own attribute":      {func(c *scriptConn, raw string) { c.say("* 2 FETCH (UID 2 X-GM-MSGID 1)\r\n") }, ""},
		"negative size":      {func(c *scriptConn, raw string) { c.say("* 2 FETCH (UID 2 RFC822.SIZE -1)\r\n") }, ""},
		"literal too long":   {func(c *scriptConn, raw string) { c.say("* 2 FETCH (UID 2 BODY[] {5}\r\n%s)\r\n", raw) }, ""},
		"garbage":            {func(c *scriptConn, raw string) { c.say("\x00\xff\x16\x03garbage\r\n") }, ""},
		"throttled": {func(c *scriptConn, raw string) {
			c.say("%s NO Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n", c.tag)
		}, "server said: NO Request is throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3, 4, 5)
			var broken atomic.Bool
			s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
				if uid != 2 || broken.Swap(true) {
					return false
				}
				test.fault(c, raw)
				return true
			})
			c := s.start(t)
			if strings.Contains(name, "silence") || name == "BYE without FIN" {
				c.Timeout = 700 * time.Millisecond
			}
			got, errs := harvestAll(t, c, 4)
			checkWhole(t, s, got)
			if test.text == "" {
				if len(errs) > 0 {
					t.Error(errs)
				}
				return
			}
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), test.text) {
				t.Fatalf("%q not in %q", test.text, errs)
			}
			if after := harvest.RetryAfter(errs[0]); (name == "throttled") != (after == 299961*time.Millisecond) {
				t.Errorf("retry after %v", after)
			}
		})
	}
}

// wait is silent until the client hangs up.
func (c *scriptConn) wait() {
	var b [1]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			return
		}
	}
}

// Answers that go-imap loses or that look like something else: every message
// still arrives, in one visit.
func TestOddAnswers(t *testing.T) {
	for name, answer := range map[string]func(c *scriptConn, number, uid int, raw string){
		"flags first": func(c *scriptConn, number, uid int, raw string) {
			c.say("* %d FETCH (FLAGS (\\Seen) UID %d)\r\n", number, uid)
			c.fetch(uid, true)
		},
		"UID after the body": func(c *scriptConn, number, uid int, raw string) {
			c.say("* %d FETCH (BODY[] {%d}\r\n%s UID %d)\r\n", number, len(raw), raw, uid)
		},
		"no UID": func(c *scriptConn, number, uid int, raw string) {
			c.say("* %d FETCH (BODY[] {%d}\r\n%s)\r\n", number, len(raw), raw)
		},
		"left out": func(*scriptConn, int, int, string) {},
		"asides": func(c *scriptConn, number, uid int, raw string) {
			c.say("* NO [ALERT] disk is filling\r\n* BAD really\r\n* OK [UNKNOWN-CODE x] y\r\n* 9 EXISTS\r\n")
			c.fetch(uid, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 30, 400, 5000)
			s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
				if uid%2 == 0 {
					answer(c, number, uid, raw)
				}
				return uid%2 == 0
			})
			got, errs := harvestAll(t, s.start(t), 1)
			checkWhole(t, s, got)
			if len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

// A message that breaks the connection each time is passed over in the end,
// and its neighbors arrive whole.
func TestPoisonIsPassedOver(t *testing.T) {
	s := newScript(t, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
		if uid == 6 {
			c.say("* %d FETCH (UID 6 EMAILID (x))\r\n", number)
		}
		return uid == 6
	})
	got, errs := harvestAll(t, s.start(t), 1)
	if len(got) != 9 || len(errs) > 0 {
		t.Fatalf("%d messages, %d errors", len(got), len(errs))
	}
	for _, m := range got {
		if (m.UID == 6) != (m.Poison != nil) {
			t.Errorf("UID %d: %v", m.UID, m.Poison)
		}
	}
}

// A server that breaks on every message is not taken for a mailbox full of
// poison.
func TestBrokenServerIsNoPoison(t *testing.T) {
	for _, uids := range [][]int{{1}, {1, 2, 3, 4, 5}} {
		s := newScript(t, uids...)
		var broken atomic.Bool
		broken.Store(true)
		s.hook = each(func(c *scriptConn, uid, number int, raw string) bool {
			if broken.Load() {
				c.Close()
			}
			return broken.Load()
		})
		c := s.start(t)
		source := imap.New(c)
		visit := func() ([]harvest.Message, error) {
			session, err := source.Open(context.Background())
			if err != nil {
				return nil, err
			}
			defer session.Close(context.Background())
			batch, err := session.Next(context.Background(), harvest.Cursor{Folder: "INBOX"})
			return batch.Messages, err
		}
		for range 8 {
			if got, err := visit(); err == nil {
				t.Fatalf("of %d messages: %v", len(uids), got)
			}
		}
		if n := s.saw("AUTHENTICATE"); n > 30 {
			t.Errorf("%d sign-ins in 8 visits", n)
		}
		broken.Store(false)
		if got, err := visit(); err != nil || len(got) == 0 || got[0].Poison != nil {
			t.Errorf("after it was mended: %v %v", got, err)
		}
	}
}

func TestServerCannotDeliverOne(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	s.hook = func(c *scriptConn, command string) bool {
		switch {
		case strings.HasPrefix(command, "UID FETCH") && strings.Contains(command, "BODY"):
			c.fetch(1, true)
			c.fetch(3, true)
		case strings.HasPrefix(command, "FETCH"):
		default:
			return false
		}
		c.say("%s NO [SERVERBUG] Some messages could not be FETCHed\r\n", c.tag)
		return true
	}
	got, errs := harvestAll(t, s.start(t), 1)
	if len(got) != 3 || len(errs) != 0 || got[1].Poison == nil || got[0].Poison != nil || got[2].Poison != nil {
		t.Errorf("%v %v", got, errs)
	}
}

const madeUp = "From: System Administrator <postmaster@example.org>\r\nSubject: message unavailable\r\n\r\nIt is gone.\r\n"

// The ways in which servers hand out a message that was just expunged.
func TestGone(t *testing.T) {
	for name, body := range map[string]string{
		"NIL": "NIL", "empty": `""`, "zero": "{0}\r\n",
		"made up": fmt.Sprintf("{%d}\r\n%s", len(madeUp), madeUp),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 3)
			asked := false
			s.hook = func(c *scriptConn, command string) bool {
				switch {
				case strings.HasPrefix(command, "SELECT"):
					c.say("* 3 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted)] x\r\n* OK [UIDVALIDITY 7] x\r\n")
				case strings.HasPrefix(command, "UID SEARCH") && !asked:
					asked = true
					c.say("* SEARCH 1 2 3\r\n")
				case command == "NOOP":
					c.say("* 2 EXPUNGE\r\n")
				case strings.HasPrefix(command, "UID FETCH") && strings.Contains(command, "BODY"):
					c.fetch(1, true)
					c.say("* 2 FETCH (UID 2 RFC822.SIZE 0 BODY[] %s)\r\n", body)
					c.fetch(3, true)
				default:
					return false
				}
				c.done()
				return true
			}
			got, errs := harvestAll(t, s.start(t), 1)
			if len(errs) > 0 || len(got) != 3 || !got[1].Gone || got[0].Gone || got[2].Gone {
				t.Errorf("%v %v", got, errs)
			}
		})
	}
}

func TestEmptyMessageIsDelivered(t *testing.T) {
	s := newScript(t, 1, 2)
	s.mails[2] = ""
	got, errs := harvestAll(t, s.start(t), 1)
	checkWhole(t, s, got)
	if len(errs) > 0 {
		t.Error(errs)
	}
}

func TestGreetings(t *testing.T) {
	for name, test := range map[string]struct{ greeting, text string }{
		"BYE":        {"* BYE [UNAVAILABLE] overloaded", "server said: BYE [UNAVAILABLE] overloaded"},
		"mute":       {"", "waiting for the greeting"},
		"other tool": {"220 mail.example.org ESMTP", "no IMAP server"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.greeting = test.greeting
			c := s.start(t)
			if name == "mute" {
				c.Timeout = 500 * time.Millisecond
			}
			_, errs := harvestAll(t, c, 1)
			if len(errs) != 1 || !errors.Is(errs[0], harvest.ErrUnreachable) || !strings.Contains(errs[0].Error(), test.text) {
				t.Errorf("%q not in %q", test.text, errs)
			}
			if name == "BYE" && harvest.RetryAfter(errs[0]) == 0 {
				t.Error("no time to wait")
			}
		})
	}
}

func TestLoginDisabledKeepsThePassword(t *testing.T) {
	s := newScript(t)
	s.caps = "IMAP4rev1 LOGINDISABLED STARTTLS"
	_, errs := harvestAll(t, s.start(t), 1)
	if len(errs) != 1 || !errors.Is(errs[0], harvest.ErrAuth) || s.saw("LOGIN")+s.saw("AUTHENTICATE") > 0 {
		t.Errorf("%v %v", errs, s.log)
	}
}

func TestMailboxWithoutPermission(t *testing.T) {
	s := newScript(t)
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "SELECT") {
			c.say("%s BAD User is authenticated but not connected.\r\n", c.tag)
			return true
		}
		return false
	}
	_, errs := harvestAll(t, s.start(t), 1)
	if len(errs) != 1 || !errors.Is(errs[0], harvest.ErrAuth) || !strings.Contains(errs[0].Error(), "FullAccess") {
		t.Error(errs)
	}
}

func TestHostileSearch(t *testing.T) {
	s := newScript(t, 1)
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "UID SEARCH") {
			c.say("* ESEARCH (TAG %q) UID ALL 1:4294967295\r\n", c.tag)
			c.done()
			return true
		}
		return false
	}
	_, errs := harvestAll(t, s.start(t), 1)
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "far more than the folder holds") {
		t.Error(errs)
	}
}

func TestEndlessLine(t *testing.T) {
	s := newScript(t, 1)
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "UID SEARCH") {
			c.say("* SEARCH ")
			piece := strings.Repeat("1", 1<<20)
			for {
				if _, err := c.Write([]byte(piece)); err != nil {
					return true
				}
			}
		}
		return false
	}
	c := s.start(t)
	c.Timeout = 5 * time.Second
	_, errs := harvestAll(t, c, 1)
	if len(errs) != 1 {
		t.Error(errs)
	}
}

// Sparse UIDs make long sets; no line may pass what RFC 7162 advises.
func TestLinesStayShort(t *testing.T) {
	s := newScript(t)
	for i := range 1200 {
		s.mails[1_000_000_000+7*i] = "Subject: x\r\n\r\n"
	}
	c := s.start(t)
	c.BatchMessages = 3000
	got, errs := harvestAll(t, c, 1)
	checkWhole(t, s, got)
	for _, command := range s.log {
		if len(command) > 8100 {
			t.Errorf("a line of %d bytes", len(command))
		}
	}
	if len(errs) > 0 {
		t.Error(errs)
	}
}

// Without UIDVALIDITY each visit reads all, and content tells what is known.
func TestNoUIDValidity(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	s.uidValidity = 0
	c := s.start(t)
	c.BatchMessages = 2
	source := imap.New(c)
	cur := harvest.Cursor{Folder: "INBOX"}
	for range 2 {
		session, err := source.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []harvest.Message
		got, cur = drain(t, session, cur)
		checkWhole(t, s, got)
		session.Close(context.Background())
	}
}

// Nothing but reading is ever sent to a mailbox that keeps its mail.
func TestKeepChangesNothing(t *testing.T) {
	s := newScript(t, 1, 2, 3)
	c := s.start(t)
	c.ReadOnly = true
	session := open(t, c)
	got, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	done, err := session.Settle(context.Background(), "INBOX", []harvest.Settlement{{Locator: got[0].Locator}})
	if err != nil || len(done) != 1 {
		t.Errorf("done %d: %v", len(done), err)
	}
	for _, command := range s.log {
		if verb := strings.Fields(command); strings.HasPrefix(command, "SELECT") || len(verb) > 1 && verb[0] == "UID" && verb[1] != "FETCH" && verb[1] != "SEARCH" {
			t.Error("sent", command)
		}
	}
}

// A canceled context ends a session that hangs, at once.
func TestCancelEndsSilence(t *testing.T) {
	s := newScript(t, 1)
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "UID FETCH") {
			c.wait()
			return true
		}
		return false
	}
	c := s.start(t)
	c.Timeout = time.Hour
	session := open(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := session.Next(ctx, harvest.Cursor{Folder: "INBOX"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A poll that finds nothing costs four round trips.
func TestIdlePollIsCheap(t *testing.T) {
	s := newScript(t, 1)
	s.greeting = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready"
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "AUTHENTICATE") {
			c.say("%s OK [CAPABILITY IMAP4rev1 UIDPLUS] done\r\n", c.tag)
			return true
		}
		return false
	}
	c := s.start(t)
	session, err := imap.New(c).Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Next(context.Background(), harvest.Cursor{Folder: "INBOX", UIDValidity: 7, LastUID: 1}); err != nil {
		t.Fatal(err)
	}
	session.Close(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) != 4 {
		t.Error(s.log)
	}
}

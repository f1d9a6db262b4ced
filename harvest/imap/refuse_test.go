package imap_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"harvester/harvest"
)

func settlements(d harvest.Disposition, target string, uids ...uint32) (todo []harvest.Settlement) {
	for _, uid := range uids {
		todo = append(todo, harvest.Settlement{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 7, UID: uid}, Disposition: d, Target: target})
	}
	return todo
}

// Nothing counts as done that a server only confirmed.
func TestConfirmedAndNotDone(t *testing.T) {
	for name, test := range map[string]struct {
		disposition harvest.Disposition
		ignores     string // command
		kind        error
		text        string
	}{
		"seen":          {harvest.Seen, "UID STORE", harvest.ErrUndone, "left 2 messages as they were: UID 1:2"},
		"expunge":       {harvest.Delete, "UID EXPUNGE", harvest.ErrUndone, "left 2 messages"},
		"move":          {harvest.Move, "UID MOVE", harvest.ErrUndone, "left 2 messages"},
		"nothing there": {harvest.Move, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2)
			s.hook = func(c *scriptConn, command string) bool {
				if test.ignores == "" || !strings.HasPrefix(command, test.ignores) {
					return false
				}
				c.done()
				return true
			}
			done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(test.disposition, "Done", 1, 2))
			if !errors.Is(err, test.kind) || test.kind != nil && (len(done) != 0 || !strings.Contains(err.Error(), test.text)) || test.kind == nil && len(done) != 2 {
				t.Errorf("%d done: %v", len(done), err)
			}
		})
	}
}

// What the rights don't allow is said before anything is tried: no copy is left
// behind.
func TestRightsAreAskedForBefore(t *testing.T) {
	for _, test := range []struct {
		rights, permanent string
		disposition       harvest.Disposition
		ok                bool
	}{
		{"lr", `\Seen`, harvest.Seen, false},
		{"lrs", `\Seen \Deleted`, harvest.Seen, true},
		{"lrst", `\Seen \Deleted`, harvest.Delete, false},
		{"lrst", `\Seen \Deleted`, harvest.Move, false},
		{"lrsd", `\Seen \Deleted`, harvest.Delete, true},
		{"lrstd", `\Seen \Deleted`, harvest.Delete, false}, // so Dovecot and Cyrus say lrst
		{"lrstd", `\Seen \Deleted`, harvest.Move, false},
		{"lrte", `\Deleted`, harvest.Move, true},
		{"lrte", `\Deleted`, harvest.Seen, false},
		{"", `\Deleted`, harvest.Seen, false},
		{"", `\Seen`, harvest.Delete, false},
		{"", ``, harvest.Delete, false},
	} {
		s := newScript(t, 1)
		if test.rights != "" {
			s.caps += " ACL"
		}
		s.hook = func(c *scriptConn, command string) bool {
			switch {
			case strings.HasPrefix(command, "SELECT"):
				c.say("* 1 EXISTS\r\n* OK [PERMANENTFLAGS (%s)] x\r\n* OK [UIDVALIDITY 7] x\r\n", test.permanent)
			case strings.HasPrefix(command, "MYRIGHTS"):
				c.say("* MYRIGHTS INBOX %s\r\n", test.rights)
			default:
				return false
			}
			c.done()
			return true
		}
		done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(test.disposition, "Done", 1))
		changed := s.saw("UID STORE") + s.saw("UID MOVE") + s.saw("UID COPY") + s.saw("UID EXPUNGE")
		if test.ok != (err == nil) || test.ok != (len(done) == 1) || test.ok != (changed > 0) {
			t.Errorf("rights %q, flags %q, %s: %d done, %d commands, %v", test.rights, test.permanent, test.disposition, len(done), changed, err)
		}
		if !test.ok && !harvest.OfFolder(err) {
			t.Errorf("kind of %v", err)
		}
	}
}

// One target that is refused keeps no other from being served.
func TestOneRefusedTarget(t *testing.T) {
	for words, kind := range map[string]error{
		"NO [OVERQUOTA] Quota exceeded (mailbox for user is full)": harvest.ErrQuota,
		"NO [NOPERM] Permission denied":                            harvest.ErrDenied,
		"NO something else":                                        nil,
	} {
		s := newScript(t, 1, 2, 3, 4)
		s.hook = func(c *scriptConn, command string) bool {
			switch {
			case strings.HasPrefix(command, "UID MOVE") && strings.Contains(command, "Full"):
				c.say("%s %s\r\n", c.tag, words)
			case strings.HasPrefix(command, "LIST"):
				c.say("* LIST () \"/\" Full\r\n")
				c.done()
			default:
				return false
			}
			return true
		}
		todo := append(settlements(harvest.Move, "Full", 1, 2), append(settlements(harvest.Move, "Done", 3), settlements(harvest.Seen, "", 4)...)...)
		done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", todo)
		if len(done) != 2 || done[0].UID != 3 || done[1].UID != 4 || err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("done %v: %v", done, err)
		}
		if kind != nil && !errors.Is(err, kind) || harvest.RetryAfter(err) != 0 {
			t.Errorf("kind of %v, wait %v", err, harvest.RetryAfter(err))
		}
	}
}

// QUIRK: mox answers NO to a MOVE whose UIDs are gone, and so to one of which
// some are.
func TestMoveOfWhatIsGone(t *testing.T) {
	s := newScript(t, 2)
	s.hook = func(c *scriptConn, command string) bool {
		if strings.HasPrefix(command, "UID MOVE") && len(c.asked(strings.Fields(command)[2])) == 0 {
			c.say("%s NO UID MOVE no matching messages to move\r\n", c.tag)
			return true
		}
		return false
	}
	done, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(harvest.Move, "Done", 1))
	if err != nil || len(done) != 1 || s.saw("CREATE") > 0 {
		t.Errorf("%v: %v", done, err)
	}
}

// A name that the server doesn't take is said to be wrong, and how it is right, by
// the namespace, or by the separator alone, which may be missing or odd.
func TestNameOfTheTarget(t *testing.T) {
	const dots = `(("INBOX." "."))`
	for _, test := range []struct{ separator, namespace, target, right string }{
		{"", dots, "Done", `"INBOX.Done"`},
		{"", dots, "Done/2026", `"INBOX.Done.2026"`},
		{"", dots, "INBOX.Done/2026", `"INBOX.Done.2026"`},
		{"", dots, "INBOX/Done", `"INBOX.Done"`},
		{"", `(("" "/"))`, "Done", "make it by hand"},
		{"NIL", "", "Done/2026", "make it by hand"},
		{`"|"`, "", "Done/2026", `"Done|2026"`},
		{`"\\"`, "", "Done/2026", `"Done\\2026"`},
		{`"/"`, `(("" NIL))`, "Done/2026", "make it by hand"},
		{`"/"`, `NIL`, "Done/2026", "make it by hand"},
		{`"^"`, `NIL`, "Done/2026", `"Done^2026"`},
	} {
		s := newScript(t, 1)
		if test.namespace != "" {
			s.caps += " NAMESPACE"
		}
		s.hook = func(c *scriptConn, command string) bool {
			switch {
			case strings.HasPrefix(command, "UID MOVE"):
				c.say("%s NO [TRYCREATE] no such mailbox\r\n", c.tag)
			case strings.HasPrefix(command, "CREATE"):
				c.say("%s NO Invalid mailbox name\r\n", c.tag)
			case command == `LIST "" ""` && test.separator != "":
				c.say("* LIST (\\Noselect) %s \"\"\r\n", test.separator)
				c.done()
			case command == "NAMESPACE":
				c.say("* NAMESPACE %s NIL NIL\r\n", test.namespace)
				c.done()
			default:
				return false
			}
			return true
		}
		_, err := open(t, s.start(t)).Settle(context.Background(), "INBOX", settlements(harvest.Move, test.target, 1))
		if !errors.Is(err, harvest.ErrFolder) || !strings.Contains(err.Error(), test.right) {
			t.Errorf("%s by %s, %s: %v", test.target, test.separator, test.namespace, err)
		}
	}
}

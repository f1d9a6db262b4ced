package imap_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
)

// manyParts is a message of so many parts.
func manyParts(n int) (whole, cut string) {
	var b strings.Builder
	b.WriteString("From: MAILER-DAEMON@mx.example.net\r\nSubject: many\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n")
	for i := range n {
		if i == 299 {
			cut = b.String() + "--b\r\n"
		}
		fmt.Fprintf(&b, "--b\r\n\r\npart %d, whose RFC822 is no name\r\n", i)
	}
	b.WriteString("--b--\r\n")
	return b.String(), cut
}

// QUIRK: Courier-IMAP 5.0.13 cuts BODY[] and RFC822.SIZE after 299 parts.
func TestManyParts(t *testing.T) {
	whole, short := manyParts(1000)
	for name, test := range map[string]struct {
		said     string // instead of an answer to RFC822
		want     string
		readOnly bool
		halves   bool
	}{
		"as Courier":         {want: whole},
		"keep":               {want: whole, readOnly: true},
		"in halves":          {want: whole, halves: true},
		"no such item":       {said: "BAD unknown item", want: short},
		"nothing but an OK":  {said: "OK done", want: short},
		"no longer, no more": {said: "short", want: short},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 1, 2, 3)
			s.mails[2] = short
			mode := ""
			s.hook = func(c *scriptConn, command string) bool {
				verb, _, _ := strings.Cut(command, " ")
				if verb == "SELECT" || verb == "EXAMINE" {
					mode = verb
				}
				if !strings.HasPrefix(command, "UID FETCH 2 ") || !strings.HasSuffix(command, " RFC822)") {
					return false
				}
				if mode != "EXAMINE" {
					t.Errorf("%s after %s sets \\Seen", command, mode)
				}
				body := whole
				switch test.said {
				case "":
				case "short":
					body = short
				default:
					c.say("%s %s\r\n", c.tag, test.said)
					return true
				}
				c.say("* 2 FETCH (UID 2 RFC822.SIZE %d RFC8", len(short))
				if test.halves {
					time.Sleep(20 * time.Millisecond) // so that two packets come
				}
				c.say("22 {%d}\r\n%s)\r\n* 2 FETCH (FLAGS (\\Recent))\r\n", len(body), body)
				c.done()
				return true
			}
			c := s.start(t)
			c.ReadOnly = test.readOnly
			got, cur, err := visit(t, c, harvest.Cursor{Folder: "INBOX"})
			s.mails[2] = test.want
			checkWhole(t, s, got)
			if err != nil {
				t.Error(err)
			}
			if !test.readOnly && mode != "SELECT" {
				t.Errorf("left open by %s", mode)
			}
			if again, _, err := visit(t, c, cur); len(again) != 0 || err != nil {
				t.Errorf("again %d: %v", len(again), err)
			}
		})
	}
}

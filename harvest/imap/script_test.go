package imap_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"harvester/harvest/auth"
	"harvester/harvest/imap"
)

// script is a server that speaks just enough IMAP, and misbehaves where a test
// wants it to.
type script struct {
	greeting    string
	caps        string
	uidValidity int
	mails       map[int]string // by UID
	flags       map[int]string
	// hook sees each command first and says whether it has answered it.
	hook func(c *scriptConn, command string) bool

	addr string
	mu   sync.Mutex
	log  []string
	lis  net.Listener
	wg   sync.WaitGroup
}

type scriptConn struct {
	net.Conn
	s   *script
	tag string
}

func newScript(t *testing.T, uids ...int) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{
		greeting: "* OK ready", caps: "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE", uidValidity: 7,
		mails: map[int]string{}, flags: map[int]string{}, addr: l.Addr().String(), lis: l,
	}
	for _, uid := range uids {
		s.mails[uid] = string(testMail(uid))
	}
	t.Cleanup(func() { l.Close(); s.wg.Wait() })
	return s
}

// start serves until the test ends. Scripts must be complete by then.
func (s *script) start(t *testing.T) imap.Config {
	s.wg.Go(func() {
		for {
			conn, err := s.lis.Accept()
			if err != nil {
				return
			}
			stop := make(chan struct{})
			t.Cleanup(func() { conn.Close(); <-stop })
			s.wg.Go(func() { defer close(stop); s.serve(conn) })
		}
	})
	return imap.Config{
		Name: "bounces", Server: s.addr, TLS: imap.TLSNone, Folders: []string{"INBOX"},
		Auth: &auth.Password{Username: "u", Secret: auth.Literal("secret")}, Timeout: 20 * time.Second,
	}
}

func (c *scriptConn) say(format string, a ...any) { fmt.Fprintf(c, format, a...) }

func (c *scriptConn) done() { c.say("%s OK done\r\n", c.tag) }

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	c := &scriptConn{Conn: conn, s: s}
	if s.greeting == "" {
		io.Copy(io.Discard, conn) // mute
		return
	}
	c.say("%s\r\n", s.greeting)
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var command string
		c.tag, command, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		s.mu.Lock()
		s.log = append(s.log, command)
		s.mu.Unlock()
		if s.hook != nil && s.hook(c, command) {
			continue
		}
		c.answer(command)
	}
}

// saw counts the commands that begin with prefix.
func (s *script) saw(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, command := range s.log {
		if strings.HasPrefix(command, prefix) {
			n++
		}
	}
	return n
}

// has says whether a flag was set.
func (s *script) has(uid int, flag string) bool { return strings.Contains(s.flags[uid], flag) }

func (s *script) uids() []int {
	var uids []int
	for uid := range s.mails {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids
}

func (c *scriptConn) answer(command string) {
	s := c.s
	word := func(i int) string { return strings.Fields(command)[i] }
	switch {
	case command == "CAPABILITY":
		c.say("* CAPABILITY %s\r\n", s.caps)
		c.done()
	case strings.HasPrefix(command, "EXAMINE"), strings.HasPrefix(command, "SELECT"):
		c.say("* %d EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted)] x\r\n", len(s.mails))
		if s.uidValidity != 0 {
			c.say("* OK [UIDVALIDITY %d] x\r\n", s.uidValidity)
		}
		c.done()
	case strings.HasPrefix(command, "UID SEARCH"):
		uids := s.uids()
		if _, set, ok := strings.Cut(command, " UID "); ok {
			uids = c.asked(strings.Fields(set)[0])
		}
		c.say("* SEARCH")
		for _, uid := range uids {
			if strings.Contains(command, "UNDELETED") && s.has(uid, `\Deleted`) || strings.Contains(command, "UNSEEN") && s.has(uid, `\Seen`) {
				continue
			}
			c.say(" %d", uid)
		}
		c.say("\r\n")
		c.done()
	case strings.HasPrefix(command, "SEARCH"):
		uid, _ := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(command))
		c.say("* SEARCH")
		if i := slices.Index(s.uids(), uid); i >= 0 {
			c.say(" %d", i+1)
		}
		c.say("\r\n")
		c.done()
	case strings.HasPrefix(command, "UID FETCH"):
		for _, uid := range c.asked(word(2)) {
			c.fetch(uid, strings.Contains(command, "BODY.PEEK[]"))
		}
		c.done()
	case command == "FETCH 1:* (UID)":
		for i, uid := range s.uids() {
			c.say("* %d FETCH (UID %d)\r\n", i+1, uid)
		}
		c.done()
	case strings.HasPrefix(command, "FETCH"):
		number, _ := strconv.Atoi(word(1))
		c.fetch(s.uids()[number-1], true)
		c.done()
	case strings.HasPrefix(command, "UID STORE"):
		for _, uid := range c.asked(word(2)) {
			if strings.Contains(command, " -FLAGS") {
				s.flags[uid] = ""
				continue
			}
			s.flags[uid] += command
		}
		c.done()
	case strings.HasPrefix(command, "UID MOVE"), strings.HasPrefix(command, "UID EXPUNGE"):
		for _, uid := range c.asked(word(2)) {
			if word(1) == "MOVE" || s.has(uid, `\Deleted`) {
				c.say("* %d EXPUNGE\r\n", slices.Index(s.uids(), uid)+1)
				delete(s.mails, uid)
			}
		}
		c.done()
	default: // NOOP, LOGIN, AUTHENTICATE, COPY, LOGOUT, …
		c.done()
	}
}

// asked are the existing UIDs of a set.
func (c *scriptConn) asked(set string) []int {
	var uids []int
	for _, uid := range c.s.uids() {
		for part := range strings.SplitSeq(set, ",") {
			from, to, isRange := strings.Cut(part, ":")
			if !isRange {
				to = from
			}
			low, _ := strconv.Atoi(from)
			high, _ := strconv.Atoi(to)
			if low <= uid && uid <= high {
				uids = append(uids, uid)
			}
		}
	}
	return uids
}

func (c *scriptConn) fetch(uid int, body bool) {
	number := slices.Index(c.s.uids(), uid) + 1
	raw := c.s.mails[uid]
	if !body {
		c.say("* %d FETCH (UID %d RFC822.SIZE %d)\r\n", number, uid, len(raw))
		return
	}
	c.say("* %d FETCH (UID %d RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", number, uid, len(raw), len(raw), raw)
}

// each answers a FETCH of bodies message by message.
func each(f func(c *scriptConn, uid, number int, raw string) bool) func(*scriptConn, string) bool {
	return func(c *scriptConn, command string) bool {
		if !strings.HasPrefix(command, "UID FETCH") || !strings.Contains(command, "BODY.PEEK[]") {
			return false
		}
		for _, uid := range c.asked(strings.Fields(command)[2]) {
			if !f(c, uid, slices.Index(c.s.uids(), uid)+1, c.s.mails[uid]) {
				c.fetch(uid, true)
			}
		}
		c.done()
		return true
	}
}

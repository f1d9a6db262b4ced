package pop3_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/harvesttest"
	"harvester/harvest/pop3"
	"harvester/harvest/wire"
)

// script is a POP3 server in memory that misbehaves where a test wants it to.
type script struct {
	mails []scriptMail
	stat  int                      // more than it lists
	keeps bool                     // QUIT deletes nothing
	hook  func(line string) string // an answer of its own, or ""
	mu    sync.Mutex
}

type scriptMail struct{ uidl, raw string }

func (s *script) start(t *testing.T) pop3.Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(conn) })
		}
	})
	return pop3.Config{Name: "bounces", Server: l.Addr().String(), TLS: wire.None, Timeout: 20 * time.Second,
		Auth: &auth.Password{Username: "u", Secret: auth.Literal("p")}}
}

func (s *script) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock() // it locks the mailbox
	defer s.mu.Unlock()
	marked := map[int]bool{}
	say := func(format string, a ...any) { fmt.Fprintf(conn, format+"\r\n", a...) }
	each := func(value func(n int) string) {
		say("+OK")
		for n := range s.mails {
			say("%d %s", n+1, value(n))
		}
		say(".")
	}
	say("+OK ready")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		n := 0
		fmt.Sscan(rest, &n)
		if s.hook != nil {
			if answer := s.hook(lines.Text()); answer != "" {
				say("%s", answer)
				continue
			}
		}
		switch word {
		case "CAPA":
			say("-ERR unknown command")
		case "STAT":
			say("+OK %d 0", len(s.mails)+s.stat)
		case "UIDL":
			each(func(n int) string { return s.mails[n].uidl })
		case "LIST":
			each(func(n int) string { return fmt.Sprint(len(s.mails[n].raw)) })
		case "RETR":
			say("+OK")
			for line := range strings.Lines(s.mails[n-1].raw) {
				if strings.HasPrefix(line, ".") {
					line = "." + line
				}
				fmt.Fprint(conn, line)
			}
			say(".")
		case "DELE":
			marked[n-1] = true
			say("+OK")
		case "QUIT":
			var left []scriptMail
			for n, m := range s.mails {
				if !marked[n] || s.keeps {
					left = append(left, m)
				}
			}
			s.mails = left
			say("+OK")
			return
		default:
			say("+OK")
		}
	}
}

func visit(t *testing.T, c pop3.Config, cur harvest.Cursor, done harvest.Disposition) ([]harvest.Message, harvest.Cursor, error) {
	t.Helper()
	session, err := pop3.New(c).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	var all []harvest.Message
	for {
		batch, err := session.Next(t.Context(), cur)
		if err != nil {
			return all, cur, err
		}
		if cur = batch.Cursor; len(batch.Messages) == 0 {
			return all, cur, session.(harvest.Reconciler).Reconcile(t.Context(), cur)
		}
		all = append(all, batch.Messages...)
		var todo []harvest.Settlement
		for _, m := range batch.Messages {
			if m.Poison == nil {
				todo = append(todo, harvest.Settlement{Locator: m.Locator, Disposition: done})
			}
		}
		if _, err := session.Settle(t.Context(), pop3.Folder, todo); err != nil {
			return all, cur, err
		}
	}
}

// QUIRK: popa3d 1.0.3 and solid-pop3d 0.15 give different messages one UIDL.
// Each is read once all the same, and deleted only after it was read.
func TestDoubledUIDLs(t *testing.T) {
	for _, done := range []harvest.Disposition{harvest.Keep, harvest.Delete} {
		t.Run(done.String(), func(t *testing.T) {
			s := &script{}
			for n := range 20 {
				s.mails = append(s.mails, scriptMail{fmt.Sprint("u", n/3), string(harvesttest.Message(n))})
			}
			c := s.start(t)
			c.BatchMessages = 4
			got, cur, err := visit(t, c, harvest.Cursor{Folder: pop3.Folder}, done)
			content := map[string]bool{}
			for _, m := range got {
				content[string(m.Raw)] = true
			}
			if len(got) != 20 || len(content) != 20 || err != nil {
				t.Fatalf("%d messages, %d of them different: %v", len(got), len(content), err)
			}
			if want := map[bool]int{true: 0, false: 20}[done == harvest.Delete]; len(s.mails) != want {
				t.Errorf("%d are left, want %d", len(s.mails), want)
			}
			if again, _, err := visit(t, c, cur, done); len(again) != 0 || err != nil {
				t.Errorf("%d came twice: %v", len(again), err)
			}
			// One that comes under the UIDL of another that is gone is read, and
			// what was to be done with the other isn't done to it.
			s.mails = []scriptMail{{"u0", string(harvesttest.Message(99))}}
			session, err := pop3.New(c).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close(t.Context())
			old := []harvest.Settlement{{Locator: got[0].Locator, Disposition: harvest.Delete}}
			if settled, err := session.Settle(t.Context(), pop3.Folder, old); err != nil || len(settled) != 1 || len(s.mails) != 1 {
				t.Errorf("%d settled, %d are left: %v", len(settled), len(s.mails), err)
			}
			if batch, err := session.Next(t.Context(), cur); err != nil || len(batch.Messages) != 1 {
				t.Errorf("%d new: %v", len(batch.Messages), err)
			}
		})
	}
}

func TestReconcile(t *testing.T) {
	mails := []scriptMail{{"a", string(harvesttest.Message(1))}, {"b", string(harvesttest.Message(2))}}
	start := harvest.Cursor{Folder: pop3.Folder}

	s := &script{mails: mails, stat: 3}
	if got, _, err := visit(t, s.start(t), start, harvest.Keep); len(got) != 2 || !errors.Is(err, harvest.ErrUnaccounted) {
		t.Errorf("lists too few: %d, %v", len(got), err)
	}

	s = &script{mails: mails, keeps: true}
	if _, _, err := visit(t, s.start(t), start, harvest.Delete); !errors.Is(err, harvest.ErrUndone) {
		t.Errorf("keeps what it deleted: %v", err)
	}

	broken := true
	s = &script{mails: mails, hook: func(line string) string {
		if broken && line == "RETR 1" {
			return "-ERR can't read it"
		}
		return ""
	}}
	c, cur := s.start(t), start
	for n := range 2 {
		got, next, err := visit(t, c, cur, harvest.Keep)
		if len(got) != 2-n || got[0].Poison == nil || got[0].Again != (n > 0) || !errors.Is(err, harvest.ErrUnreadable) {
			t.Errorf("visit %d: %v, %v", n, got, err)
		}
		cur = next
	}
	broken = false
	got, cur, err := visit(t, c, cur, harvest.Keep)
	if len(got) != 1 || !got[0].Again || got[0].Poison != nil || err != nil {
		t.Errorf("mended: %v, %v", got, err)
	}
	if got, _, err := visit(t, c, cur, harvest.Keep); len(got) != 0 || err != nil {
		t.Errorf("afterwards: %v, %v", got, err)
	}
}

// A fault that passes is not taken for a server without UIDL.
func TestPassingRefusal(t *testing.T) {
	for words, folder := range map[string]bool{"-ERR [SYS/TEMP] disk busy": false, "-ERR what?": true} {
		s := &script{hook: func(line string) string {
			if line == "UIDL" {
				return words
			}
			return ""
		}}
		if _, _, err := visit(t, s.start(t), harvest.Cursor{Folder: pop3.Folder}, harvest.Keep); err == nil || errors.Is(err, harvest.ErrFolder) != folder {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// Servers whose lists contradict each other, or whose messages end early: what can
// be told from another message is read, whole, and what can't is said.
func TestContraryLists(t *testing.T) {
	mails := []scriptMail{{"a", string(harvesttest.Message(1))}, {"b", string(harvesttest.Message(2))}, {"c", string(harvesttest.Message(3))}}
	for name, test := range map[string]struct {
		hook func(line string) string
		read int
		kind error
	}{
		"UIDL lacks one": {func(line string) string { return map[string]string{"UIDL": "+OK\r\n1 a\r\n3 c\r\n."}[line] }, 2, harvest.ErrUnaccounted},
		"STAT and UIDL lack one": {func(line string) string {
			return map[string]string{"STAT": "+OK 2 9", "UIDL": "+OK\r\n1 a\r\n3 c\r\n."}[line]
		}, 2, harvest.ErrUnaccounted},
		"STAT of too few":     {func(line string) string { return map[string]string{"STAT": "+OK 1 9"}[line] }, 3, nil},
		"LIST of nothing":     {func(line string) string { return map[string]string{"LIST": "+OK\r\n."}[line] }, 3, nil},
		"LIST of sizes below": {func(line string) string { return map[string]string{"LIST": "+OK\r\n1 0\r\n2 -5\r\n3 x\r\n."}[line] }, 3, nil},
		"UIDL says one twice": {func(line string) string {
			return map[string]string{"UIDL": "+OK\r\n1 a\r\n2 b\r\n2 b\r\n3 c\r\n."}[line]
		}, 3, nil},
		"UIDL numbers one beyond": {func(line string) string {
			return map[string]string{"UIDL": "+OK\r\n1 a\r\n2 b\r\n3 c\r\n9 z\r\n.", "RETR 9": "-ERR no such message"}[line]
		}, 4, harvest.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{mails: mails, hook: test.hook}
			got, _, err := visit(t, s.start(t), harvest.Cursor{Folder: pop3.Folder}, harvest.Keep)
			if len(got) != test.read || !errors.Is(err, test.kind) {
				t.Errorf("%d messages, want %d: %v", len(got), test.read, err)
			}
			for _, m := range got {
				if n := strings.Index("abc", m.Name); m.Poison == nil && (n < 0 || string(m.Raw) != mails[n].raw) {
					t.Errorf("%s: %d bytes", m.Name, len(m.Raw))
				}
			}
		})
	}
}

// A server that does not double the dot at the beginning of a line ends a message
// too early. What it says then is no answer, and nothing is deleted.
func TestDotThatIsNotDoubled(t *testing.T) {
	s := &script{mails: []scriptMail{{"a", string(harvesttest.Message(1))}, {"b", string(harvesttest.Message(2))}}}
	s.hook = func(line string) string {
		if line == "RETR 1" {
			return "+OK\r\nSubject: x\r\n\r\nabove\r\n.\r\nbelow\r\n."
		}
		return ""
	}
	got, _, err := visit(t, s.start(t), harvest.Cursor{Folder: pop3.Folder}, harvest.Delete)
	s.mu.Lock() // until the server has seen the end of the connection
	defer s.mu.Unlock()
	if err == nil || len(got) > 1 || len(s.mails) != 2 {
		t.Errorf("%d messages, %d are left: %v", len(got), len(s.mails), err)
	}
}

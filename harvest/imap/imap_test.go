package imap_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
	"harvester/harvest/imap/memserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testMail(n int) []byte {
	return fmt.Appendf(nil, "Received: from a.example by b.example; Tue, 3 Nov 2026 10:00:00 +0000\r\n"+
		"Message-ID: <%d@example.org>\r\nSubject: %d\r\n\r\n%s\r\n", n, n, strings.Repeat("x", n%500))
}

func startMem(t *testing.T, n int) *memserver.Server {
	t.Helper()
	s, err := memserver.Start("bounces@example.org", "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for i := range n {
		if err := s.Append("INBOX", testMail(i)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func memConfig(s *memserver.Server) imap.Config {
	return imap.Config{
		Name: "bounces", Server: s.Addr, TLS: imap.TLSNone, Folders: []string{"INBOX"}, ReadOnly: true,
		Auth: &auth.Password{Username: s.Username, Secret: auth.Literal(s.Password)}, Timeout: 5 * time.Second,
	}
}

func open(t *testing.T, c imap.Config) harvest.Session {
	t.Helper()
	s, err := imap.New(c).Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// drain reads a folder to its end.
func drain(t *testing.T, s harvest.Session, cur harvest.Cursor) ([]harvest.Message, harvest.Cursor) {
	t.Helper()
	var all []harvest.Message
	for {
		batch, err := s.Next(context.Background(), cur)
		if err != nil {
			t.Fatal(err)
		}
		cur = batch.Cursor
		if len(batch.Messages) == 0 {
			return all, cur
		}
		all = append(all, batch.Messages...)
	}
}

func TestReadsEachMessageOnce(t *testing.T) {
	s := startMem(t, 57)
	c := memConfig(s)
	c.BatchMessages = 10
	session := open(t, c)
	got, cur := drain(t, session, harvest.Cursor{Mailbox: "bounces", Folder: "INBOX"})
	if len(got) != 57 {
		t.Fatalf("%d messages", len(got))
	}
	for i, m := range got {
		if want := testMail(i); string(m.Raw) != string(want) || m.Hash != sha256.Sum256(want) || m.Received.IsZero() || m.Truncated {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	if err := s.Append("INBOX", testMail(57)); err != nil {
		t.Fatal(err)
	}
	more, _ := drain(t, session, cur)
	if len(more) != 1 || more[0].UID != 58 {
		t.Errorf("after one more: %v", more)
	}
}

// What is passed over as old is read neither at once nor later.
func TestNewest(t *testing.T) {
	s := startMem(t, 25)
	for n, want := range map[int]int{1: 1, 10: 10, 25: 25, 200: 25} {
		c := memConfig(s)
		c.BatchMessages = 4
		session := open(t, c)
		cur, err := session.(harvest.Skipper).Newest(t.Context(), "INBOX", n)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := drain(t, session, cur)
		if len(got) != want {
			t.Fatalf("the newest %d: %d messages", n, len(got))
		}
		if last := got[len(got)-1]; string(last.Raw) != string(testMail(24)) {
			t.Errorf("the newest %d end with %s", n, last.Locator)
		}
	}
}

func TestCutsLargeMessages(t *testing.T) {
	s := startMem(t, 0)
	large := append(testMail(1), strings.Repeat("y", 100_000)...)
	for range 3 {
		if err := s.Append("INBOX", large); err != nil {
			t.Fatal(err)
		}
	}
	c := memConfig(s)
	c.MaxMessage, c.BatchBytes = 1000, 2000
	got, _ := drain(t, open(t, c), harvest.Cursor{Folder: "INBOX"})
	if len(got) != 3 {
		t.Fatalf("%d messages", len(got))
	}
	for _, m := range got {
		if !m.Truncated || len(m.Raw) != 1000 || m.Size != int64(len(large)) || m.Hash != sha256.Sum256(large) {
			t.Errorf("truncated %v, kept %d of %d", m.Truncated, len(m.Raw), m.Size)
		}
	}
}

func TestSettle(t *testing.T) {
	s := startMem(t, 6)
	c := memConfig(s)
	c.ReadOnly = false
	session := open(t, c)
	got, cur := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	todo := []harvest.Settlement{
		{Locator: got[0].Locator},
		{Locator: got[1].Locator, Disposition: harvest.Seen},
		{Locator: got[2].Locator, Disposition: harvest.Move, Target: "Done"},
		{Locator: got[3].Locator, Disposition: harvest.Move, Target: "Done"},
		{Locator: got[4].Locator, Disposition: harvest.Delete},
	}
	done, err := session.Settle(context.Background(), "INBOX", todo)
	if err != nil || len(done) != len(todo) {
		t.Fatalf("done %d of %d: %v", len(done), len(todo), err)
	}
	left, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	moved, _ := drain(t, session, harvest.Cursor{Folder: "Done"})
	if len(left) != 3 || len(moved) != 2 {
		t.Errorf("left %d, moved %d", len(left), len(moved))
	}
	if after, _ := drain(t, session, cur); len(after) != 0 {
		t.Errorf("settling made %d messages new", len(after))
	}
}

func TestSettleRefusesReadOnly(t *testing.T) {
	session := open(t, memConfig(startMem(t, 1)))
	got, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	done, err := session.Settle(context.Background(), "INBOX", []harvest.Settlement{
		{Locator: got[0].Locator, Disposition: harvest.Delete},
	})
	if !errors.Is(err, harvest.ErrFolder) || len(done) != 0 {
		t.Errorf("done %d: %v", len(done), err)
	}
}

func TestErrorsNameTheCure(t *testing.T) {
	s := startMem(t, 0)
	for name, test := range map[string]struct {
		change func(*imap.Config)
		kind   error
		texts  []string
	}{
		"password": {func(c *imap.Config) { c.Auth = &auth.Password{Username: "x", Secret: auth.Literal("y")} },
			harvest.ErrAuth, []string{"mailbox bounces: signing in as x: server said: NO [AUTHENTICATIONFAILED]", "check username and password"}},
		"host": {func(c *imap.Config) { c.Server = "nowhere.invalid:993"; c.TLS = imap.TLSImplicit },
			harvest.ErrUnreachable, []string{"connecting to nowhere.invalid:993", "check the host name"}},
		"port": {func(c *imap.Config) { c.Server = "127.0.0.1:1" },
			harvest.ErrUnreachable, []string{"connection refused", "check host and port"}},
		"tls to plain": {func(c *imap.Config) { c.TLS = imap.TLSImplicit },
			harvest.ErrUnreachable, []string{`tls = "starttls"`}},
		"no starttls": {func(c *imap.Config) { c.TLS = imap.TLSStart },
			harvest.ErrUnreachable, []string{"starting TLS: server said: ", `tls = "implicit"`}},
		"plain off loopback": {func(c *imap.Config) { c.Server = "192.0.2.1:143" },
			nil, []string{"in the clear", "loopback only"}},
		"pin": {func(c *imap.Config) { c.TLS = imap.TLSImplicit; c.Pin = "zz" },
			harvest.ErrUnreachable, []string{"is not a SHA-256"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := memConfig(s)
			test.change(&c)
			session, err := imap.New(c).Open(context.Background())
			if err == nil {
				session.Close(context.Background())
				t.Fatal("no error")
			}
			if test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("kind of %v", err)
			}
			for _, text := range test.texts {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q not in %q", text, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := open(t, memConfig(startMem(t, 0))).Next(context.Background(), harvest.Cursor{Folder: "Bounces"})
	if !errors.Is(err, harvest.ErrFolder) || !strings.Contains(err.Error(), "folders there: INBOX") {
		t.Error(err)
	}
}

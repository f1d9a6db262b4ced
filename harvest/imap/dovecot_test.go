package imap_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

func dovecotConfig(d *imaptest.Dovecot) imap.Config {
	return imap.Config{
		Name: "bounces", Server: d.IMAP, TLS: imap.TLSNone, Folders: []string{"INBOX"},
		Auth:    &auth.Password{Username: imaptest.Username, Secret: auth.Literal(imaptest.Password)},
		Timeout: 30 * time.Second,
	}
}

func deliver(d *imaptest.Dovecot, n int) {
	for i := range n {
		d.Deliver("INBOX", testMail(i))
	}
}

func TestDovecotTLS(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 3)
	good := dovecotConfig(d)
	good.CAFile = d.CAFile
	for name, test := range map[string]struct {
		change func(*imap.Config)
		text   string
	}{
		"implicit": {func(c *imap.Config) { c.Server, c.TLS = d.IMAPS, imap.TLSImplicit }, ""},
		"starttls": {func(c *imap.Config) { c.TLS = imap.TLSStart }, ""},
		"unknown authority": {func(c *imap.Config) { c.Server, c.TLS, c.CAFile = d.IMAPS, imap.TLSImplicit, "" },
			"set ca_file"},
		"wrong name": {func(c *imap.Config) {
			c.Server, c.TLS = strings.Replace(d.IMAPS, "127.0.0.1", "127.0.0.2", 1), imap.TLSImplicit
		}, "check host and port"},
		"wrong pin": {func(c *imap.Config) {
			c.Server, c.TLS, c.Pin = d.IMAPS, imap.TLSImplicit, strings.Repeat("00", 32)
		}, "not the pinned one"},
		"tls to plain":      {func(c *imap.Config) { c.TLS = imap.TLSImplicit }, `tls = "starttls"`},
		"starttls to tls":   {func(c *imap.Config) { c.Server, c.TLS = d.IMAPS, imap.TLSStart; c.Timeout = time.Second }, `tls = "implicit"`},
		"plain to tls":      {func(c *imap.Config) { c.Server = d.IMAPS; c.Timeout = time.Second }, `tls = "implicit"`},
		"pop3 port":         {func(c *imap.Config) { c.Server = d.POP3 }, "no IMAP server"},
		"starttls pop3":     {func(c *imap.Config) { c.Server, c.TLS = d.POP3, imap.TLSStart }, "no IMAP server"},
		"missing authority": {func(c *imap.Config) { c.Server, c.TLS, c.CAFile = d.IMAPS, imap.TLSImplicit, "/nowhere.pem" }, "reading the CA file"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			test.change(&c)
			session, err := imap.New(c).Open(context.Background())
			if test.text == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer session.Close(context.Background())
				if got, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"}); len(got) != 3 {
					t.Errorf("%d messages", len(got))
				}
				return
			}
			if err == nil {
				session.Close(context.Background())
				t.Fatal("no error")
			}
			if !errors.Is(err, harvest.ErrUnreachable) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q not in %q", test.text, err)
			}
		})
	}
}

func TestDovecotSettlesAgainAfterCrash(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 6)
	session := open(t, dovecotConfig(d))
	got, cur := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	todo := []harvest.Settlement{
		{Locator: got[0].Locator},
		{Locator: got[1].Locator, Disposition: harvest.Seen},
		{Locator: got[2].Locator, Disposition: harvest.Move, Target: "Done"},
		{Locator: got[3].Locator, Disposition: harvest.Move, Target: "Done"},
		{Locator: got[4].Locator, Disposition: harvest.Delete},
	}
	for range 2 {
		done, err := session.Settle(context.Background(), "INBOX", todo)
		if err != nil || len(done) != len(todo) {
			t.Fatalf("done %d of %d: %v", len(done), len(todo), err)
		}
	}
	left, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	moved, _ := drain(t, session, harvest.Cursor{Folder: "Done"})
	if len(left) != 3 || len(moved) != 2 {
		t.Errorf("left %d, moved %d", len(left), len(moved))
	}
	if after, _ := drain(t, session, cur); len(after) != 0 {
		t.Errorf("settling made %d messages new", len(after))
	}
	seen := d.Doveadm("search", "-u", imaptest.Username, "mailbox", "INBOX", "seen")
	if n := strings.Count(seen, "\n"); n != 1 {
		t.Errorf("%d messages are seen:\n%s", n, seen)
	}
}

func TestDovecotUIDValidity(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 5)
	c := dovecotConfig(d)
	read := func(cur harvest.Cursor) ([]harvest.Message, harvest.Cursor) {
		session, err := imap.New(c).Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close(context.Background())
		return drain(t, session, cur)
	}
	first, cur := read(harvest.Cursor{Folder: "INBOX"})
	d.Doveadm("mailbox", "update", "-u", imaptest.Username, "--uid-validity", "424242", "INBOX")
	second, cur := read(cur)
	if len(second) != 5 || cur.UIDValidity != 424242 || second[0].Hash != first[0].Hash {
		t.Errorf("after a new UIDVALIDITY: %d messages, cursor %+v", len(second), cur)
	}
	indexes, _ := filepath.Glob(filepath.Join(d.Maildir("INBOX"), "dovecot*"))
	for _, path := range indexes {
		os.Remove(path)
	}
	third, next := read(cur)
	if len(third) != 5 || next.UIDValidity == cur.UIDValidity {
		t.Errorf("after renumbering: %d messages, cursor %+v", len(third), next)
	}
	if again, _ := read(next); len(again) != 0 {
		t.Errorf("%d messages came twice", len(again))
	}
}

// A mailbox set back to an earlier state gives the same UIDs to other mail.
func TestDovecotRestoredFromBackup(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 3)
	read := func(cur harvest.Cursor) ([]harvest.Message, harvest.Cursor) {
		session, err := imap.New(dovecotConfig(d)).Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close(context.Background())
		return drain(t, session, cur)
	}
	_, cur := read(harvest.Cursor{Folder: "INBOX"})
	backup := t.TempDir()
	d.Stop()
	if err := os.CopyFS(backup, os.DirFS(d.Maildir("INBOX"))); err != nil {
		t.Fatal(err)
	}
	d.Restart()
	d.Deliver("INBOX", testMail(10), testMail(11))
	got, cur := read(cur)
	if len(got) != 2 || cur.LastUID != 5 {
		t.Fatalf("%d messages, cursor %+v", len(got), cur)
	}
	d.Stop()
	d.Restore("INBOX", backup)
	d.Restart()
	d.Deliver("INBOX", testMail(20))
	got, cur = read(cur)
	if len(got) != 4 || string(got[3].Raw) != string(testMail(20)) || cur.LastUID != 4 {
		t.Errorf("%d messages, cursor %+v", len(got), cur)
	}
	if again, _ := read(cur); len(again) != 0 {
		t.Errorf("%d messages came twice", len(again))
	}
}

func TestDovecotExpungedWhileReading(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 30)
	c := dovecotConfig(d)
	c.BatchMessages = 10
	reader, other := open(t, c), open(t, c)
	batch, err := reader.Next(context.Background(), harvest.Cursor{Folder: "INBOX"})
	if err != nil {
		t.Fatal(err)
	}
	uids := batch.Messages[0].Locator
	var todo []harvest.Settlement
	for uid := uint32(21); uid <= 25; uid++ {
		uids.UID = uid
		todo = append(todo, harvest.Settlement{Locator: uids, Disposition: harvest.Delete})
	}
	if _, err := other.Settle(context.Background(), "INBOX", todo); err != nil {
		t.Fatal(err)
	}
	rest, cur := drain(t, reader, batch.Cursor)
	gone, whole := 0, 0
	for _, m := range rest {
		switch {
		case m.Gone:
			gone++
		case len(m.Raw) > 0 && m.Poison == nil:
			whole++
		default:
			t.Errorf("UID %d: %v", m.UID, m.Poison)
		}
	}
	if whole != 15 || gone != 5 || cur.LastUID != 30 {
		t.Errorf("%d whole, %d gone, cursor %+v", whole, gone, cur)
	}
}

// Large messages pass through: what is allocated depends on what is kept, not
// on their size.
func TestDovecotLargeMessages(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	const size, kept = 40 << 20, 1 << 20
	large := append(testMail(1), bytes.Repeat([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n"), size/64)...)
	d.Deliver("INBOX", large, large, large)
	c := dovecotConfig(d)
	c.MaxMessage, c.Timeout = kept, time.Minute
	session := open(t, c)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	runtime.ReadMemStats(&after)
	if len(got) != 3 {
		t.Fatalf("%d messages", len(got))
	}
	for _, m := range got {
		if !m.Truncated || len(m.Raw) != kept || m.Size != int64(len(large)) || m.Hash != sha256.Sum256(large) {
			t.Errorf("kept %d of %d, truncated %v", len(m.Raw), m.Size, m.Truncated)
		}
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*kept {
		t.Errorf("%d MB were allocated for %d MB kept", used>>20, 3*kept>>20)
	}
}

func TestDovecotIdle(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 1)
	session := open(t, dovecotConfig(d))
	_, cur := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	waiter := session.(harvest.Waiter)
	if err := open(t, dovecotConfig(d)).(harvest.Waiter).Wait(context.Background(), "INBOX"); err != nil { // for what came before
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := waiter.Wait(short, "INBOX"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for nothing: %v", err)
	}
	woken := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		woken <- waiter.Wait(ctx, "INBOX")
	}()
	d.Deliver("INBOX", testMail(2))
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	if got, _ := drain(t, session, cur); len(got) != 1 {
		t.Errorf("%d messages after IDLE", len(got))
	}
}

func TestDovecotRestart(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	deliver(d, 30)
	c := dovecotConfig(d)
	c.BatchMessages = 10
	source := imap.New(c)
	first, err := source.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close(context.Background())
	batch, err := first.Next(context.Background(), harvest.Cursor{Folder: "INBOX"})
	if err != nil {
		t.Fatal(err)
	}
	d.Stop()
	cur := batch.Cursor
	got := len(batch.Messages)
	for {
		batch, err = first.Next(context.Background(), cur)
		if err != nil {
			break // what was read ahead may still come
		}
		got, cur = got+len(batch.Messages), batch.Cursor
	}
	if _, err := source.Open(context.Background()); !errors.Is(err, harvest.ErrUnreachable) {
		t.Errorf("while it is down: %v", err)
	}
	d.Restart()
	rest, _ := drain(t, open(t, c), cur)
	if got+len(rest) != 30 {
		t.Errorf("%d messages in all", got+len(rest))
	}
}

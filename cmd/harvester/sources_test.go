package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"harvester/harvest/imap/imaptest"
)

// place is one mailbox of some type: the lines that configure it, how mail
// gets there, and how many mails are left in it.
type place struct {
	lines   string
	deliver func(n int, mail string)
	left    func() int
	settles bool   // what is understood leaves the mailbox
	then    string // what a dry run says about it
}

// places makes an empty mailbox of each type.
func places(t *testing.T, dir string) map[string]place {
	t.Helper()
	server := func() *imaptest.Dovecot { return imaptest.Start(t, imaptest.Options{}) }
	login := func(s *imaptest.Dovecot, address string) string {
		return fmt.Sprintf("server = %q\nca_file = %q\nusername = %q\npassword = \"file:password\"\n", address, s.CAFile, imaptest.Username)
	}
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	files := func(path string) func() int {
		return func() (n int) {
			entries, _ := os.ReadDir(path) // without one there is no mail
			for _, e := range entries {
				if e.Type().IsRegular() {
					n++
				}
			}
			return n
		}
	}
	imap, pop := server(), server()
	maildir, mbox, spool := filepath.Join(dir, "Maildir"), filepath.Join(dir, "bounces.mbox"), filepath.Join(dir, "spool")
	for _, sub := range []string{maildir + "/cur", maildir + "/new", maildir + "/tmp", spool} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(mbox, "")
	return map[string]place{
		"imap": {
			login(imap, imap.IMAPS) + "done = \"move:Harvested\"\n",
			func(_ int, mail string) { imap.Deliver("INBOX", []byte(mail)) },
			func() int { return countMails(t, imap.Maildir("INBOX")) }, true, ", then move 3 to Harvested",
		},
		"pop3": {
			login(pop, pop.POP3S) + "done = \"delete\"\nallow_delete = true\n",
			func(_ int, mail string) { pop.Deliver("INBOX", []byte(mail)) },
			func() int { return countMails(t, pop.Maildir("INBOX")) }, true, ", then delete 3",
		},
		"maildir": {
			fmt.Sprintf("path = %q\ndone = \"move:Harvested\"\n", maildir),
			func(n int, mail string) { write(fmt.Sprintf("%s/new/17000%05d.M1P1.host", maildir, n), mail) },
			func() int { return countMails(t, maildir) }, true, ", then move 3 to Harvested",
		},
		"mbox": {
			"path = \"bounces.mbox\"\n", // from the folder of the configuration
			func(_ int, mail string) { write(mbox, "From MAILER-DAEMON Mon Nov  2 10:00:00 2026\n"+mail+"\n") },
			func() int { return 0 }, false, "",
		},
		"directory": {
			fmt.Sprintf("path = %q\ndone = \"move:done\"\n", spool),
			func(n int, mail string) { write(fmt.Sprintf("%s/%05d.eml", spool, n), mail) },
			files(spool), true, ", then move 3 to done",
		},
	}
}

// Every type of mailbox goes from the configuration into the database: each
// mail once, also what arrives later, and settled after it was stored.
func TestEveryTypeOfMailbox(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(imaptest.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, p := range places(t, dir) {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, name+".toml")
			text := fmt.Sprintf("own_domains = [\"example.org\"]\n[store]\npath = \"%s.db\"\n[[mailbox]]\nname = \"bounces\"\ntype = %q\n%s", name, name, p.lines)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			human := "From: jane@example.net\nTo: bounces@example.org\nSubject: Hello\nMessage-ID: <hello@example.net>\n\nHow are you?\n"
			deliver := func(mail string) {
				n++
				p.deliver(n, mail)
			}
			for i := range 3 {
				deliver(notice(fmt.Sprintf("%s%d@shop.example", name, i)))
			}
			deliver(human)
			if out := harvester(t, exitOK, "config", "check", "--online", "--config", file); !strings.Contains(out, "mailbox bounces: INBOX opens and holds 4 messages") {
				t.Errorf("check: %s", out)
			}
			if out := harvester(t, exitOK, "once", "--dry-run", "--config", file); !strings.Contains(out, "would store 4 messages (3 bounce, 1 none)"+p.then) {
				t.Errorf("dry run: %s", out)
			}
			if out := harvester(t, exitOK, "once", "--config", file); !strings.Contains(out, "4 read, 4 new") {
				t.Errorf("first pass: %s", out)
			}
			if left := p.left(); p.settles && left != 1 {
				t.Errorf("%d mails are left, want that of a person alone", left)
			}
			if out := harvester(t, exitOK, "once", "--config", file); !strings.Contains(out, "0 read") {
				t.Errorf("second pass: %s", out)
			}
			deliver(notice(name + "3@shop.example"))
			if out := harvester(t, exitOK, "once", "--config", file); !strings.Contains(out, "1 read, 1 new") {
				t.Errorf("third pass: %s", out)
			}
			if s := statusOfDB(t, file); s.Messages != 5 || s.Events != 4 || s.Unsettled != 0 || s.Poison != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Each kind goes its own way on a real server; folders are made, and nothing is
// deleted before its day.
func TestFatesOnDovecot(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver("INBOX", []byte(notice("user@shop.example")),
		[]byte("From: jane@example.net\nTo: bounces@example.org\nSubject: Hello\nMessage-ID: <hello@example.net>\n\nHow are you?\n"),
		[]byte("From: MAILER-DAEMON@example.net\nTo: bounces@example.org\nReturn-Path: <>\nSubject: Undelivered Mail Returned to Sender\n\nYour message could not be delivered.\n"))
	dir := t.TempDir()
	file := filepath.Join(dir, "harvester.toml")
	pass := func(settling, want string) {
		t.Helper()
		text := fmt.Sprintf("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n[[mailbox]]\nname = \"bounces\"\nserver = %q\nca_file = %q\nusername = %q\npassword = \"file:password\"\n%s",
			server.IMAPS, server.CAFile, imaptest.Username, settling)
		for name, content := range map[string]string{file: text, filepath.Join(dir, "password"): imaptest.Password} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out := harvester(t, exitOK, "once", "--config", file); !strings.Contains(out, want) {
			t.Errorf("%s\nwant %s", out, want)
		}
	}
	fates := "unparsed = \"move:Quarantine/New\"\nother = \"seen\"\n"
	pass("done = \"delete\"\nallow_delete = true\nkeep_days = 30\n"+fates, "3 read, 3 new, 1 not understood, 1 suppressed, 2 settled")
	if in, quarantine := countMails(t, server.Maildir("INBOX")), countMails(t, server.Maildir("Quarantine/New")); in != 2 || quarantine != 1 {
		t.Errorf("%d mails in INBOX, %d in quarantine", in, quarantine)
	}
	if seen := strings.TrimSpace(server.Doveadm("search", "-u", imaptest.Username, "mailbox", "INBOX", "seen")); strings.Count(seen, "\n") != 0 || seen == "" {
		t.Errorf("read are %q, want one", seen)
	}
	pass("done = \"delete\"\nallow_delete = true\nkeep_days = 30\n"+fates, "0 read, 0 new\n")
	pass("done = \"delete\"\nallow_delete = true\n"+fates, "0 read, 0 new, 1 settled")
	if in := countMails(t, server.Maildir("INBOX")); in != 1 {
		t.Errorf("%d mails in INBOX, want that of a person", in)
	}
}

// A mail server delivers several messages at a time, and some of them again:
// each is stored once.
func TestDeliveriesSideBySide(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "harvester.toml")
	if err := os.WriteFile(file, []byte("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const messages = 6
	var all sync.WaitGroup
	for n := range 2 * messages {
		all.Go(func() {
			var out, errs bytes.Buffer
			mail := notice(fmt.Sprintf("user%d@shop.example", n%messages))
			args := []string{"import", "--mailbox", "postfix", "-", "--config", file}
			if got := run(t.Context(), args, stdio{strings.NewReader(mail), &out, &errs}); got != exitOK {
				t.Errorf("status %d: %s", got, errs.String())
			}
		})
	}
	all.Wait()
	if s := statusOfDB(t, file); s.Messages != messages || s.Events != messages {
		t.Errorf("%+v", s)
	}
}

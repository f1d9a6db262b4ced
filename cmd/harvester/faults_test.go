package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/harvest/imap/imaptest"
)

// What happens to a mailbox over the years is said with a status of its own,
// and once it is mended everything is stored once and counted once.
func TestFaultsLoseAndDoubleNothing(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	mails := backlog(t, 120)
	server.Deliver("Lists", mails[:10]...)
	file := configured(t, server.IMAP, "keep")
	rewrite := func(name, from, to string) {
		t.Helper()
		path := filepath.Join(filepath.Dir(file), name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite("harvester.toml", "done =", "folders = [\"INBOX\", \"Lists\"]\ndone =")

	delivered := 10
	for _, fault := range []struct {
		name   string
		status int // of a pass while it lasts
		does   func()
		mend   func()
		after  int // status when it was mended
	}{
		{"nothing", exitOK, func() {}, func() {}, exitOK},
		{"a new UIDVALIDITY", exitOK, func() {
			server.Doveadm("mailbox", "update", "-u", imaptest.Username, "--uid-validity", "424242", "INBOX")
		}, func() {}, exitOK},
		{"renumbered", exitOK, func() {
			server.Stop()
			indexes, err := filepath.Glob(filepath.Join(server.Maildir("INBOX"), "dovecot*"))
			if err != nil || len(indexes) == 0 {
				t.Fatal(indexes, err)
			}
			for _, path := range indexes {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			server.Restart()
		}, func() {}, exitOK},
		{"server down", exitUnavailable, server.Stop, server.Restart, exitOK},
		{"password changed", exitNoPerm, func() { rewrite("password", imaptest.Password, "old") }, func() { rewrite("password", "old", imaptest.Password) }, exitOK},
		{"a folder removed", exitConfig, func() {
			server.Doveadm("mailbox", "delete", "-u", imaptest.Username, "Lists")
		}, func() { server.Doveadm("mailbox", "create", "-u", imaptest.Username, "Lists") }, exitProtocol}, // it is empty now
	} {
		server.Deliver("INBOX", mails[delivered:delivered+10]...)
		delivered += 10
		fault.does()
		harvester(t, fault.status, "once", "--config", file)
		fault.mend()
		harvester(t, fault.after, "once", "--config", file)
		if s := statusOfDB(t, file); s.Messages != delivered || s.Events != delivered || s.Poison != 0 {
			t.Errorf("%s: %d mails came in, stored: %+v", fault.name, delivered, s)
		}
	}

	calm := imaptest.Start(t, imaptest.Options{})
	calm.Deliver("INBOX", mails[:delivered]...)
	undisturbed := configured(t, calm.IMAP, "keep")
	harvester(t, exitOK, "once", "--config", undisturbed)
	list := func(file string) string { return harvester(t, exitOK, "suppress", "list", "--json", "--config", file) }
	if got, want := list(file), list(undisturbed); got != want || got == "" {
		t.Errorf("the list after all faults:\n%s\nwithout:\n%s", got, want)
	}
}

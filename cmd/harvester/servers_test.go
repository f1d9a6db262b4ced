package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
	"harvester/harvest/pop3"
)

// serverMails is how many mails each server gets; HARVESTER_MAILS sets it.
const serverMails = 60

// TestServers harvests from every server there is, with every disposition, and
// kills the program on the way. Each mail is in the database once, and stands on
// the server where it belongs, or `config check --online` has said before what
// that server can't do. It prints the table of docs/mailboxes.md.
func TestServers(t *testing.T) {
	if os.Getenv(imaptest.ServersEnv) == "" {
		t.Skip("the servers are not unpacked: make servers")
	}
	messages := serverMails
	if n, err := strconv.Atoi(os.Getenv("HARVESTER_MAILS")); err == nil {
		messages = n
	}
	mails := backlog(t, messages)
	for i := range mails {
		mails[i] = append(fmt.Appendf(nil, "X-Number: %d\n", i), mails[i]...)
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "server\tversion\tprotocol\tkeep\tseen\tmove\tdelete\t400 parts")
	for _, setup := range imaptest.Setups() {
		t.Run(setup.Name, func(t *testing.T) {
			probe := setup.Start(t)
			for _, protocol := range []string{"imap", "pop3"} {
				addr := map[string]string{"imap": probe.IMAP, "pop3": probe.POP3}[protocol]
				if addr == "" {
					continue
				}
				row := []string{setup.Name, probe.Version, protocol}
				for _, done := range []string{"keep", "seen", "move", "delete"} {
					if protocol == "pop3" && (done == "seen" || done == "move") {
						row = append(row, "-")
						continue
					}
					t.Run(protocol+" "+done, func(t *testing.T) {
						row = append(row, onServer(t, setup.Start(t), protocol, done, mails))
					})
				}
				t.Run(protocol+" 400 parts", func(t *testing.T) {
					row = append(row, manyParts(t, setup.Start(t), protocol))
				})
				fmt.Fprintln(w, strings.Join(row, "\t"))
			}
		})
	}
	_ = w.Flush() // to memory
	t.Logf("what works on which server:\n%s", table.String())
}

// onServer says how one disposition goes on one server: "ok", or what was said
// before.
func onServer(t *testing.T, s *imaptest.Server, protocol, done string, mails [][]byte) string {
	t.Helper()
	s.Deliver(mails...)
	file := configuredFor(t, s, protocol, done, s.Target)
	told := harvesterAny(t, "config", "check", "--online", "--config", file)
	if s.Wrong != "" && done == "move" && protocol == "imap" {
		wrong := configuredFor(t, s, protocol, done, s.Wrong)
		if said := harvesterAny(t, "config", "check", "--online", "--config", wrong); !strings.Contains(said, fmt.Sprintf("name it %q", s.Target)) {
			t.Errorf("a target called %s: %s", s.Wrong, said)
		}
	}
	for _, after := range []time.Duration{30, 200, 500} {
		if done != "keep" && done != "seen" {
			killedAfter(t, file, after*time.Millisecond)
		}
	}
	harvester(t, exitOK, "once", "--config", file)
	harvester(t, exitOK, "once", "--config", file)
	if db := statusOfDB(t, file); db.Messages != len(mails) || db.Poison != 0 || db.Unsettled != 0 {
		t.Errorf("%d mails, stored: %+v", len(mails), db)
	}
	left := mailsLeft(t, s, protocol, "INBOX")
	moved := 0
	if done == "move" {
		moved = mailsLeft(t, s, protocol, s.Target)
	}
	wantLeft, wantMoved := len(mails), 0
	switch done {
	case "move":
		wantLeft, wantMoved = 0, len(mails)
	case "delete":
		wantLeft = 0
	}
	if left == wantLeft && moved == wantMoved {
		return "ok"
	}
	if strings.Contains(told, "stays marked as deleted") && moved >= wantMoved || strings.Contains(told, "stays until another program expunges it") {
		return "told: stays, marked as deleted"
	}
	t.Errorf("%d are left, want %d; %d moved, want %d; it was said before:\n%s", left, wantLeft, moved, wantMoved, told)
	return "WRONG"
}

// manyParts reads a mail of 400 parts, which must come whole.
func manyParts(t *testing.T, s *imaptest.Server, protocol string) string {
	t.Helper()
	mail := []byte("From: MAILER-DAEMON@mx.example.net\nSubject: many\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n")
	for i := range 400 {
		mail = fmt.Appendf(mail, "--b\n\npart %d\n", i)
	}
	s.Deliver(append(mail, "--b--\n"...))
	session, err := serverSource(s, protocol, "INBOX").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	batch, err := session.Next(t.Context(), harvest.Cursor{Folder: "INBOX"})
	if err != nil || len(batch.Messages) != 1 || !bytes.Contains(batch.Messages[0].Raw, []byte("part 399\r\n--b--")) {
		t.Errorf("%d messages: %v", len(batch.Messages), err)
		return "WRONG"
	}
	return "ok"
}

// harvesterAny runs a command whatever its status, and returns all it said.
func harvesterAny(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	run(t.Context(), args, stdio{strings.NewReader(""), &out, &out})
	return out.String()
}

func serverSource(s *imaptest.Server, protocol, folder string) harvest.Source {
	credentials := &auth.Password{Username: s.Username, Secret: auth.Literal(imaptest.Password)}
	if protocol == "pop3" {
		return pop3.New(pop3.Config{Name: "look", Server: s.POP3, TLS: imap.TLSNone, Auth: credentials})
	}
	return imap.New(imap.Config{Name: "look", Server: s.IMAP, TLS: imap.TLSNone, Folders: []string{folder}, Auth: credentials, ReadOnly: true})
}

// mailsLeft looks at a folder apart from the program, and counts its mails.
func mailsLeft(t *testing.T, s *imaptest.Server, protocol, folder string) int {
	t.Helper()
	session, err := serverSource(s, protocol, folder).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	n, err := session.(harvest.Prober).Probe(t.Context(), folder)
	if err != nil && !errors.Is(err, harvest.ErrFolder) {
		t.Fatal(err)
	}
	return n
}

// configuredFor is a configuration for a server of any kind.
func configuredFor(t *testing.T, s *imaptest.Server, protocol, done, target string) string {
	t.Helper()
	addr := s.IMAP
	if protocol == "pop3" {
		addr = s.POP3
	}
	if done == "move" {
		done = "move:" + target
	}
	file := configured(t, addr, done)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "username = \""+imaptest.Username, "username = \""+s.Username, 1)
	if protocol == "pop3" {
		changed += "type = \"pop3\"\n"
	}
	if done == "delete" {
		changed += "allow_delete = true\n"
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

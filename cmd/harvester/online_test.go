package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/harvest/harvesttest"
	"harvester/harvest/imap/imaptest"
)

// What can be wrong with a mailbox, all mailboxes at once: one line each that
// names the mailbox, the step, the server's own words and the likely fix. Nothing
// is changed. (STARTTLS on a port that wants TLS takes its time to be noticed;
// the tests of the sources have it.)
func TestCheckOnlineNamesTheCure(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	server.Deliver("INBOX", harvesttest.Message(1))
	other := imaptest.Start(t, imaptest.Options{}) // with a certificate of its own
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", imaptest.Password)
	write("wrong", "nonsense")
	write("plain", "no mbox\n")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	spelt := 0 // the server folds case; to the configuration each login is another
	login := func(address, more string) string {
		name := []byte(imaptest.Username)
		for i := range name {
			if spelt>>i&1 == 1 {
				name[i] -= 'a' - 'A'
			}
		}
		spelt++
		return fmt.Sprintf("server = %q\nusername = %q\n%s", address, name, more)
	}
	trusted := func(address string) string {
		return login(address, fmt.Sprintf("ca_file = %q\npassword = \"file:password\"\n", server.CAFile))
	}
	const plain = "password = \"file:password\"\ntls = \"none\"\n"
	wrong := []struct{ name, lines, want string }{
		{"good", trusted(server.IMAPS), ""},
		{"good-pop", trusted(server.POP3S) + "type = \"pop3\"\n", ""},
		{"port", login("127.0.0.1:1", plain), "connecting to 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused (nothing listens there: check host and port, 993 is usual for implicit TLS, 143 for STARTTLS)"},
		{"port-pop", login("127.0.0.1:1", plain+"type = \"pop3\"\n"), "(nothing listens there: check host and port, 995 is usual for implicit TLS, 110 for STARTTLS)"},
		{"pop-port", login(server.POP3, plain), "waiting for the greeting of " + server.POP3 + ": server said: +OK Dovecot (Debian) ready. (this is no IMAP server: check the port)"},
		{"imap-port", login(server.IMAP, plain+"type = \"pop3\"\n"), "(this is no POP3 server: check the port)"},
		{"tls-to-plain", trusted(server.IMAP), "TLS handshake with " + server.IMAP + ": tls: first record does not look like a TLS handshake (the server speaks plain text on this port: tls = \"starttls\", or port 993)"},
		{"tls-to-plain-pop", trusted(server.POP3) + "type = \"pop3\"\n", "(the server speaks plain text on this port: tls = \"starttls\", or port 995)"},
		{"authority", login(server.IMAPS, "password = \"file:password\"\n"), "certificate signed by unknown authority (set ca_file to the authority that signed it, or pin the certificate)"},
		{"certificate", trusted(other.IMAPS), "unknown authority"},
		{"pin", login(server.IMAPS, "password = \"file:password\"\npin = \""+strings.Repeat("00", 32)+"\"\n"), "the server's certificate is not the pinned one"},
		{"password", login(server.IMAP, "password = \"file:wrong\"\ntls = \"none\"\n"), ": server said: NO [AUTHENTICATIONFAILED] Authentication failed. (check username and password; some providers want an app password or OAuth2)"},
		{"password-pop", login(server.POP3, "password = \"file:wrong\"\ntls = \"none\"\ntype = \"pop3\"\n"), ": server said: -ERR [AUTH] Authentication failed. (check username and password"},
		{"folder", trusted(server.IMAPS) + "folders = [\"INBOX\", \"Bounces\"]\n", "opening folder Bounces: server said: NO Mailbox doesn't exist: Bounces"},
		{"token", login(server.IMAPS, fmt.Sprintf("ca_file = %q\n[mailbox.oauth]\nprovider = \"other\"\nclient_id = \"x\"\nclient_secret = \"file:password\"\ntoken_url = \"http://127.0.0.1:1/token\"\n", server.CAFile)),
			": the server offers no usable sign-in mechanism (offered: LOGIN PLAIN) (the server wants another kind of sign-in"},
		{"path", "type = \"maildir\"\npath = \"nowhere\"\n", "opening " + dir + "/nowhere: no such file or directory (check the path)"},
		{"maildir", "type = \"maildir\"\npath = \"empty\"\n", "it has no directories cur and new: not a Maildir"},
		{"mbox", "type = \"mbox\"\npath = \"plain\"\n", "not an mbox"},
		{"directory", "type = \"directory\"\npath = \"password\"\n", "not a directory"},
	}
	text := "own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"
	for _, w := range wrong {
		text += fmt.Sprintf("[[mailbox]]\nname = %q\n%s", w.name, w.lines)
	}
	write("harvester.toml", text)
	var out, errs bytes.Buffer
	if got := run(t.Context(), []string{"config", "check", "--online", "--config", filepath.Join(dir, "harvester.toml")}, stdio{strings.NewReader(""), &out, &errs}); got != exitConfig {
		t.Fatalf("status %d\n%s", got, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	for _, w := range wrong {
		var about []string
		for _, line := range lines {
			if strings.Contains(line, fmt.Sprintf("mailbox %q: ", w.name)) {
				about = append(about, line)
			}
		}
		switch {
		case w.want == "" && len(about) > 0:
			t.Errorf("%s is right: %q", w.name, about)
		case w.want != "" && (len(about) != 1 || !strings.Contains(about[0], w.want)):
			t.Errorf("%s: %q\nwant %q", w.name, about, w.want)
		}
	}
	if t.Failed() {
		t.Log(errs.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "h.db")); err == nil || countMails(t, server.Maildir("INBOX")) != 1 {
		t.Error("the check changed something")
	}
}

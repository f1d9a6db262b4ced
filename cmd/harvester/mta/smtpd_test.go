package mta

import (
	"net/smtp"
	"os"
	"strings"
	"testing"

	"harvester/store/export/mtatest"
)

// A running smtpd refuses whom the listener names, by each of the three ways of
// the manual, takes others, and goes on while nobody listens where it asks the
// policy service.
func TestSmtpdAsks(t *testing.T) {
	address := start(t, &list{keys: known})
	lines := manual(t)
	if len(lines) != 3 {
		t.Fatalf("the manual has %q", lines)
	}
	for _, line := range lines {
		check := strings.ReplaceAll(line, "127.0.0.1:9718", address)
		t.Run(strings.Fields(line)[1], func(t *testing.T) {
			c := session(t, mtatest.Postfix(t, mtatest.Scratch(t), check))
			for _, a := range []string{"jane@example.net", "JANE@example.NET"} {
				if err := c.Rcpt(a); err == nil || !strings.Contains(err.Error(), "suppressed by harvester: user_unknown") {
					t.Errorf("%s: %v", a, err)
				}
			}
			if err := c.Rcpt("fred@example.net"); err != nil {
				t.Errorf("somebody else: %v", err)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		check := strings.ReplaceAll(lines[0], "127.0.0.1:9718", "127.0.0.1:1")
		if err := session(t, mtatest.Postfix(t, mtatest.Scratch(t), check)).Rcpt("jane@example.net"); err != nil {
			t.Errorf("mail stops: %v", err)
		}
	})
}

// manual are the lines of docs/howto.md that make Postfix ask.
func manual(t *testing.T) (lines []string) {
	t.Helper()
	b, err := os.ReadFile("../../../docs/howto.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if text, code := strings.CutPrefix(strings.TrimRight(line, "\n"), "    check_"); code && strings.Contains(text, "127.0.0.1:9718") {
			lines = append(lines, "check_"+text)
		}
	}
	return lines
}

// session begins a mail.
func session(t *testing.T, address string) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Mail("news@example.org"); err != nil {
		t.Fatal(err)
	}
	return c
}

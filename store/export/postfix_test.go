package export

import (
	"errors"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"testing"

	"harvester/store/export/mtatest"
)

// A running Postfix with the lines of the manual refuses, over SMTP, every address that was written, and
// takes another; so does mail for a transport map, which is looked up by the
// same server.
func TestPostfixRefusesEveryRow(t *testing.T) {
	dir := mtatest.Scratch(t)
	to := target(t, "postfix-access", dir)
	mustWrite(t, nasty(), to)
	if err := os.Chmod(to.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	lines := strings.ReplaceAll(manual(t, "No `postmap` is needed:"), "/var/lib/harvester/export/postfix-access", to.Path)
	_, check, _ := strings.Cut(lines, "smtpd_recipient_restrictions =") // the rest is what mtatest writes before its own
	address := mtatest.Postfix(t, dir, strings.TrimRight(check, "\n"))

	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("news@example.org"); err != nil { // asks for SMTPUTF8 where it is offered
		t.Fatal(err)
	}
	asked := 0
	for _, a := range dotAtoms(rows(t, to)) {
		asked++
		var refused *textproto.Error
		if err := c.Rcpt(a); !errors.As(err, &refused) || refused.Code != 550 || !strings.Contains(refused.Msg, "suppressed by harvester") {
			t.Errorf("%s: %v, want 550", a, err)
		}
	}
	if asked < 10 {
		t.Errorf("only %d addresses were asked for", asked)
	}
	for _, a := range []string{"JANE.DOE@EXAMPLE.COM", "karl@bücher.example"} {
		if err := c.Rcpt(a); err == nil {
			t.Errorf("%s is taken", a)
		}
	}
	for _, a := range []string{"nobody@example.com", "doe@example.com"} {
		if err := c.Rcpt(a); err != nil {
			t.Errorf("%s, which is not on the list: %v", a, err)
		}
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write([]byte("Subject: news\r\n\r\nnews\r\n"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Errorf("the mail to the others is not taken: %v", err)
	}
}

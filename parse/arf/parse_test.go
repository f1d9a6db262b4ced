package arf

import (
	"strings"
	"testing"

	"harvester/parse/mime"
)

func TestParse(t *testing.T) {
	r := Parse("Feedback-Type: Abuse\nUser-Agent: X/1\nVersion: 1\nOriginal-Mail-From: <bounces@example.org>\nOriginal-Rcpt-To: rfc822;<a@example.net>\nOriginal-Rcpt-To: A@example.net\n\nRemoval-Recipient: b@example.net\nSource-IP: 192.0.2.1\nReported-Domain: example.org\n")
	if r.Type != "abuse" || strings.Join(r.Recipients, " ") != "a@example.net b@example.net" || r.MailFrom != "bounces@example.org" || r.SourceIP != "192.0.2.1" || r.Domain != "example.org" {
		t.Errorf("%+v", r)
	}
	if got := Parse("User-Agent: x\n").Type; got != "abuse" {
		t.Errorf("missing type read as %q", got)
	}
	if got := Parse("Feedback-Type: not-spam\n").Type; got != "not-spam" {
		t.Errorf("type %q", got)
	}
}

func TestParseLeavesOutRedactedRecipients(t *testing.T) {
	for _, v := range []string{"redacted@example.net", "<[redacted]@example.net>", "xxxx@example.net", "x@x", "@example.net", "user@redacted.example",
		"d41d8cd98f00b204e9800998ecf8427e@example.net", "redacted", ""} {
		if r := Parse("Feedback-Type: abuse\nOriginal-Rcpt-To: " + v + "\n"); len(r.Recipients) > 0 {
			t.Errorf("%q gave %q", v, r.Recipients)
		}
	}
	for _, v := range []string{"x@example.net", "max@example.net", "deadbeef@example.net"} {
		if r := Parse("Feedback-Type: abuse\nOriginal-Rcpt-To: " + v + "\n"); len(r.Recipients) != 1 {
			t.Errorf("%q gave %q", v, r.Recipients)
		}
	}
}

func TestFromMail(t *testing.T) {
	const inner = "Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: <a@example.net>\nReturn-Path: <bounces@example.org>\nMessage-ID: <1@example.org>\nSubject: x\n\nhi"
	mixed := func(header string, parts ...string) string {
		return header + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n" + strings.Join(parts, "\n--b\n") + "\n--b--\n"
	}
	tests := []struct{ name, mail, text, want string }{
		{"JMRP", mixed("From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n", inner), "", "abuse a@example.net 192.0.2.1 1@example.org bounces@example.org"},
		{"JMRP in the top header", mixed("From: x@example.com\nX-HmXmrOriginalRecipient: a@example.net\n", "\nx"), "", "abuse a@example.net   "},
		{"SES", mixed("From: complaints@us-west-2.email-abuse.amazonses.com\nSubject: complaint about message from 192.0.2.1\n", strings.Replace(inner, "X-HmXmr", "X-", 1)), "", "abuse  192.0.2.1 1@example.org bounces@example.org"},
		{"X-ARF about a host", mixed("From: x@example.com\nX-XARF: PLAIN\n", "Content-Type: text/plain\n\n---\nReport-Type: login-attack\nCategory: abuse\nSource: 192.0.2.1\n"), "", "login-attack  192.0.2.1  "},
		{"X-ARF in JSON", mixed("From: x@example.com\nX-ARF: YES\n", "Content-Type: application/json\n\n{\n \"ReportType\": \"spam\",\n \"SourceIp\": \"192.0.2.1\"\n}\n", inner), "", "abuse a@example.net 192.0.2.1 1@example.org "},
		{"SpamCop", "From: 123@reports.spamcop.net\nSubject: [SpamCop (192.0.2.1) id:123]x\n\n", "x\n\nOffending message:\nReturn-Path: <bounces@example.org>\nMessage-ID: <1@example.org>\n\nx", "abuse  192.0.2.1 1@example.org bounces@example.org"},
		{"person", mixed("From: x@example.com\nSubject: Spam report\n", inner), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root, _ := mime.Read([]byte(tt.mail), mime.Limits{})
			got := ""
			if r := FromMail(root, tt.text); r != nil {
				got = strings.Join([]string{r.Type, strings.Join(r.Recipients, ","), r.SourceIP, r.MessageID, r.MailFrom}, " ")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

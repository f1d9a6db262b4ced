package parse

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// oddAddresses can't have been mailed, by class. Each holds an address that
// could be somebody else's.
var oddAddresses = map[string][]string{
	"white space":     {"john smith@example.com", "john\tsmith@example.com", "john\u00a0smith@example.com", "john\u3000smith@example.com", "john\u2003smith@example.com", "john\u0085smith@example.com", "smith@example.co m", "smith@mail.example .com", `john\ smith@example.com`},
	"line separators": {"john\u2028smith@example.com", "john\u2029smith@example.com", "smith@exam\u2028ple.com"},
	"controls":        {"john\x01smith@example.com", "john\x0bsmith@example.com", "john\x7fsmith@example.com", "john\u009bsmith@example.com"},
	"unseen":          {"john\u200bsmith@example.com", "john\u00adsmith@example.com", "john\u202esmith@example.com", "john\ufeffsmith@example.com", "john\u2060smith@example.com", "smith@exam\u200bple.com"},
	"too long":        {strings.Repeat("k", 65) + "@example.com", "smith@" + strings.Repeat("abcdefg.", 32) + "example.com", "smith@" + strings.Repeat("y", 64) + ".com", strings.Repeat("k", 1100) + "@example.com"},
	"no dot":          {"smith@localhost", "smith@museum", "smith@com."},
	"literals":        {"smith@[192.0.2.1]", "smith@[IPv6:2001:db8::1]", "smith@[192.0.2.1"},
	"two in one":      {"jane@example.com,smith@example.com", "jane@smith@example.com", "jane@example.com;smith@example.com"},
	"unquoted signs":  {"$(id)smith@example.com"},
}

const oddDSN = "From: MAILER-DAEMON@mx.example.org\r\nTo: bounces@example.org\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n" +
	"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: news@example.org\r\nTo: %s\r\nSubject: x\r\n\r\n--b--\r\n"

var oddWays = []struct {
	name string
	mail func(addr string) string
	not  string // classes that can't be told there, or are whole
}{
	{"in the status part", func(a string) string { return fmt.Sprintf(oddDSN, "It failed.", a, "") }, ""},
	{"in both", func(a string) string {
		return fmt.Sprintf(oddDSN, "<"+a+">: host mx.example.com[203.0.113.5] said: 550 5.1.1 User unknown", a, "")
	}, ""},
	{"in the status part, with a mail to another", func(a string) string { return fmt.Sprintf(oddDSN, "It failed.", a, "list@example.net") }, ""},
	{"in To of the mail", func(a string) string { return fmt.Sprintf(oddDSN, "It failed.", "unknown", a) }, "two in one"},
	{"in the text", func(a string) string {
		return "From: MAILER-DAEMON@mx.example.org\r\nTo: bounces@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThis is the mail system at host mx.example.org.\r\n\r\n" +
			"I'm sorry to have to inform you that your message could not\r\nbe delivered to one or more recipients.\r\n\r\n<" + a + ">: host mx.example.com[203.0.113.5] said: 550 5.1.1 User unknown (in reply to RCPT TO command)\r\n"
	}, ""},
	{"in a header", func(a string) string {
		return "From: MAILER-DAEMON@mx.example.org\r\nTo: bounces@example.org\r\nX-Failed-Recipients: " + a + "\r\nSubject: Mail delivery failed: returning message to sender\r\n\r\nA message that you sent could not be delivered to one or more of its recipients.\r\nThis is a permanent error.\r\n\r\n  550 5.1.1 user unknown\r\n"
	}, "two in one"},
	{"in a complaint", func(a string) string {
		return "From: fbl@isp.example\r\nTo: fbl@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nspam\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: " + a + "\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: news@example.org\r\nTo: list@example.net\r\n\r\n--b--\r\n"
	}, "two in one"},
}

// An address that can't have been mailed is nobody, and never a part of itself,
// which may be a living person's. A note says what was refused.
func TestOddAddressesNameNobody(t *testing.T) {
	for class, all := range oddAddresses {
		for _, a := range all {
			for _, way := range oddWays {
				if way.not == class {
					continue
				}
				res := Parse([]byte(way.mail(a)), &Options{OwnDomains: []string{"example.org"}})
				if len(res.Recipients) > 0 {
					t.Errorf("%s, %s: %.60q names %q", class, way.name, a, res.Recipients[0].Recipient)
				}
				if way.name == "in To of the mail" || way.name == "in a header" {
					continue // the report itself says only "unknown"
				}
				if !slices.ContainsFunc(res.Notes, Refused) {
					t.Errorf("%s, %s: %.60q is refused without a note: %q", class, way.name, a, res.Notes)
				}
			}
		}
	}
}

// What only looks odd is somebody, as it is written.
func TestStrangeAddressesAreKept(t *testing.T) {
	for _, a := range []string{`"front desk"@example.com`, "a..b@docomo.example", ".a@example.com", "o'brien@example.com", "'john'smith@example.com", "#x/y=z@example.com", "müller@example.com", "jane@bücher.example", "jane@xn--bcher-kva.example", "jane@my_host.example",
		strings.Repeat("x", 64) + "@example.com", "почта@пример.example"} {
		for _, way := range oddWays[:2] {
			res := Parse([]byte(way.mail(a)), &Options{OwnDomains: []string{"example.org"}})
			if len(res.Recipients) != 1 || res.Recipients[0].Recipient != a {
				t.Errorf("%s: %q reads as %v, %q", way.name, a, res.Recipients, res.Notes)
			}
		}
	}
}

// A name of the receiver's own for his host is the mailed address where the mail
// says so, and only then.
func TestLocalNameOfTheMailedAddress(t *testing.T) {
	res := Parse(fmt.Appendf(nil, oddDSN, "It failed.", "kate@localhost", "kate@example.com"), &Options{OwnDomains: []string{"example.org"}})
	if len(res.Recipients) != 1 || res.Recipients[0].Recipient != "kate@example.com" {
		t.Errorf("%v, %q", res.Recipients, res.Notes)
	}
}

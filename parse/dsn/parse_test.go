package dsn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harvester/parse/bounce"
)

// line writes one recipient in one line.
func line(r *Recipient) string {
	return fmt.Sprintf("o=%s f=%s %s %s mta=%s %s;%s", r.OriginalRecipient, r.FinalRecipient, r.Action, r.Status, r.RemoteMTA, r.DiagnosticType, r.Diagnostic)
}

func lines(r *Report) []string {
	var out []string
	for i := range r.Recipients {
		out = append(out, line(&r.Recipients[i]))
	}
	return out
}

func TestParseWholeReport(t *testing.T) {
	r := Parse(`Reporting-MTA: dns; mx.example.org (tcp-daemon)
X-Postfix-Queue-ID: 4ABC
Original-Envelope-Id: id+2B1
Arrival-Date: Thu, 2 Jul 2026 18:55:38 +0000 (UTC)

Final-Recipient: rfc822; b@example.net
Original-Recipient: rfc822;a@example.org
Action: failed
Status: 5.1.1 (bad destination mailbox address)
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 <b@example.net>: Recipient address
    rejected: User unknown
Last-Attempt-Date: Thu, 2 Jul 2026 18:56:00 +0000
Will-Retry-Until: Thu, 9 Jul 2026 18:56:00 +0000
`)
	want := Recipient{
		OriginalRecipient: "a@example.org", FinalRecipient: "b@example.net",
		Action: bounce.Failed, ActionText: "failed", Status: "5.1.1", StatusComment: "bad destination mailbox address", RemoteMTA: "mx.example.net",
		DiagnosticType: "smtp", Diagnostic: "550 5.1.1 <b@example.net>: Recipient address rejected: User unknown",
		LastAttempt:    time.Date(2026, 7, 2, 18, 56, 0, 0, time.UTC),
		WillRetryUntil: time.Date(2026, 7, 9, 18, 56, 0, 0, time.UTC),
	}
	if len(r.Recipients) != 1 {
		t.Fatalf("recipients %q", lines(r))
	}
	got := r.Recipients[0]
	if len(got.Fields) != 8 {
		t.Errorf("fields %v", got.Fields)
	}
	got.Fields = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recipient (-want +got):\n%s", diff)
	}
	if r.ReportingMTA != "mx.example.org" || r.EnvelopeID != "id+1" || !r.Arrival.Equal(time.Date(2026, 7, 2, 18, 55, 38, 0, time.UTC)) ||
		r.Fields.Get("X-Postfix-Queue-ID") != "4ABC" || len(r.Notes) > 0 {
		t.Errorf("report %+v", r)
	}
}

func TestParseFindsGroups(t *testing.T) {
	const head = "Reporting-MTA: dns; mx.example.org\n"
	a := "o= f=a@example.org failed 5.1.1 mta= ;"
	b := "o= f=b@example.org delayed 4.2.2 mta= ;"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"two", head + "\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2", []string{a, b}},
		{"merged with the per-message fields", head + "Final-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n", []string{a}},
		{"action first in a merged group", head + "Action: failed\nFinal-Recipient: rfc822;a@example.org\nStatus: 5.1.1\n", []string{a}},
		{"several blank lines", head + "\n\n\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\n\n\nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2\n\n\n", []string{a, b}},
		{"lines of blanks between", head + " \nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n \nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2", []string{a, b}},
		{"blank lines inside", head + "\nFinal-Recipient: rfc822;a@example.org\n\nAction: failed\n\nStatus: 5.1.1\n\nFinal-Recipient: rfc822;b@example.org\n\nAction: delayed\nStatus: 4.2.2", []string{a, b}},
		{"no blank lines", head + "Final-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2", []string{a, b}},
		{"action first", head + "\nAction: failed\nFinal-Recipient: rfc822;a@example.org\nStatus: 5.1.1\n\nAction: delayed\nFinal-Recipient: rfc822;b@example.org\nStatus: 4.2.2", []string{a, b}},
		{"action first, no blank lines", head + "Action: failed\nFinal-Recipient: rfc822;a@example.org\nStatus: 5.1.1\nAction: delayed\nFinal-Recipient: rfc822;b@example.org\nStatus: 4.2.2", []string{a, b}},
		{"status first", head + "\nStatus: 5.1.1\nAction: failed\nFinal-Recipient: rfc822;a@example.org\n\nStatus: 4.2.2\nAction: delayed\nFinal-Recipient: rfc822;b@example.org\n", []string{a, b}},
		{"extension first", head + "\nX-Exim: 1\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\nX-Exim: 2\nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2", []string{a, b}},
		{"original and final", head + "\nOriginal-Recipient: rfc822;o@example.org\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\nOriginal-Recipient: rfc822;p@example.org\nFinal-Recipient: rfc822;b@example.org\nAction: delayed\nStatus: 4.2.2",
			[]string{"o=o@example.org f=a@example.org failed 5.1.1 mta= ;", "o=p@example.org f=b@example.org delayed 4.2.2 mta= ;"}},
		{"blank before the colon", "Reporting-MTA : dns; x\nFinal-Recipient : rfc822;a@example.org\nAction : failed\nStatus : 5.1.1", []string{a}},
		{"folded first line", "  Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1", []string{a}},
		{"CR left over", "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822;a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n", []string{a}},
		{"group without recipient", head + "\nAction: failed\nStatus: 5.2.2\n", []string{"o= f= failed 5.2.2 mta= ;"}},
		{"no group", head + "X-Postfix-Queue-ID: 1\n", nil},
		{"footer", head + "\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\n-- \nThis list is public.\n", []string{a}},
		{"whole in base64", "UmVwb3J0aW5nLU1UQTogZG5zOyB4CgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjthQGV4YW1w\nbGUub3JnCkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEK\n", []string{a}},
		{"group in base64", head + "\nRmluYWwtUmVjaXBpZW50OiByZmM4MjI7YUBleGFtcGxlLm9yZwpBY3Rpb246\nIGZhaWxlZApTdGF0dXM6IDUuMS4xCg==\n", []string{a}},
		{"MIME fields as first group", "Content-Transfer-Encoding: base64\nContent-Type: message/delivery-status\n\nUmVwb3J0aW5nLU1UQTogZG5zOyB4CgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjthQGV4YW1w\nbGUub3JnCkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEK\n", []string{a}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(Parse(tt.text))); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

func one(fields ...string) *Report {
	return Parse("Reporting-MTA: dns; mx.example.org\n\n" + strings.Join(fields, "\n") + "\n")
}

func TestParseReadsFields(t *testing.T) {
	tests := []struct {
		name   string
		fields []string
		want   string
	}{
		{"unfolded diagnostic", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Diagnostic-Code: smtp;", "550 5.1.1 User unknown", "said: again"}, "o= f=a@example.org failed  mta= smtp;550 5.1.1 User unknown said: again"},
		{"folded with TAB and blanks", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Diagnostic-Code: smtp; 550", "\tUser", "        unknown"}, "o= f=a@example.org failed  mta= smtp;550 User unknown"},
		{"folded inside the address", []string{"Final-Recipient: rfc822;a.very.long.local", "  .part@example.org", "Action: failed"}, "o= f=a.very.long.local.part@example.org failed  mta= ;"},
		{"folded inside the domain", []string{"Final-Recipient: rfc822;a@mail.exam", " ple.org", "Action: failed"}, "o= f=a@mail.example.org failed  mta= ;"},
		{"folded before the address", []string{"Final-Recipient: rfc822;", " a@example.org", "Action: failed"}, "o= f=a@example.org failed  mta= ;"},
		{"word behind the address", []string{"Final-Recipient: rfc822;a@example.org", " A", "Action: failed"}, "o= f=a@example.org failed  mta= ;"},
		{"line behind the address", []string{"Final-Recipient: rfc822;a@example.org", "A", "Action: failed"}, "o= f=a@example.org failed  mta= ;"},
		{"words before the address", []string{"Final-Recipient: rfc822; john a@example.org", "Action: failed"}, "o= f= failed  mta= ;"},
		{"repeated", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Action: delayed", "Remote-MTA: dns;one", "Remote-MTA: dns;two", "Diagnostic-Code: smtp; 250 Ok", "Diagnostic-Code: smtp; 550 5.1.1 no"}, "o= f=a@example.org failed  mta=one smtp;550 5.1.1 no"},
		{"empty original", []string{"Original-Recipient:", "Final-Recipient: rfc822;a@example.org", "Action: failed"}, "o= f=a@example.org failed  mta= ;"},
		{"final is a program", []string{"Original-Recipient: rfc822;a@example.org", "Final-Recipient: rfc822;|/usr/bin/procmail", "Action: failed"}, "o=a@example.org f= failed  mta= ;"},
		{"final is a word", []string{"Final-Recipient: rfc822; unknown", "X-Actual-Recipient: rfc822; a@example.org", "Action: failed"}, "o= f=a@example.org failed  mta= ;"},
		{"no type of diagnostic", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Diagnostic-Code: 550 5.1.1 no; sorry"}, "o= f=a@example.org failed  mta= ;550 5.1.1 no; sorry"},
		{"other type of diagnostic", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Diagnostic-Code: X-Postfix; mail loops"}, "o= f=a@example.org failed  mta= x-postfix;mail loops"},
		{"encoded diagnostic", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Diagnostic-Code: X-Notes; =?iso-8859-1?Q?gel=F6scht?="}, "o= f=a@example.org failed  mta= x-notes;gelöscht"},
		{"Exim's own field", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "X-Exim-Diagnostic: X-str; 550 no"}, "o= f=a@example.org failed  mta= x-str;550 no"},
		{"literal as MTA", []string{"Final-Recipient: rfc822;a@example.org", "Action: failed", "Remote-MTA: dns; [192.0.2.1]"}, "o= f=a@example.org failed  mta=[192.0.2.1] ;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := one(tt.fields...)
			if len(r.Recipients) != 1 {
				t.Fatalf("recipients %q", lines(r))
			}
			if got := line(&r.Recipients[0]); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParseReadsAddresses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"rfc822; a@example.org", "a@example.org"},
		{"RFC822;<a@example.org>", "a@example.org"},
		{"rfc822:a@example.org", "a@example.org"},
		{"rfc/822; a@example.org", "a@example.org"},
		{`rfc822; "a@example.org"`, "a@example.org"},
		{"rfc822;a@example.org;", "a@example.org"},
		{"smtp;a@example.org", "a@example.org"},
		{"<a@example.org>", "a@example.org"},
		{"a@example.org", "a@example.org"},
		{"mailto:a@example.org", "a@example.org"},
		{"rfc822; a@example.org (comment)", "a@example.org"},
		{"rfc822;a..b@docomo.example", "a..b@docomo.example"},
		{`rfc822;"a b"@example.org`, `"a b"@example.org`},
		{"utf-8;用户@例子.example", "用户@例子.example"},
		{`utf-8; \x{7528}\x{6237}@example.org`, "用户@example.org"},
		{"utf8;jörg@example.org", "jörg@example.org"},
		{"UTF-8-address; j+C3+B6rg@example.org", "jörg@example.org"},
		{`utf-8; \x{D800}a@example.org`, `\x{D800}a@example.org`},
		{"rfc822;user+2Btag@example.org", "user+tag@example.org"},
		{"rfc822;user+40example.org", "user@example.org"},
		{"rfc822;user+AB@example.org", "user+AB@example.org"},
		{"rfc822;user+20@example.org", "user+20@example.org"},
		{"x400;/C=US/A=X/S=DOE/", ""},
		{"x400;/RFC-822=user(a)example.org/C=US/", "user@example.org"},
		{"rfc822;IMCEASMTP-user+40example+2Eorg@example.net", "user@example.org"},
		{"rfc822;IMCEAEX-_O=ORG_OU=X_CN=USER@example.org", ""},
		{"rfc822;Undisclosed recipients:", ""},
		{"", ""},
	}
	for _, tt := range tests {
		r := one("Original-Recipient: "+tt.in, "Action: failed")
		if got := r.Recipients[0].OriginalRecipient; got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestParseReadsActions(t *testing.T) {
	tests := []struct {
		in   string
		want bounce.Action
	}{
		{"failed", bounce.Failed}, {"Failed.", bounce.Failed}, {"failed (permanent)", bounce.Failed}, {"error", bounce.Failed},
		{"expired", bounce.Failed}, {"failure", bounce.Failed}, {"bounced", bounce.Failed}, {"delayed", bounce.Delayed},
		{"DELIVERED", bounce.Delivered}, {"relayed (to x)", bounce.Relayed}, {"expanded", bounce.Expanded},
		{"deliverable", bounce.ActionNone}, {"undeliverable", bounce.ActionNone}, {"transferred", bounce.ActionNone}, {"", bounce.ActionNone},
	}
	for _, tt := range tests {
		r := one("Final-Recipient: rfc822;a@example.org", "Action: "+tt.in)
		if got := r.Recipients[0].Action; got != tt.want {
			t.Errorf("Action: %s read as %v, want %v", tt.in, got, tt.want)
		}
		if r.Recipients[0].ActionText != tt.in {
			t.Errorf("ActionText %q, want %q", r.Recipients[0].ActionText, tt.in)
		}
	}
}

func TestCode(t *testing.T) {
	tests := []struct{ in, want string }{
		{"5.1.1", "5.1.1"}, {"5.1.1.", "5.1.1"}, {"550 5.1.1", "5.1.1"}, {"5.7.1 (text)", "5.7.1"}, {"5.7.606", "5.7.606"},
		{"#5.1.1 smtp;", "5.1.1"}, {"5", ""}, {"5.0", ""}, {"X.Y.Z", ""}, {"unknown", ""}, {"0.0.0", ""}, {"5.1.1.7", ""}, {"195.4.2.1", ""}, {"3.1.1", ""}, {"The mailbox (4.2.2) is full", "4.2.2"},
	}
	for _, tt := range tests {
		if got := Code(tt.in); got != tt.want {
			t.Errorf("Code(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSniff(t *testing.T) {
	tests := []struct {
		text string
		want bool
	}{
		{"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@example.org\n", true},
		{"\n\nFinal-Recipient : rfc822;a@example.org\n  folded\nAction : failed\n", true},
		{"X-Queue: 1\nReporting-MTA: dns; x\nArrival-Date: today\n", true},
		{"Hello,\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@example.org\n", false},
		{"Status: open\n", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := Sniff(tt.text); got != tt.want {
			t.Errorf("Sniff(%q) = %v", tt.text, got)
		}
	}
}

func TestAddUnitesSiblings(t *testing.T) {
	r := Parse("Reporting-MTA: dns; one\n\nFinal-Recipient: rfc822;a@example.org\nAction: failed\n")
	r.Add(Parse("Reporting-MTA: dns; two\n\nFinal-Recipient: rfc822;A@example.org\nAction: failed\n\nFinal-Recipient: rfc822;b@example.org\nAction: failed\n"))
	if len(r.Recipients) != 2 || r.Recipients[1].FinalRecipient != "b@example.org" || r.ReportingMTA != "one" {
		t.Errorf("united %q by %s", lines(r), r.ReportingMTA)
	}
}

package view

import (
	"strings"
	"testing"

	"harvester/parse/mime"
)

const (
	daemon = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nTo: bounces@example.org\nSubject: Undelivered\n"
	status = "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822;a@example.net\nAction: failed\nStatus: 5.1.1\n"
	header = "Received: from x by y; date\nFrom: us@example.org\nTo: a@example.net\nSubject: Hello\nMessage-ID: <1@example.org>\n"
)

// multi builds a multipart of parts that bring their own headers.
func multi(top, ctype string, parts ...string) string {
	return top + "Content-Type: " + ctype + "; boundary=b\n\n--b\n" + strings.Join(parts, "\n--b\n") + "\n--b--\n"
}

func part(ctype, body string) string { return "Content-Type: " + ctype + "\n\n" + body }

func TestNewFindsTheReport(t *testing.T) {
	text := part("text/plain", "It failed.")
	const typed = "message/delivery-status"
	tests := []struct {
		name, mail string
		report     string // the failed address, "" for no report
		text       string
		original   string // Message-ID of what came back
	}{
		{"regular", multi(daemon, "multipart/report; report-type=delivery-status", text, part(typed, status), part("message/rfc822", header+"\nhi")), "a@example.net", "It failed.", "<1@example.org>"},
		{"no report-type", multi(daemon, "multipart/report", text, part(typed, status), part("text/rfc822-headers", header)), "a@example.net", "It failed.", "<1@example.org>"},
		{"mixed", multi(daemon, "multipart/mixed", text, part(typed, status)), "a@example.net", "It failed.", ""},
		{"global types", multi(daemon, "multipart/report", text, part("message/global-delivery-status", status), part("message/global-headers", header)), "a@example.net", "It failed.", "<1@example.org>"},
		{"behind a list footer", multi(daemon, "multipart/mixed", strings.Replace(multi("", "multipart/report", text, part(typed, status)), "=b\n", "=c\n", 1), part("text/plain", "footer")), "", "", ""},
		{"single text/plain, report-type says so", daemon + "Content-Type: text/plain; report-type=delivery-status\n\n" + status, "a@example.net", "", ""},
		{"typed text/plain", multi(daemon, "multipart/report", text, part("text/plain", status)), "a@example.net", "It failed.", ""},
		{"typed octet-stream", multi(daemon, "multipart/mixed", text, part("application/octet-stream; name=details.txt", status)), "a@example.net", "It failed.", ""},
		{"typed xdelivery-status", multi(daemon, "multipart/report", text, part("message/xdelivery-status", status)), "a@example.net", "It failed.", ""},
		{"quoted by a list", multi(daemon, "multipart/report", text, part("text/plain", "> "+strings.ReplaceAll(status, "\n", "\n> "))), "a@example.net", "It failed.", ""},
		{"base64", multi(daemon, "multipart/report", text, "Content-Type: "+typed+"\nContent-Transfer-Encoding: base64\n\nUmVwb3J0aW5nLU1UQTogZG5zOyB4CgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjthQGV4YW1w\nbGUubmV0CkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEK"), "a@example.net", "It failed.", ""},
		{"UTF-16", multi(daemon, "multipart/report", text, part(typed, wide(status))), "a@example.net", "It failed.", ""},
		{"inside the returned mail only", multi("From: user@example.org\n", "multipart/mixed", text, part("message/rfc822", daemon+"Content-Type: multipart/report; boundary=c\n\n--c\n"+text+"\n--c\n"+part(typed, status)+"\n--c--\n")), "", "It failed.", ""},
		{"quoted by a person", "From: user@example.org\nSubject: look\n\nLook:\n" + status, "", "Look:\n" + status, ""},
		{"attached by a person", multi("From: user@example.org\n", "multipart/mixed", text, part("text/plain", status)), "", "It failed.", ""},
		{"two status parts", multi(daemon, "multipart/report", text, part(typed, status), part(typed, status)), "a@example.net", "It failed.", ""},
		{"header typed message/rfc822-headers", multi(daemon, "multipart/report", text, part("message/rfc822-headers", header)), "", "It failed.", "<1@example.org>"},
		{"header typed text/rfc822-header", multi(daemon, "multipart/report", text, part("text/rfc822-header", header)), "", "It failed.", "<1@example.org>"},
		{"header typed text/plain", multi(daemon, "multipart/report", text, part("text/plain", header+"\nhi")), "", "It failed.", "<1@example.org>"},
		{"header typed message/partial", multi(daemon, "multipart/mixed", text, part("message/partial", header+"\nhi")), "", "It failed.", "<1@example.org>"},
		{"header typed octet-stream", multi(daemon, "multipart/mixed", text, part("application/octet-stream", header)), "", "It failed.", "<1@example.org>"},
		{"header marked inline only", multi(daemon, "multipart/report", text, "Content-Disposition: inline\n\n"+header), "", "It failed.", "<1@example.org>"},
		{"quoted header", multi(daemon, "multipart/report", text, part("text/plain", "> "+strings.ReplaceAll(header, "\n", "\n> "))), "", "It failed.", "<1@example.org>"},
		{"mail in base64", multi(daemon, "multipart/report", text, "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogdXNAZXhhbXBsZS5vcmcKTWVzc2FnZS1JRDogPDFAZXhhbXBsZS5vcmc+CgpoaQo="), "", "It failed.", "<1@example.org>"},
		{"HTML only", daemon + "Content-Type: text/html\n\n<p>It failed.", "", "It failed.\n", ""},
		{"empty text beside HTML", multi(daemon, "multipart/alternative", part("text/plain", " \n"), part("text/html", "<p>It failed.")), "", "It failed.\n", ""},
	}
	// Written out, since its boundary differs.
	tests[4].mail = daemon + "Content-Type: multipart/mixed; boundary=o\n\n--o\n" + multi("", "multipart/report", text, part(typed, status)) + "\n--o\n\nfooter\n--o--\n"
	tests[4].report, tests[4].text = "a@example.net", "It failed."
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := New([]byte(tt.mail), mime.Limits{})
			report := ""
			if m.Report != nil {
				var all []string
				for _, r := range m.Report.Recipients {
					all = append(all, r.FinalRecipient)
				}
				report = strings.Join(all, " ")
			}
			if report != tt.report {
				t.Errorf("report names %q, want %q", report, tt.report)
			}
			if tt.text != "" && m.Text != tt.text {
				t.Errorf("text %q, want %q", m.Text, tt.text)
			}
			original := ""
			if m.Original != nil {
				original = m.Original.Header.Get("Message-ID")
			}
			if original != tt.original {
				t.Errorf("original %q, want %q", original, tt.original)
			}
		})
	}
}

func TestNewUnwrapsANoticeThatSaysNothing(t *testing.T) {
	inner := part("message/rfc822", daemon+"Content-Type: multipart/report; boundary=c\n\n--c\n"+part("text/plain", "It failed.")+"\n--c\n"+part("message/delivery-status", status)+"\n--c--\n")
	tests := []struct {
		name, mail string
		want       bool
	}{
		{"daemon", multi(daemon, "multipart/mixed", part("text/plain", "See below."), inner), true},
		{"daemon that names somebody", multi(daemon, "multipart/mixed", part("text/plain", "<b@example.net>: no"), inner), false},
		{"person", multi("From: user@example.org\n", "multipart/mixed", part("text/plain", "See below."), inner), false},
		{"two", multi(daemon, "multipart/mixed", part("text/plain", "See below."), inner, inner), false},
	}
	for _, tt := range tests {
		m := New([]byte(tt.mail), mime.Limits{})
		if got := m.Report != nil; got != tt.want {
			t.Errorf("%s: unwrapped %v", tt.name, got)
		}
		if tt.want && (m.Text != "It failed." || m.From != "MAILER-DAEMON@mx.example.org") {
			t.Errorf("%s: text %q from %q", tt.name, m.Text, m.From)
		}
	}
}

func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteByte(c)
		b.WriteByte(0)
	}
	return b.String()
}

func TestNewReadsTheHeader(t *testing.T) {
	tests := []struct{ name, header, from, fromName, returnPath string }{
		{"comment", "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nReturn-Path: <>\n", "MAILER-DAEMON@mx.example.org", "Mail Delivery System", "<>"},
		{"empty brackets", "From: MAILER-DAEMON <>\n", "", "MAILER-DAEMON", ""},
		{"Courier", "From: \"Courier mail server at mx.example.org\" <@>\nReturn-Path: < >\n", "", "Courier mail server at mx.example.org", "<>"},
		{"two", "From:\nFrom: a@example.org\nReturn-Path: <b@example.org>\n", "a@example.org", "", "b@example.org"},
		{"none", "Subject: x\n", "", "", ""},
	}
	for _, tt := range tests {
		m := New([]byte(tt.header+"\n"), mime.Limits{})
		if m.From != tt.from || m.FromName != tt.fromName || m.ReturnPath != tt.returnPath {
			t.Errorf("%s: From %q name %q path %q", tt.name, m.From, m.FromName, m.ReturnPath)
		}
	}
	m := New([]byte("Subject: =?utf-8?Q?Non=C2=A0remis?=\n\t : x\nTo: \"A, B\" <a@example.org>, b@example.org\n\n"), mime.Limits{})
	if m.Subject != "Non remis : x" || m.To != "a@example.org" {
		t.Errorf("Subject %q, To %q", m.Subject, m.To)
	}
	for _, from := range []string{"Mailer-Daemon", "MAILER-DAEMON <>", "postmaster@example.org"} {
		if !New([]byte("From: "+from+"\n\n"), mime.Limits{}).Daemon() {
			t.Errorf("From: %s is a daemon", from)
		}
	}
}

func TestNewReadsReceiptAndComplaint(t *testing.T) {
	receipt := New([]byte(multi("From: a@example.net\n", "multipart/report", part("text/plain", "read"), part("message/disposition-notification", "Final-Recipient: rfc822;a@example.net\n\nDisposition: manual-action/MDN-sent-manually; displayed"))), mime.Limits{})
	if receipt.Receipt.Get("Disposition") == "" || receipt.Report != nil {
		t.Errorf("receipt %+v", receipt)
	}
	complaint := New([]byte(multi("From: fbl@example.net\n", "multipart/report; report-type=feedback-report", part("text/plain", "spam"), part("message/feedback-report", "Feedback-Type: abuse\nOriginal-Rcpt-To: <a@example.net>"), part("message/rfc822", header))), mime.Limits{})
	if f := complaint.Feedback; f == nil || len(f.Recipients) != 1 || f.MessageID != "1@example.org" {
		t.Errorf("complaint %+v", complaint.Feedback)
	}
	plain := New([]byte(multi("From: fbl@example.net\n", "multipart/report; report-type=feedback-report", part("text/plain", "spam"), part("text/plain", "Feedback-Type: abuse\nOriginal-Rcpt-To: <a@example.net>\n"))), mime.Limits{})
	if f := plain.Feedback; f == nil || len(f.Recipients) != 1 {
		t.Errorf("complaint typed text/plain: %+v", f)
	}
}

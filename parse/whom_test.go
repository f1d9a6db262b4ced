package parse

import (
	"strings"
	"testing"
	"time"

	"harvester/parse/envelope"
)

// A notice to our own signed return path concerns whom that path names,
// whatever address failed in the end; a token that somebody made up names
// nobody.
func TestReturnPathNamesTheRecipient(t *testing.T) {
	v, err := envelope.NewVERP("bounces+{token}-{local}={domain}@example.org", []byte("a secret of 16 bytes or more"))
	if err != nil {
		t.Fatal(err)
	}
	opt := &Options{OwnDomains: []string{"example.org"}, ReturnPaths: []*envelope.VERP{v}}
	path, err := v.Sign("kate@example.com", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	notice := func(to string) []byte {
		return []byte(strings.ReplaceAll(strings.ReplaceAll(`Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: TO
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example.net.

<forward@example.net>: host mx.example.net[192.0.2.1] said: 550 5.1.1 user unknown

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; forward@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b--
`, "TO", to), "\n", "\r\n"))
	}
	for to, want := range map[string]struct {
		recipient string
		signed    bool
	}{
		path:                  {"kate@example.com", true},
		strings.ToUpper(path): {"kate@example.com", true},
		"bounces+20500-0123456789ab-victim=example.com@example.org": {"forward@example.net", false},
		"bounces+old-style=example.com@example.org":                 {"forward@example.net", false},
		"bounces@example.org":                                       {"forward@example.net", false},
	} {
		got := Parse(notice(to), opt)
		if len(got.Recipients) != 1 || !strings.EqualFold(got.Recipients[0].Recipient, want.recipient) {
			t.Errorf("to %s: %+v, want %s", to, got.Recipients, want.recipient)
		}
		if signed := got.Sent != nil && got.Sent.Signed; signed != want.signed {
			t.Errorf("to %s: signed %v, want %v", to, signed, want.signed)
		}
	}
}

// The address before aliasing is believed where the returned mail does not
// contradict it: it may be a step on a longer way.
func TestAliasAgainstReturnedMail(t *testing.T) {
	const notice = `Return-Path: <>
From: Mail Delivery System <Mailer-Daemon@mx.example.net>
To: bounces@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  final@example.net
    (ultimately generated from alias@example.com)
    host mx.example.net [192.0.2.1]: 550 no such user

------ This is a copy of the message, including all the headers. ------

Return-path: <bounces@example.org>
From: news@example.org
To: TO
Subject: hello

`
	for to, want := range map[string]string{"alias@example.com": "alias@example.com", "other@example.com": "final@example.net", "list@example.org": "alias@example.com"} {
		got := Parse([]byte(strings.Replace(notice, "TO\n", to+"\n", 1)), ours)
		if len(got.Recipients) != 1 || got.Recipients[0].Recipient != want {
			t.Errorf("to %s: %+v, want %s", to, got.Recipients, want)
		}
	}
}

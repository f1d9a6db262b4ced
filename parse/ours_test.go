package parse

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// A notice about an address of our own domains names nobody whom we mailed, and
// was understood all the same.
func TestRecipientIsOurs(t *testing.T) {
	notice := func(failed, to string) []byte {
		return []byte(strings.NewReplacer("\n", "\r\n", "FAILED", failed, "TO", to).Replace(`Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; FAILED
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

From: news@example.org
To: TO

--b--
`))
	}
	for name, x := range map[string]struct {
		own, failed, to string
		kind            bounce.Kind
		hint            string
	}{
		"ours":               {"example.org", "ann@example.org", "ann@example.org", bounce.KindNotice, "the recipient is ours: example.org"},
		"below":              {"example.org", "ann@Shop.example.org", "ann@Shop.example.org", bounce.KindNotice, "the recipient is ours: shop.example.org"},
		"below an exact one": {"=example.org", "ann@shop.example.org", "ann@shop.example.org", bounce.KindBounce, ""},
		"an exact one":       {"=example.org", "ann@example.org", "ann@example.org", bounce.KindNotice, "the recipient is ours: example.org"},
		"nobody":             {"example.org", "ann", "undisclosed-recipients:;", bounce.KindUnparsed, ""},
		"a name, and ours":   {"example.org", "ann", "ann@example.org", bounce.KindUnparsed, ""},
		"theirs":             {"example.org", "ann@example.net", "ann@example.net", bounce.KindBounce, ""},
	} {
		res := Parse(notice(x.failed, x.to), &Options{OwnDomains: []string{x.own}})
		if res.Kind != x.kind || res.Hint != x.hint {
			t.Errorf("%s: %s %q, want %s %q (%s)", name, res.Kind, res.Hint, x.kind, x.hint, res.Notes)
		}
		if named := len(res.Recipients) > 0; named != (x.kind == bounce.KindBounce) {
			t.Errorf("%s: %+v", name, res.Recipients)
		}
	}
	// In words alone, it is the mail that came back that tells.
	words := strings.ReplaceAll("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounces@example.org\nSubject: Delivery failed\n"+
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nYour message could not be delivered.\n\n--b\nContent-Type: message/rfc822\n\n"+
		"From: news@example.org\nTo: ann@shop.example.org\nSubject: News\n\nHello\n--b--\n", "\n", "\r\n")
	if res := Parse([]byte(words), &Options{OwnDomains: []string{"example.org"}}); res.Kind != bounce.KindNotice || res.Hint != OursFailed+"shop.example.org" {
		t.Errorf("words: %s %q %s", res.Kind, res.Hint, res.Notes)
	}
}

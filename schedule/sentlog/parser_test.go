package sentlog

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var berlin = time.FixedZone("CET", 3600)

func readAll(t *testing.T, p Parser, text string) string {
	t.Helper()
	var out []string
	for r, err := range Rows(strings.NewReader(text), p) {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		at := "-"
		if !r.At.IsZero() {
			at = r.At.UTC().Format(time.RFC3339)
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s from=%s to=%s %s", at, r.MessageID, r.Sender, r.Recipient, r.Stream)))
	}
	return strings.Join(out, "\n")
}

// The logs are ours, in the layouts of real servers, with reserved names.
func TestParsers(t *testing.T) {
	for name, tt := range map[string]struct{ format, in, want string }{
		"Postfix": {"postfix", `Nov 25 23:01:01 mail postfix/pickup[99]: 4XYZ01: uid=33 from=<news>
Nov 25 23:01:01 mail postfix/cleanup[100]: 4XYZ01: message-id=<m1@example.org>
Nov 25 23:01:01 mail postfix/qmgr[101]: 4XYZ01: from=<news@example.org>, size=1000, nrcpt=3 (queue active)
Nov 25 23:01:02 mail postfix/smtp[102]: 4XYZ01: to=<jane@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
2026-11-25T22:01:03.123456+00:00 mail postfix-out/smtp[103]: 4XYZ01: to=<kate@example.com>, orig_to=<k@example.com>, relay=none, delay=1, dsn=5.4.4, status=bounced (Host not found)
Nov 25 23:01:03 mail postfix/smtp[102]: 4XYZ01: to=<slow@example.com>, relay=mx.example.com[192.0.2.2]:25, dsn=4.7.1, status=deferred (host said: 450 to=<x@example.com>)
Nov 25 23:01:03 mail postfix/smtp[102]: 4XYZ01: to=<jane@example.net>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 queued)
Nov 25 23:01:03 mail postfix/local[104]: 4XYZ01: to=<root@example.org>, relay=local, dsn=2.0.0, status=sent (delivered)
Nov 25 23:01:04 mail postfix/qmgr[101]: 4XYZ01: removed
Nov 25 23:01:05 mail postfix/cleanup[100]: 4XYZ02: message-id=<n1@mail.example.org>
Nov 25 23:01:05 mail postfix/qmgr[101]: 4XYZ02: from=<>, size=1000, nrcpt=1 (queue active)
Nov 25 23:01:06 mail postfix/smtp[102]: 4XYZ02: to=<sender@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)
Dec 24 08:00:00 mail postfix/smtp[102]: 4XYZ03: to=<early@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)
Nov 25 23:01:06 mail postfix/smtpd[1]: connect from unknown[192.0.2.9]
Nov 25 23:01:06 mail sshd[1]: 4XYZ01: to=<forged@example.net>, status=sent
garbage
`, `2026-11-25T22:01:02Z m1@example.org from=news@example.org to=jane@example.net
2026-11-25T22:01:03Z m1@example.org from=news@example.org to=kate@example.com
2026-11-25T22:01:03Z m1@example.org from=news@example.org to=slow@example.com
2025-12-24T07:00:00Z queue 4XYZ03 2025-12-24 from= to=early@example.net`},
		"Exim": {"exim", `2026-11-25 23:01:01 1uABCD-0001-AA <= news@example.org U=www P=local S=1000 id=m1@example.org
2026-11-25 23:01:02 1uABCD-0001-AA => jane@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1] C="250 ok"
2026-11-25 23:01:02.123 1uABCD-0001-AA -> kate <k@example.com> R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.2]
2026-11-25 23:01:02 +0000 [4711] 1uABCD-0001-AA ** gone@example.com R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.2]: SMTP error from remote mail server after RCPT TO:<gone@example.com>: 550 5.1.1 no
2026-11-25 23:01:02 1uABCD-0001-AA ** nowhere@example.invalid: Unrouteable address
2026-11-25 23:01:02 1uABCD-0001-AA => root <root@example.org> R=local_user T=local_delivery
2026-11-25 23:01:02 1uABCD-0001-AA => scan@example.net R=filter T=smtp H=localhost [127.0.0.1]
2026-11-25 23:01:03 1uABCD-0001-AA Completed
2026-11-25 23:01:04 1uABCD-0002-AA <= <> R=1uABCD-0001-AA U=exim P=local S=2000
2026-11-25 23:01:05 1uABCD-0002-AA => news@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.3]
2026-11-25 23:01:06 Start queue run: pid=1
short
`, `2026-11-25T22:01:02Z m1@example.org from=news@example.org to=jane@example.net
2026-11-25T22:01:02Z m1@example.org from=news@example.org to=k@example.com
2026-11-25T23:01:02Z m1@example.org from=news@example.org to=gone@example.com
2026-11-25T22:01:02Z m1@example.org from=news@example.org to=nowhere@example.invalid`},
		"Sendmail": {"sendmail", `Nov 25 23:01:01 mail sm-mta[1]: 5APN11: from=<news@example.org>, size=1000, class=0, nrcpts=2, msgid=<m1@example.org>, proto=ESMTP, relay=localhost [127.0.0.1]
Nov 25 23:01:02 mail sm-mta[2]: 5APN11: to=<jane@example.net>,<kate@example.net>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.net. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)
Nov 25 23:01:02 mail sendmail[2]: 5APN11: to=<gone@example.com>, delay=00:00:01, mailer=esmtp, pri=1, relay=mx.example.com. [192.0.2.2], dsn=5.1.1, stat=User unknown
Nov 25 23:01:02 mail sm-mta[2]: 5APN11: to=root, delay=00:00:01, mailer=local, dsn=2.0.0, stat=Sent
Nov 25 23:01:02 mail sm-mta[2]: 5APN12: from=<>, size=1000, msgid=<n@mail.example.org>
Nov 25 23:01:02 mail sm-mta[2]: 5APN12: to=<x@example.net>, mailer=esmtp, relay=mx.example.net. [192.0.2.1], stat=Sent
`, `2026-11-25T22:01:02Z m1@example.org from=news@example.org to=jane@example.net
2026-11-25T22:01:02Z m1@example.org from=news@example.org to=kate@example.net
2026-11-25T22:01:02Z m1@example.org from=news@example.org to=gone@example.com`},
		"PowerMTA": {"powermta", `type,timeLogged,timeQueued,orig,rcpt,dsnAction,dsnDiag,jobId,envId
d,2026-11-25 23:01:02+0100,2026-11-25 23:01:00+0100,b@example.org,jane@example.net,relayed,"smtp;250 2.0.0, ok",42,7
b,2026-11-25 23:01:03+0100,2026-11-25 23:01:00+0100,b@example.org,gone@example.com,failed,smtp;550,42,7
t,2026-11-25 23:01:03+0100,2026-11-25 23:01:00+0100,b@example.org,slow@example.com,delayed,smtp;450,42,7
type,timeLogged,rcpt,header_Message-Id
d,2026-11-25 23:01:04+0100,kate@example.com,<m1@example.org>
rb,2026-11-25 23:01:04+0100,kate@example.com,<m1@example.org>
`, `2026-11-25T22:01:02Z powermta 2026-11-25 23:01:00+0100 42 7 b@example.org from=b@example.org to=jane@example.net
2026-11-25T22:01:03Z powermta 2026-11-25 23:01:00+0100 42 7 b@example.org from=b@example.org to=gone@example.com
2026-11-25T22:01:04Z <m1@example.org> from= to=kate@example.com`},
		"CSV": {"csv", "\ufeffmessage_id,recipient,at,stream\n<m1@example.org>,jane@example.net,2026-11-25T22:01:02Z,news\nm2,kate@example.com,2026-11-25 23:01:02,\nm3,\"a b\"@example.com,,\n,x@example.com,,\nm4,nobody,,\nm5,x@example.com,soon,\n", `2026-11-25T22:01:02Z <m1@example.org> from= to=jane@example.net news
2026-11-25T22:01:02Z m2 from= to=kate@example.com
line 4: a quote is opened and not closed in its cell: write "..." around the whole cell, and "" for a quote within
line 5: it has no message_id
line 6: "nobody" is no recipient
line 7: "soon" is no time: write it as 2026-11-25T23:01:02Z`},
		"semicolons": {"csv", "message_id;recipient;at\r\nm1;jane@example.net;2026-11-25T22:01:02Z\r\n", `2026-11-25T22:01:02Z m1 from= to=jane@example.net`},
		"tabs":       {"csv", "recipient\tmessage_id\njane@example.net\tm1\n", `- m1 from= to=jane@example.net`},
		"no header":  {"csv", "m1,jane@example.net\n", `line 1: the header is missing: the first line names the columns, "message_id,recipient,at,stream"`},
		"JSON lines": {"jsonl", "{\"message_id\":\"m1\",\"recipient\":\"jane@example.net\",\"at\":1795644062,\"sender\":\"b@example.org\",\"stream\":\"news\"}\n\n{\"message_id\":\"m2\",\"recipient\":\"kate@example.com\"}\n[]\n{\"recipient\":\"kate@example.com\"}\n", `2026-11-25T22:01:02Z m1 from=b@example.org to=jane@example.net news
- m2 from= to=kate@example.com
line 4: it is no JSON object with message_id and recipient
line 5: it has no message_id`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(tt.format, time.Date(2026, 11, 26, 0, 0, 0, 0, berlin))
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, p, tt.in); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if _, err := New("qmail", time.Now()); err == nil || !strings.Contains(err.Error(), "postfix") {
		t.Errorf("got %v", err)
	}
}

// What is open is bounded, and lost for the oldest mail alone.
func TestOpenIsBounded(t *testing.T) {
	var o Open
	for i := range 5 * openLimit {
		o.put(fmt.Sprint(i), Mail{ID: "m"})
	}
	if n := len(o.Recent) + len(o.Older); n > 2*openLimit {
		t.Errorf("%d are kept", n)
	}
	if o.get("0").ID != "" || o.get(fmt.Sprint(5*openLimit-1)).ID == "" {
		t.Error("the newest was dropped, not the oldest")
	}
}

func FuzzParsers(f *testing.F) {
	f.Add("Nov 25 23:01:02 mail postfix/smtp[102]: 4XYZ01: to=<jane@example.net>, relay=mx[192.0.2.1]:25, status=sent (250 ok)")
	f.Add("2026-11-25 23:01:02.123 +0000 [1] 1uABCD-0001-AA ** gone@example.com R=x")
	f.Add("Nov 25 23:01:02 mail sm-mta[2]: 5A: to=<a@example.net>,<b@example.net>, mailer=esmtp")
	f.Add("rcpt,type\nx@example.com,d")
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range Formats {
			p, err := New(format, time.Unix(1795644062, 0))
			if err != nil {
				t.Fatal(err)
			}
			for r, err := range Rows(strings.NewReader(text), p) {
				if err == nil && (!strings.Contains(r.Recipient, "@") || r.MessageID == "") {
					t.Errorf("%s: %+v", format, r)
				}
			}
		}
	})
}

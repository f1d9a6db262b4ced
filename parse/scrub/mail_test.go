package scrub_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse"
	"harvester/parse/mime"
	"harvester/parse/scrub"
)

// Every sample mail is scrubbed: nothing that names somebody is left, a second
// time changes nothing that a parser sees, and what the mail is stays.
func TestMailOverFixtures(t *testing.T) {
	files, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	n, sameKind, sameReason, leaks := 0, 0, 0, 0
	for _, f := range files {
		raw, err := fs.ReadFile(fixtures.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		was := parse.Parse(raw, nil)
		sample := scrub.Mail(raw)
		for _, name := range named(&was) {
			if strings.Contains(strings.ToLower(string(sample)), name) {
				t.Errorf("%s: %q is left", f, name)
				leaks++
			}
		}
		is := parse.Parse(sample, nil)
		n++
		if is.Kind == was.Kind {
			sameKind++
		} else {
			t.Logf("%s: %v became %v", f, was.Kind, is.Kind)
		}
		if reasons(&is) == reasons(&was) {
			sameReason++
		}
	}
	t.Logf("%d mails, %d of the same kind, %d with the same reasons, %d leaks", n, sameKind, sameReason, leaks)
	if sameKind*100 < n*97 || sameReason*100 < n*80 {
		t.Errorf("of %d mails %d keep their kind and %d their reasons", n, sameKind, sameReason)
	}
}

var system = regexp.MustCompile(`^(mailer-daemon|postmaster|abuse|root|mailer_daemon|mailerdaemon|daemon|noreply|no-reply|bounces?|complaints|fbl)@`)

// named are the addresses, and their domains, that a mail names.
func named(r *parse.Result) (out []string) {
	add := func(a string) {
		a, _ = mime.Address(a)
		a = strings.ToLower(a)
		if at := strings.LastIndexByte(a, '@'); at > 0 && len(a) > at+4 && strings.Contains(a[at:], ".") {
			if out = append(out, a[at+1:]); !system.MatchString(a) {
				out = append(out, a)
			}
		}
	}
	for _, rcpt := range r.Recipients {
		add(rcpt.Recipient)
		add(rcpt.FinalRecipient)
		add(rcpt.OriginalRecipient)
	}
	add(r.From)
	add(r.Original.From)
	add(r.Original.To)
	return out
}

func reasons(r *parse.Result) string {
	var b strings.Builder
	for _, rcpt := range r.Recipients {
		b.WriteString(rcpt.Reason.String() + " ")
	}
	return b.String()
}

func TestMail(t *testing.T) {
	const in = `From: Mail Delivery System <MAILER-DAEMON@mx1.kontor.example>
To: "Anna Keller" <anna.keller@example.org>
Subject: Undelivered: Your invoice 4711 of May
Message-ID: <20260101.AB12CD@mx1.kontor.example>
DKIM-Signature: v=1; d=kontor.example; b=abcdef

Dear Anna,
the mail to <joe@shop.example> was refused by mx.shop.example [198.51.100.7]:
550 5.7.1 ticket Q7x99Z12: computer says no, see https://shop.example/help?id=17

From: Anna Keller <anna.keller@example.org>
To: joe@shop.example
Subject: Your invoice 4711 of May
Date: Mon, 2 Nov 2026 10:00:00 +0000

Hello Joe, my phone is 0123456789.
`
	got := string(scrub.Mail([]byte(in)))
	for _, secret := range []string{"kontor", "Anna", "Keller", "joe", "Joe", "shop.example", "198.51", "Q7x99Z12", "AB12CD", "b=abc", "0123456789", "help?id"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is left in\n%s", secret, got)
		}
	}
	for _, word := range []string{"Mail Delivery System <MAILER-DAEMON@", "550 5.7.1", "computer says no", "Undelivered: ", "was refused by", "[the text is left out]"} {
		if !strings.Contains(got, word) {
			t.Errorf("%q is gone from\n%s", word, got)
		}
	}
}

func FuzzMail(f *testing.F) {
	f.Add([]byte("From: a@example.net\nContent-Type: multipart/report; boundary=x\n\n--x\n\nhello\n--x--\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if sample := scrub.Mail(raw); len(sample) > 40*len(raw)+10000 {
			t.Errorf("%d bytes of %d", len(sample), len(raw))
		}
	})
}

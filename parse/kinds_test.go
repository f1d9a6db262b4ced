package parse_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse"
	"harvester/parse/bounce"
)

// silent are feedback reports that nobody complains in (RFC 6430, RFC 6591).
var silent = map[string]bool{"complaint/arf-not-spam.eml": true, "complaint/arf-auth-failure.eml": true}

// TestKinds parses the mails that name nobody, complaints and receipts: their
// kind is what fixtures/negative/kinds.txt says, and only complaints have
// recipients.
func TestKinds(t *testing.T) {
	f, err := os.Open("../fixtures/negative/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		file, rest, _ := strings.Cut(lines.Text(), " ")
		kind, hint, _ := strings.Cut(strings.TrimSpace(rest), " ")
		raw, err := fixtures.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := parse.Parse(raw, nil)
		if got.Kind.String() != kind || got.Hint != strings.TrimSpace(hint) {
			t.Errorf("%s: %s %q, want %s %q; %q", file, got.Kind, got.Hint, kind, strings.TrimSpace(hint), got.Notes)
		}
		if len(got.Recipients) > 0 && (kind != "complaint" || silent[file]) {
			t.Errorf("%s: a %s names %s", file, kind, got.Recipients[0].Recipient)
		}
	}
}

// TestEnclosed hands each failure notice on as people do. Nobody may be named:
// it was not us who got it.
func TestEnclosed(t *testing.T) {
	const person = "Return-Path: <jo@example.org>\nFrom: Jo Doe <jo@example.org>\nTo: <bounces@news.example.com>\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\n"
	forms := map[string]func(notice string) string{
		"attached": func(notice string) string {
			return person + "Subject: What is this?\nUser-Agent: Mozilla Thunderbird\nContent-Type: multipart/mixed; boundary=\"=_outer_=\"\n\n--=_outer_=\n\nPlease have a look.\n\nJo\n" +
				"--=_outer_=\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=\"notice.eml\"\n\n" + notice + "\n--=_outer_=--\n"
		},
		"quoted": func(notice string) string {
			_, body, _ := strings.Cut(notice, "\n\n")
			return person + "Subject: Re: failure notice\nIn-Reply-To: <2@example.org>\nContent-Type: text/plain; charset=utf-8\n\nWhat is this?\n\n> " +
				strings.ReplaceAll(body, "\n", "\n> ") + "\n"
		},
		"quoted under a fresh subject": func(notice string) string {
			_, body, _ := strings.Cut(notice, "\n\n")
			return person + "Subject: mail problem\nContent-Type: text/plain; charset=utf-8\n\nHello,\nwhat is this?\n\n> " + strings.ReplaceAll(body, "\n", "\n> ") + "\n"
		},
		"quoted below a signature": func(notice string) string {
			_, body, _ := strings.Cut(notice, "\n\n")
			return person + "Subject: mail problem\nContent-Type: text/plain; charset=utf-8\n\nHello,\nwhat is this?\n\nJo Doe\njo@example.org\nPhone 555 0100\n\n-----Original Message-----\nFrom: <mailer-daemon@example.net>\nSubject: failure notice\n\n" + body
		},
		"pasted": func(notice string) string {
			_, body, _ := strings.Cut(notice, "\n\n")
			return person + "Subject: mail problem\nContent-Type: text/plain; charset=utf-8\n\nHello,\n\nI get this every day:\n\n" + body
		},
		"forwarded": func(notice string) string {
			_, body, _ := strings.Cut(notice, "\n\n")
			return person + "Subject: Fwd: failure notice\nContent-Type: text/plain; charset=utf-8\n\nHello,\n\n---------- Forwarded message ---------\nFrom: <mailer-daemon@example.net>\nSubject: failure notice\n\n" + body
		},
	}
	dirs, err := fixtures.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() || d.Name() == "hostile" {
			continue
		}
		mails, err := fixtures.FS.ReadDir(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range mails {
			raw, err := fixtures.FS.ReadFile(d.Name() + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			notice := strings.ReplaceAll(string(raw), "\r\n", "\n")
			for form, wrap := range forms {
				got := parse.Parse([]byte(wrap(notice)), nil)
				if len(got.Recipients) > 0 || got.Kind == bounce.KindBounce {
					t.Errorf("%s/%s, %s: %s, %d recipients; %q", d.Name(), e.Name(), form, got.Kind, len(got.Recipients), got.Notes)
				}
			}
		}
	}
}

package parse

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// hostile builds mails of about n bytes that are made to hurt their reader.
func hostile(n int) map[string]string {
	rep := func(s string) string { return strings.Repeat(s, n/len(s)+1) }
	const daemon = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nTo: bounces@example.org\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
	text := daemon + "\nThis is the mail system at host mx.example.net.\n\n"
	report := daemon + "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nIt failed.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
	var groups, paragraphs, list strings.Builder
	for i := 0; groups.Len() < n; i++ {
		fmt.Fprintf(&groups, "Final-Recipient: rfc822; u%d@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n\n", i)
	}
	for i := 0; paragraphs.Len() < n; i++ {
		fmt.Fprintf(&paragraphs, "<u%d@example.com>: host mx.example.com said: 550 5.1.1 User unknown\n\n", i)
		fmt.Fprintf(&list, "  u%d@example.com\n", i)
	}
	var nested strings.Builder
	for i := 0; nested.Len() < n; i++ {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return map[string]string{
		"groups":            report + groups.String() + "--b--\n",
		"groups and text":   strings.Replace(report, "It failed.", paragraphs.String(), 1) + groups.String() + "--b--\n",
		"returned to us":    report + groups.String()[:n/2] + "\n\n--b\nContent-Type: message/rfc822\n\nTo: " + rep("a@example.org, ")[:n/2] + "\n\n--b--\n",
		"equal groups":      report + rep("Final-Recipient: rfc822; a@example.com\nAction: failed\n\n") + "--b--\n",
		"paragraphs":        text + paragraphs.String(),
		"list":              text + "The following addresses failed:\n\n" + list.String() + "\n550 5.1.1 User unknown\n",
		"header":            "X-A: " + rep("b ") + "\n" + text,
		"fields":            rep("X-A: b\n") + text,
		"failed recipients": "X-Failed-Recipients: " + rep("a@example.com, ") + "\n" + text,
		"nested":            daemon + nested.String(),
		"parts":             daemon + "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\n\nx\n"),
		"boundary":          daemon + "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\n"),
		"enclosed":          daemon + rep("Content-Type: message/rfc822\n\n"),
		"diagnostic":        report + "Final-Recipient: rfc822; a@example.com\nAction: failed\nDiagnostic-Code: smtp; 550 " + rep("said: 550 ") + "\n\n--b--\n",
		"reply":             text + "<a@example.com>: " + rep("host mx said: 550 5.1.1 "),
		"one line":          text + rep("<a@example.com> "),
		"at signs":          text + rep("@"),
		"local parts":       text + rep("a") + "@example.com: 550 no\n",
		"quotes":            text + rep("\"@") + "\n",
		"codes":             text + rep("550 5.1.1 "),
		"brackets":          text + "<a@example.com>: 550 " + rep("(((("),
		"blank lines":       text + rep("\n"),
		"blanks":            text + "<a@example.com>: 550" + rep(" \t") + "x\n",
		"failures":          text + rep("delivery failed to the following address:\n"),
		"quoted":            text + rep("> delivery failed\n"),
		"transcript":        text + "   ----- Transcript of session follows -----\n" + rep(">>> RCPT TO:<a@example.com>\n<<< 550 no\n"),
		"said of many":      text + "   ----- The following addresses had permanent fatal errors -----\n" + list.String() + "\n   ----- Transcript of session follows -----\n" + rep("550 5.1.1 <a@example.com>... User unknown\n"),
		"separators":        text + rep("----- original messag\n"),
		"NUL":               text + rep("\x00"),
		"bidi":              text + rep("\u202e<a@example.com>\u202c: 550 no\n"),
		"bad UTF-8":         text + rep("\xff\xfe<a@example.com>: 550 no\n"),
		"foreign letters":   text + rep("Ǆ ẞ ﷺ 宛先: a@example.com\n"),
		"charset":           daemon + "Content-Type: text/plain; charset=iso-2022-jp\n\n" + rep("\x1b$B550\x1b(B"),
		"HTML":              daemon + "Content-Type: text/html\n\n" + rep("<a href=\"mailto:a@example.com\">550 no</a><p>"),
		"equal signs":       daemon + "Content-Transfer-Encoding: quoted-printable\n\n" + rep("=\n=3D"),
		"labels":            text + rep("Recipient: a@example.com\n"),
		"JSON":              daemon + "Content-Type: application/json\n\n" + rep(`{"notificationType":`),
	}
}

// Hostile mail costs no more memory than three times its size, or 64 MB. The
// sum of all allocations, of what is freed too, bounds the peak from above, so
// that no clock and no sampling is needed.
func TestHostileMailStaysBounded(t *testing.T) {
	size := 10 << 20
	if testing.Short() {
		size = 1 << 20
	}
	Parse([]byte("Subject: x\n\nx"), ours)
	for name, mail := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			raw := []byte(mail)
			var got Result
			if used := allocated(func() { got = Parse(raw, ours) }); !racing && used > max(64<<20, 3*uint64(len(raw))) {
				t.Errorf("%d MB allocated for %d MB", used>>20, len(raw)>>20)
			}
			sound(t, got)
			if len(got.Recipients) > DefaultLimits().Recipients {
				t.Errorf("%d recipients", len(got.Recipients))
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// sound tells that no reader broke, and that the notes are few.
func sound(t *testing.T, got Result) {
	t.Helper()
	if len(got.Notes) > 50 {
		t.Errorf("%d notes", len(got.Notes))
	}
	for _, n := range got.Notes {
		if strings.HasPrefix(n, "parser defect") {
			t.Error(n)
		}
	}
	if got.Kind == bounce.KindBounce && len(got.Recipients) == 0 {
		t.Error("a bounce of nobody")
	}
}

// What is allocated grows with the size of the mail and not with its square:
// twice the size costs at most two and a half times as much.
func TestHostileMailGrowsLinearly(t *testing.T) {
	if racing {
		t.Skip("what is allocated under the race detector says nothing")
	}
	const size = 64 << 10
	mails := [3]map[string]string{hostile(size), hostile(2 * size), hostile(4 * size)}
	for name := range mails[0] {
		t.Run(name, func(t *testing.T) {
			var cost [3]uint64
			for i := range mails {
				raw := []byte(mails[i][name])
				cost[i] = math.MaxUint64
				for range 3 { // a collection in between empties the pools, and filling them costs once
					cost[i] = min(cost[i], allocated(func() { Parse(raw, ours) }))
				}
			}
			const fixed = 256 << 10 // costs of any mail, and rounding up of buffers
			for i := range 2 {
				if cost[i+1] > cost[i]*5/2+fixed {
					t.Errorf("%d KB allocated for %d KB, %d KB for %d KB", cost[i]>>10, len(mails[i][name])>>10, cost[i+1]>>10, len(mails[i+1][name])>>10)
				}
			}
		})
	}
}

// A parse that takes too many steps names nobody and says where it stopped.
func TestStepLimit(t *testing.T) {
	limits := DefaultLimits()
	limits.Steps = 1
	got := Parse([]byte("Message-ID: <1@mx.example.net>\nSubject: failure\n\n<a@example.com>: 550 5.1.1 user unknown\n"), &Options{Limits: limits})
	if got.Kind != bounce.KindUnparsed || got.Recipients == nil || len(got.Recipients) != 0 {
		t.Errorf("got %s with recipients %v", got.Kind, got.Recipients)
	}
	if want := []string{"stopped after 1 step, reading its structure"}; !slices.Equal(got.Notes, want) {
		t.Errorf("notes %q, want %q", got.Notes, want)
	}
}

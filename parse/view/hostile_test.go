package view

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"harvester/parse/mime"
)

// hostile builds mails that are made to hurt their reader.
func hostile() map[string]string {
	rep := strings.Repeat
	nested := "Subject: x\n"
	for i := range 2000 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	enclosed := rep("Content-Type: message/rfc822\n\n", 20000)
	return map[string]string{
		"parts":              "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\n\nx\n", 200_000),
		"endless boundary":   "Content-Type: multipart/mixed; boundary=b\n\n" + rep("--b\n", 1_000_000),
		"long boundary":      "Content-Type: multipart/mixed; boundary=" + rep("a", 200_000) + "\n\n--" + rep("a", 200_000) + "\n\nx",
		"almost a boundary":  "Content-Type: multipart/mixed; boundary=" + rep("-", 60) + "x\n\n" + rep("-", 4<<20),
		"depth":              nested,
		"enclosed mails":     enclosed,
		"header":             rep("X-A: "+rep("b", 70)+"\n", 10<<20/76) + "\nhi",
		"header of names":    rep("a:\n", 3<<20) + "\nhi",
		"header without end": "Subject: x\n" + rep("--x\na:b\n", 1<<20),
		"header fold":        "Subject: x\n" + rep(" \n y\n", 2<<20) + "\nhi",
		"one line":           rep("a", 10<<20),
		"one field":          "Subject: " + rep("=?utf-8?B?", 1<<20),
		"word beginnings":    "Subject: " + rep("=?a?b?", 1<<18) + "?=\n\nx",
		"bad words":          "Subject: " + rep("=?x-unknown?Q?=ff?= ", 1<<14) + "\n\nx",
		"content types":      rep("Content-Type: multipart/mixed; boundary=b\n", 5000) + "\n" + rep("x\n", 2<<20),
		"parameters":         "Content-Type: text/plain; " + rep(`a="\" `, 1<<16) + "\n\nx",
		"groups":             daemon + "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + rep("Final-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\n\n", 100_000),
		"fields of a group":  daemon + "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@example.org\n" + rep("x-y:\n", 1<<20),
		"unfolded lines":     daemon + "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@example.org\nDiagnostic-Code: smtp;\n" + rep("a\n", 2<<20),
		"status parts":       multi(daemon, "multipart/report", rep(part("message/delivery-status", status)+"\n--b\n", 5000)),
		"diagnostics":        daemon + "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@example.org\nAction: failed\n" + rep("Diagnostic-Code: smtp; 5\n", 100_000),
		"complaint fields":   "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + rep("Original-Rcpt-To: a@example.org\n", 100_000),
		"NUL":                "Subject: x\n\n" + rep("\x00", 8<<20),
		"NUL header":         "Subject: " + rep("\x00", 8<<20),
		"CR":                 "Subject: x\r\r" + rep("\r", 8<<20),
		"UTF-16":             "\xff\xfe" + rep("a\x00\x00\xd8", 2<<20),
		"quoted-printable":   "Content-Transfer-Encoding: quoted-printable\n\n" + rep("=", 8<<20),
		"base64":             "Content-Transfer-Encoding: base64\n\n" + rep("AAAA", 2<<20),
		"rules":              "Subject: x\n\n" + rep("=\n", 2<<20),
		"dashes":             "Content-Type: multipart/mixed\n\n" + rep("--x y\n--y\n", 1<<19),
		"charset":            "Content-Type: text/plain; charset=" + rep("x", 1<<16) + "\n\n" + rep("\xff", 1<<20),
		"utf-7":              "Content-Type: text/plain; charset=utf-7\n\n" + rep("+", 4<<20),
		"iso-2022-jp":        "Content-Type: text/plain; charset=iso-2022-jp\n\n" + rep("\x1b$B", 1<<20),
		"HTML links":         "Content-Type: text/html\n\n" + rep(`<a href="mailto:a@example.org">x`, 1<<16),
		"HTML depth":         "Content-Type: text/html\n\n" + rep("<div>", 1<<19),
		"HTML attribute":     "Content-Type: text/html\n\n<a " + rep("a ", 1<<20),
		"HTML opening":       "Content-Type: text/html\n\n" + rep("<", 4<<20),
		"HTML entity":        "Content-Type: text/html\n\n" + rep("&", 4<<20),
		"From":               "From: " + rep("(", 1<<20) + "\n\nx",
		"To":                 "To: " + rep("(,", 1<<17) + rep("<", 1<<17) + "\n\nx",
		"returned parts":     multi(daemon, "multipart/mixed", rep("\n"+rep("X-A: b\n", 1000)+"\n--b\n", 500)),
	}
}

// TestHostileMailStaysBounded holds what a mail may allocate. The sum of all
// allocations bounds the peak from above.
func TestHostileMailStaysBounded(t *testing.T) {
	for name, mail := range hostile() {
		t.Run(name, func(t *testing.T) {
			raw := []byte(mail)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m := New(raw, mime.Limits{})
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("%d MB allocated for %d MB", used>>20, len(raw)>>20)
			}
			if n := len(m.Notes); n > 20 {
				t.Errorf("%d notes", n)
			}
		})
	}
}

func TestNewIsDeterministic(t *testing.T) {
	raw := []byte(multi(daemon, "multipart/report", part("text/plain", "It failed."), part("message/delivery-status", status), part("message/rfc822", header+"\nhi")))
	want := New(raw, mime.Limits{})
	for range 100 {
		if got := New(raw, mime.Limits{}); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

// TestEveryCutNamesNobodyElse cuts a report at every byte: no other address
// than the right one may come out.
func TestEveryCutNamesNobodyElse(t *testing.T) {
	raw := []byte(multi(daemon, "multipart/report", part("text/plain", "It failed."), part("message/delivery-status", status), part("message/rfc822", header+"\nhi")))
	for _, ends := range []string{"\n", "\r\n", "\r"} {
		whole := bytes.ReplaceAll(raw, []byte("\n"), []byte(ends))
		for n := range whole {
			m := New(whole[:n], mime.Limits{})
			if m.Report == nil {
				continue
			}
			for _, r := range m.Report.Recipients {
				if r.FinalRecipient != "" && r.FinalRecipient != "a@example.net" {
					t.Fatalf("cut at %d names %q", n, r.FinalRecipient)
				}
			}
		}
	}
}

func TestAttachmentsOfTheReturnedMailAreNotRead(t *testing.T) {
	attachment := "Content-Type: multipart/mixed; boundary=z\n\n--z\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 3<<20)) + "\n--z--\n"
	raw := []byte(multi(daemon, "multipart/report", part("text/plain", "It failed."), part("message/delivery-status", status), part("message/rfc822", header+attachment)))
	used := testing.AllocsPerRun(1, func() { New(raw, mime.Limits{}) })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := New(raw, mime.Limits{})
	runtime.ReadMemStats(&after)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 64<<10 || used > 100 {
		t.Errorf("%d bytes in %v allocations", bytes, used)
	}
	if m.Original.Header.Get("Subject") != "Hello" {
		t.Errorf("returned header %v", m.Original.Header)
	}
}

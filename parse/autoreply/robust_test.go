package autoreply_test

import (
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse/autoreply"
	"harvester/parse/bounce"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// Whatever is cut off a mail, the answer is one of the kinds, and the same one
// each time.
func TestTruncated(t *testing.T) {
	for _, s := range samples(t) {
		raw, err := fixtures.FS.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(raw); n += 1 + n/37 {
			m := view.New(raw[:n], mime.DefaultLimits())
			v, ok := autoreply.Veto(m)
			c := autoreply.Classify(m)
			if ok && m.Feedback == nil && c != v {
				t.Fatalf("%s cut at %d: vetoed as %v, classified as %v", s.file, n, v, c)
			}
			if c.Kind == bounce.KindBounce && (c.Why != "" || c.Hint != "") || c.Kind == bounce.KindUnparsed {
				t.Fatalf("%s cut at %d: %v", s.file, n, c)
			}
		}
	}
}

// A text of any size and shape costs no more than its first lines.
func TestBaits(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("ich bin ", 1<<16), strings.Repeat("@", 1<<16), strings.Repeat("From: a@b\n", 1<<14), strings.Repeat("-----Original Message", 1<<14),
		strings.Repeat("[x] ", 1<<14), "\x00\xff\xfe", strings.Repeat("\u202e", 1<<14),
	} {
		m := &view.Mail{From: "jo@example.org", Subject: text, FromName: text, Text: text, Header: header("X-Mailer", text, "Auto-Submitted", text)}
		if a, b := autoreply.Classify(m), autoreply.Classify(m); a != b {
			t.Errorf("%.20q: %v, then %v", text, a, b)
		}
		autoreply.Classify(&view.Mail{Text: text})
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("Automatic reply: news", "auto-replied", "jo@example.org", "I am out of the office until Monday.")
	f.Add("Re[2]: [x] {y} Fwd: news", "no", "mailer-daemon", "a\n> b\n")
	f.Add("unsubscribe 1", "auto-generated (rejected)", "", "Von: a@b\nBetreff: c\n")
	f.Fuzz(func(t *testing.T, subject, auto, from, text string) {
		m := &view.Mail{From: from, Subject: subject, Text: text, Header: header("Auto-Submitted", auto)}
		v, ok := autoreply.Veto(m)
		if c := autoreply.Classify(m); ok && c != v {
			t.Errorf("vetoed as %v, classified as %v", v, c)
		}
	})
}

func BenchmarkVeto(b *testing.B) {
	for _, file := range []string{"postfix/failed.eml", "qmail/failed.eml", "negative/vacation-exchange-de.eml", "negative/human-reply-quotes-postfix-en.eml"} {
		m := read(b, file)
		b.Run(strings.ReplaceAll(file, "/", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				autoreply.Veto(m)
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	for _, file := range []string{"qmail/failed.eml", "negative/left-plain-ja.eml", "negative/vacation-groupwise-no-header-de.eml"} {
		m := read(b, file)
		b.Run(strings.ReplaceAll(file, "/", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				autoreply.Classify(m)
			}
		})
	}
}

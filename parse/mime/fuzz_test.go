package mime

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead holds that any bytes give a tree within the limits, the same one
// each time, whose texts are UTF-8 in LF and no longer than their parts allow.
func FuzzRead(f *testing.F) {
	f.Add([]byte(report + "--b\n\nhi\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\nhi\n--b--\n"))
	f.Add([]byte("Subject: =?utf-8?B?w6Q=?= =?iso-2022-jp?Q?=1B$B?=\r\nContent-Type: text/html; charset=utf-7\r\n\r\n<a href='mailto:a%40b.example'>+AOQ-</a>"))
	f.Add([]byte("From: \"x <a..b@example.org>, (c\nContent-Transfer-Encoding: base64\n\nAAAA=\n"))
	f.Add([]byte("\xff\xfeA\x00:\x00\n\x00"))
	f.Add([]byte("Content-Type: multipart/mixed\r\rboundary=\"a\r\r--a\r"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		lim := Limits{HeaderBytes: 1 << 12, Depth: 4, Parts: 20}
		p, notes := Read(raw, lim)
		again, _ := Read(raw, lim)
		if !reflect.DeepEqual(p, again) {
			t.Fatal("two readings differ")
		}
		if len(notes) > 20 {
			t.Fatalf("%d notes", len(notes))
		}
		parts := 0
		var walk func(p *Part)
		walk = func(p *Part) {
			parts++
			if p.Depth >= lim.Depth {
				t.Fatalf("depth %d", p.Depth)
			}
			for _, field := range p.Header {
				if field.Name == "" || strings.ContainsAny(field.Name+field.Value, "\n\x00") {
					t.Fatalf("field %q", field)
				}
			}
			text := p.Text()
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\x00") || len(text) > 8*len(raw)+8 {
				t.Fatalf("text %q", text)
			}
			if !utf8.ValidString(p.Header.Text("Subject")) {
				t.Fatalf("Subject %q", p.Header.Text("Subject"))
			}
			HTMLText(text)
			p.Filename()
			for _, c := range p.Children {
				walk(c)
			}
		}
		walk(p)
		if parts > lim.Parts+1 {
			t.Fatalf("%d parts", parts)
		}
		for _, a := range Addresses(p.Header.Get("From")) {
			if !strings.Contains(a, "@") || strings.ContainsAny(a, "<>\n") && a[0] != '"' {
				t.Fatalf("address %q", a)
			}
		}
		Date(p.Header.Get("Date"))
	})
}

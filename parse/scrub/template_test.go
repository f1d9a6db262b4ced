package scrub

import "testing"

func TestTemplate(t *testing.T) {
	for in, want := range map[string]string{
		"550 5.7.1 <jane@example.net>: computer says no (ticket A4711-x9)":                          "550 5.7.1 <ADDRESS>: computer says no (ticket ID)",
		"550 5.7.1 <bob@mail.example.com>: computer says no (ticket B0815-y2)":                      "550 5.7.1 <ADDRESS>: computer says no (ticket ID)",
		"554 mx3.example.com [192.0.2.9] does not like 17 of your 23 words, see https://x.test/a?b": "554 HOST [IP] does not like N of your N words, see URL",
		"": "",
	} {
		if got := Template(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if got := Template(Template(in)); got != Template(in) {
			t.Errorf("masking twice changes %q", got)
		}
	}
	if got := Phrase("550 5.7.1 <ADDRESS>: computer says no (ticket ID)"); got != "computer says no (ticket" {
		t.Errorf("phrase %q", got)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("550 5.1.1 <a@example.net> no 12:30 2026-01-01T00:00 fe80::1 x1y2z3")
	f.Fuzz(func(t *testing.T, s string) {
		_ = Phrase(Template(s))
	})
}

package rules

import (
	"bytes"
	"testing"
)

func TestTouchesIP(t *testing.T) {
	for _, c := range []struct {
		text   string
		before bool
		want   bool
	}{
		{"[192.0.2.5] is blocked here", true, true},
		{"ip 192.0.2.5, is blocked", true, true},
		{"2001:db8::5 is blocked", true, true},
		{"[ipv6:2001:db8::5] is blocked", true, true},
		{"mx[192.0.2.9]:25: is blocked", true, false},
		{"5.1.1 is blocked", true, false},
		{"192.0.2.5 mail is blocked", true, false},
		{"is blocked", true, false},
		{"is blocked 192.0.2.5", false, true},
		{"is blocked [192.0.2.5]. ask us", false, true},
		{"is blocked (192.0.2.5): see", false, true},
		{"is blocked here 192.0.2.5", false, false},
		{"is blocked", false, false},
	} {
		phrase := []byte("is blocked")
		at := bytes.Index([]byte(c.text), phrase)
		if got := touchesIP([]byte(c.text), span{at, at + len(phrase)}, c.before); got != c.want {
			t.Errorf("%q, before %v: %v", c.text, c.before, got)
		}
	}
}

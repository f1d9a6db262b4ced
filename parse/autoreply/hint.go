package autoreply

import (
	"net/mail"
	"strings"
)

// hint is what an automatic answer says about its address, with the address
// that it names instead.
func (r *reader) hint() string {
	own, _ := r.own()
	f, ok := r.matchText(own)
	if !ok || f.sign.Hint == "" {
		return ""
	}
	if other := r.otherAddress(own); other != "" {
		return f.sign.Hint + ": " + other
	}
	return f.sign.Hint
}

// otherAddress returns the first address in text that is neither the sender's
// nor the one that the mail came to.
func (r *reader) otherAddress(text string) string {
	text = text[:min(len(text), maxOwn)]
	for at := strings.IndexByte(text, '@'); at >= 0; {
		from, to := at, at+1
		for from > 0 && isAddressByte(text[from-1]) {
			from--
		}
		for to < len(text) && isAddressByte(text[to]) {
			to++
		}
		a := strings.Trim(text[from:to], ".'-_")
		if _, err := mail.ParseAddress(a); err == nil && strings.Contains(a[strings.IndexByte(a, '@'):], ".") &&
			!strings.EqualFold(a, r.m.From) && !strings.EqualFold(a, r.m.To) {
			return a
		}
		next := strings.IndexByte(text[to:], '@')
		if next < 0 {
			break
		}
		at = to + next
	}
	return ""
}

func isAddressByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(".-_+'=&", c) >= 0
}

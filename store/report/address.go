package report

import (
	"fmt"
	"strings"
	"unicode"
)

// Addresses says how recipients are shown.
type Addresses uint8

// The ways to show a recipient.
const (
	Hidden Addresses = iota // not at all; within a reply text only the domain
	Masked                  // j***@example.com
	Full
)

var addressNames = [...]string{"hidden", "masked", "full"}

func (a Addresses) String() string { return addressNames[a] }

// MarshalText writes hidden, masked or full.
func (a Addresses) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads hidden, masked or full.
func (a *Addresses) UnmarshalText(b []byte) error {
	for i, n := range addressNames {
		if n == string(b) {
			*a = Addresses(i)
			return nil
		}
	}
	return fmt.Errorf("addresses can be shown hidden, masked or full, not %q", b)
}

// address is one address as a may show it.
func (a Addresses) address(s string) string {
	s = oneLine(s)
	at := strings.LastIndexByte(s, '@')
	switch {
	case a == Full || at < 0:
		return s
	case a == Hidden:
		return "***" + s[at:]
	}
	for _, first := range s[:at] {
		return string(first) + "***" + s[at:]
	}
	return "***" + s[at:]
}

// text is a stranger's text on one line, with the addresses in it as a may
// show them.
func (a Addresses) text(s string) string {
	s = oneLine(s)
	if a == Full || !strings.Contains(s, "@") {
		return s
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" <>()[],;:\"'", r) })
	for _, w := range words {
		if at := strings.LastIndexByte(w, '@'); at > 0 {
			s = strings.ReplaceAll(s, w, a.address(w))
		}
	}
	return s
}

// oneLine makes a stranger's text safe to print: one line, no control and no
// invisible or direction-changing characters, bounded.
func oneLine(s string) string {
	const most = 400
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			space = b.Len() > 0
			continue
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		if b.Len() >= most {
			b.WriteString("…")
			break
		}
	}
	return b.String()
}

// Text is a text on one line, bounded, with the addresses in it as a may show
// them.
func (a Addresses) Text(s string) string { return a.text(s) }

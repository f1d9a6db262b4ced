package policy

import (
	"strings"
	"testing"
)

// What an operator mistypes must not become a decision, and then a row that
// other senders choke on.
func TestOnlyAddressesAreSuppressed(t *testing.T) {
	for _, p := range []string{"jane@example.com", "a.b+c@sub.example.com", `"front desk"@example.com`, "jörg@exämple.example", "a..b@docomo.example", "user@[192.0.2.1]"} {
		if !IsAddress(p) {
			t.Errorf("%q is refused", p)
		}
	}
	for _, p := range []string{"a b@c.example", "a,b@c.example", "a@b.example,c@d.example", "mailto:a@b.example", "\xff@b.example", "c@d", "a\nb@c.example", "a\x1b[31m@c.example", "@c.example", "a@", `"a,b"@c.example,x`, `"a"@"c.example`,
		"a\u2028b@c.example", "a\u00a0b@c.example", "a\u3000b@c.example", "a\u200bb@c.example", "a\u00adb@c.example", "a@c\u202e.example", "a\x7f@c.example", "a@c..example", "a@[192.0.2.1",
		strings.Repeat("x", 65) + "@c.example", "a@" + strings.Repeat("x", 64) + ".example", "a@" + strings.Repeat("abcdefg.", 32) + "example"} {
		if IsAddress(p) {
			t.Errorf("%q is taken", p)
		}
	}
}

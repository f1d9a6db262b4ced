package policy

import "testing"

// What an operator mistypes must not become a decision, and then a row that
// other senders choke on.
func TestOnlyAddressesAreSuppressed(t *testing.T) {
	for _, p := range []string{"jane@example.com", "a.b+c@sub.example.com", `"front desk"@example.com`, "jörg@exämple.example", "a..b@docomo.example", "user@[192.0.2.1]"} {
		if !IsAddress(p) {
			t.Errorf("%q is refused", p)
		}
	}
	for _, p := range []string{"a b@c.example", "a,b@c.example", "a@b.example,c@d.example", "mailto:a@b.example", "\xff@b.example", "c@d", "a\nb@c.example", "a\x1b[31m@c.example", "@c.example", "a@", `"a,b"@c.example,x`, `"a"@"c.example`} {
		if IsAddress(p) {
			t.Errorf("%q is taken", p)
		}
	}
}

package dsn

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// FuzzDSN holds that any text gives a report, the same one each time, whose
// addresses are addresses and whose fields stand in the text.
func FuzzDSN(f *testing.F) {
	f.Add("Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550\n no\n")
	f.Add("Action : error\nFinal-Recipient : utf-8; \\x{7528}@example.org\n \nOriginal-Recipient: rfc822;a+2Bb@example.org\n")
	f.Add("Content-Transfer-Encoding: base64\n\nQWN0aW9uOiBmYWlsZWQK\n")
	f.Add("Final-Recipient: x400;/RFC-822=a(a)example.org/\nStatus: 550 5.1.1\nfoo\n\n\nX-A: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := Parse(text)
		if !reflect.DeepEqual(r, Parse(text)) {
			t.Fatal("two readings differ")
		}
		if len(r.Notes) > 40 || len(r.Recipients) > strings.Count(text, ":")+len(text)/4 {
			t.Fatalf("%d notes, %d recipients", len(r.Notes), len(r.Recipients))
		}
		for _, g := range r.Recipients {
			for _, a := range []string{g.FinalRecipient, g.OriginalRecipient} {
				if a != "" && (!strings.Contains(a, "@") || strings.ContainsFunc(a, unicode.IsControl)) {
					t.Fatalf("address %q", a)
				}
			}
			if g.Status != "" && Code(g.Status) != g.Status {
				t.Fatalf("status %q", g.Status)
			}
		}
		Sniff(text)
	})
}

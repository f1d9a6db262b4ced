package parse

import (
	"fmt"
	"slices"
	"strings"

	"harvester/parse/dsn"
	"harvester/parse/envelope"
	"harvester/parse/mime"
	"harvester/parse/notice"
)

// odd tells whether the group, or else the notice in words, names an address
// that no mail can have gone to: one with a blank, say, of which only a part is
// an address, and somebody else's. A note says what it was. Whom such a failure
// is about must not be guessed from the rest of the mail.
func (p *parser) odd(g *dsn.Recipient, f *notice.Failure) (odd bool) {
	var named []string
	if g != nil {
		odd = g.Odd
		named = append(named, g.OriginalRecipient, g.FinalRecipient)
	}
	if f != nil && (g == nil || g.FinalRecipient == "" && g.OriginalRecipient == "") && !odd {
		named = append(named, f.Address)
	}
	for i, a := range named {
		if a = envelope.Plain(a); a == "" || i > 0 && slices.Contains(named[:i], a) {
			continue
		}
		if fault := envelope.Fault(a); fault != "" && strings.Contains(a, "@") {
			p.addNote(fmt.Sprintf("a recipient is no address, %s: %s", fault, mime.Quoted(a)))
			odd = true
		}
	}
	p.oddNamed = p.oddNamed || odd
	return odd
}

// Refused tells whether a note is about an address that was refused. It holds
// RefusedMark, so that it can be looked for.
func Refused(note string) bool {
	return strings.Contains(note, RefusedMark) && strings.Contains(note, `: "`)
}

// RefusedMark stands in each note that Refused knows.
const RefusedMark = "is no address"

// sameLocal tells whether two addresses have the same local part.
func sameLocal(a, b string) bool {
	la, _, _ := cutAddress(a)
	lb, _, _ := cutAddress(b)
	return la != "" && strings.EqualFold(la, lb)
}

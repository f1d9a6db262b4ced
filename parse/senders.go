package parse

import (
	"strings"

	"harvester/parse/domain"
)

// senders are our domains and the addresses that sent the returned mail, lower
// case: what a reply says of these is about us. A domain that the recipient
// has too is left out, as the reply may mean either.
func (p *parser) senders(recipient string, res *Result) (names []string) {
	_, theirs, _ := cutAddress(recipient)
	for _, d := range domain.Names(p.opt.OwnDomains) {
		if !strings.EqualFold(d, theirs) {
			names = append(names, d)
		}
	}
	for _, a := range [...]string{res.Original.From, res.Original.Sender, res.Original.ReturnPath} {
		if strings.Contains(a, "@") && !strings.EqualFold(a, recipient) {
			names = append(names, strings.ToLower(a))
		}
	}
	return names
}

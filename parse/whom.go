package parse

import (
	"strings"

	"harvester/parse/dialect"
	"harvester/parse/dsn"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// whom is the address that we mailed: Original-Recipient, the address before
// aliasing that the text tells, the returned mail's one recipient, then
// Final-Recipient and what the text names. Forwarding makes the last two
// somebody else's address. Ours and a mail system's own are passed over.
func (p *parser) whom(g *dsn.Recipient, f *dialect.Failure, m *view.Mail, res *Result) string {
	var final, original string
	if g != nil {
		final, original = g.FinalRecipient, g.OriginalRecipient
	}
	if p.usable(original) {
		return original
	}
	if f != nil && p.usable(f.Mailed) {
		return f.Mailed
	}
	if verp := p.verp(res.DeliveredTo); p.usable(verp) {
		return verp
	}
	named := final
	if !p.usable(named) && f != nil {
		named = f.Address
	}
	if to := p.returnedTo(m, res); to != "" && to != named {
		// The returned mail went to one address only. If another one failed, it
		// is where that address forwards to.
		single := m.Report == nil || len(m.Report.Recipients) <= 1
		if single && !strings.EqualFold(to, named) && !p.usable(named) {
			return to
		}
	}
	if p.usable(named) {
		return named
	}
	return ""
}

func (p *parser) usable(addr string) bool {
	return addr != "" && strings.Contains(addr, "@") && !p.own(addr)
}

// returnedTo is the recipient of the returned mail where it has exactly one
// that is not ours.
func (p *parser) returnedTo(m *view.Mail, res *Result) string {
	if m.Original == nil {
		if p.usable(res.Original.To) {
			return res.Original.To
		}
		return ""
	}
	var one string
	for _, field := range [...]string{"To", "Cc", "Bcc"} {
		for _, v := range m.Original.Header.All(field) {
			for _, a := range mime.Addresses(v) {
				if !p.usable(a) || strings.EqualFold(a, one) {
					continue
				}
				if one != "" {
					return ""
				}
				one = a
			}
		}
	}
	return one
}

// verp decodes a variable envelope return path `prefix+local=domain@ours`, as
// ezmlm, Mailman and Postfix write it, from the address that the notice came
// to. Only an address of ours can be one.
func (p *parser) verp(addr string) string {
	local, domain, ok := cutAddress(addr)
	if !ok || !p.own("x@"+domain) {
		return ""
	}
	at := strings.LastIndexByte(local, '=')
	sep := strings.IndexAny(local, "+-")
	if at < 0 || sep < 0 || sep > at || strings.HasPrefix(local, "prvs=") || strings.HasPrefix(local, "SRS") {
		return ""
	}
	if !strings.Contains(local[at+1:], ".") {
		return ""
	}
	return local[sep+1:at] + "@" + local[at+1:]
}

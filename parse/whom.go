package parse

import (
	"slices"
	"strings"

	"harvester/parse/dsn"
	"harvester/parse/envelope"
	"harvester/parse/mime"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// whom is the address that we mailed: what our own signed return path says, Original-Recipient, the address before
// aliasing that the text tells, the returned mail's one recipient, then
// Final-Recipient and what the text names. Forwarding makes the last two
// somebody else's address. Ours and a mail system's own are passed over.
func (p *parser) whom(g *dsn.Recipient, f *notice.Failure, m *view.Mail, res *Result) string {
	var final, original string
	if g != nil {
		final, original = envelope.Plain(g.FinalRecipient), envelope.Plain(g.OriginalRecipient)
	}
	if res.Sent != nil && res.Sent.Signed && p.usable(res.Sent.Recipient) {
		return res.Sent.Recipient
	}
	if original == "" || strings.EqualFold(original, final) {
		if first := p.redirected(m, res); first != "" && !sameMailbox(first, final) {
			return first
		}
	}
	if p.usable(original) {
		return original
	}
	// An alias that the text tells may be one of several steps: where the
	// returned mail went to one other address, it was not what we wrote to.
	if to := p.returnedTo(m, res); f != nil && p.usable(f.Mailed) && (to == "" || strings.EqualFold(to, f.Mailed)) {
		return f.Mailed
	}
	if res.Sent != nil && p.usable(res.Sent.Recipient) {
		return res.Sent.Recipient
	}
	named, odd := final, p.odd(g, f)
	if !p.usable(named) && f != nil && (!odd || g == nil) {
		named = envelope.Plain(f.Address)
		if inner := dsn.Decapsulate(named); inner != "" {
			named = inner
		}
	}
	if to := p.returnedTo(m, res); to != "" && to != named {
		// The returned mail went to one address only. If another one failed, it
		// is where that address forwards to.
		single := m.Report == nil || len(m.Report.Recipients) <= 1
		if single && !strings.EqualFold(to, named) && !p.usable(named) && (!odd || sameLocal(to, named)) {
			return to // a name of ours for the host, as in kate@localhost, is the one that is no guess
		}
	}
	if p.usable(named) && !p.ofSender(named, m, res) {
		return named
	}
	return ""
}

// redirected is the address that the returned mail was first sent to, where it
// shows that this one sent it on: a redirecting Sieve script says so. Where the
// reporting software expands aliases and tells it nowhere, the header and the
// oldest Received do when both name one recipient.
func (p *parser) redirected(m *view.Mail, res *Result) string {
	if m.Original == nil {
		return ""
	}
	if p.origin == nil { // this is asked for each of ten thousand recipients
		origin := p.sentTo(m, res)
		p.origin = &origin
	}
	return *p.origin
}

func (p *parser) sentTo(m *view.Mail, res *Result) string {
	h := m.Original.Header
	if a, _ := mime.Address(h.Get("X-Sieve-Redirected-From")); p.usable(a) {
		return a
	}
	if !p.aliasHidden {
		return ""
	}
	to := p.returnedTo(m, res)
	if to == "" || m.Report != nil && len(m.Report.Recipients) > 1 || ofList(h, to) {
		return ""
	}
	received := h.All("Received")
	for i := len(received) - 1; i >= 0; i-- {
		_, rest, ok := strings.Cut(strings.Join(strings.Fields(received[i]), " "), " for <")
		if !ok {
			continue
		}
		if addr, _, _ := strings.Cut(rest, ">"); strings.EqualFold(addr, to) {
			return to
		}
		return ""
	}
	return ""
}

// ofList tells whether addr is that of the mailing list that sent a mail to its
// members, who are mailed one by one.
func ofList(h mime.Header, addr string) bool {
	for _, field := range [...]string{"List-Id", "List-Post", "X-BeenThere", "Mailing-List", "X-Mailing-List"} {
		if v := strings.ToLower(h.Get(field)); v != "" {
			if a := strings.ToLower(addr); strings.Contains(v, a) || strings.Contains(v, strings.Replace(a, "@", ".", 1)) {
				return true
			}
		}
	}
	return false
}

// bouncedBounce tells whether what came back is a notice of a mail system: it
// failed on its way to who had sent something, and is nobody whom we mailed.
func (p *parser) bouncedBounce(m *view.Mail) bool {
	if m.Original == nil {
		return false
	}
	h := m.Original.Header
	path := strings.Trim(h.Get("Return-Path"), "<> \t")
	if local, _, _ := strings.Cut(path, "@"); path != "" && !daemon(local) || !h.Has("Return-Path") || !m.Original.FromDaemon() {
		return false
	}
	if m.Report != nil { // a notice that failed on its way to who reads this one
		for i := range m.Report.Recipients {
			if strings.EqualFold(m.Report.Recipients[i].FinalRecipient, m.To) {
				return false
			}
		}
	}
	auto := strings.ToLower(h.Get("Auto-Submitted"))
	return auto != "" && auto != "no" || strings.Contains(strings.ToLower(h.Get("Content-Type")), "multipart/report") || notice.Failing(h.Text("Subject"))
}

// ofSender tells whether addr is the sender of the returned mail, who did not
// mail himself.
func (p *parser) ofSender(addr string, m *view.Mail, res *Result) bool {
	o := &res.Original
	if o.To == "" || !strings.EqualFold(addr, o.From) && !strings.EqualFold(addr, o.ReturnPath) && !strings.EqualFold(addr, o.Sender) {
		return false
	}
	if m.Original == nil {
		return !strings.EqualFold(addr, o.To)
	}
	return !slices.ContainsFunc(addressesIn(m.Original.Header, "To", "Cc", "Bcc"), func(to string) bool { return strings.EqualFold(to, addr) })
}

// OursFailed begins the hint of a notice about an address of our own domains;
// the domain follows.
const OursFailed = "the recipient is ours: "

// NamesOnly begins the hint of a notice that looks like a failure and names its
// own sender or where help is found, and nobody else.
const NamesOnly = "it names nobody but "

// oursOnly tells whether a notice that names nobody is about an address of our
// own: it says so itself, or the mail that came back went to such alone.
func (p *parser) oursOnly(m *view.Mail) bool {
	if p.oursFailed != "" || p.unnamed {
		return !p.unnamed
	}
	if m.Original == nil || !m.FromDaemon() || !p.failing(m) {
		return false
	}
	for _, to := range addressesIn(m.Original.Header, "To", "Cc", "Bcc") {
		if !p.ours(to) {
			return false
		}
		p.oursFailed = to
	}
	return p.oursFailed != ""
}

func lowerDomain(addr string) string {
	_, domain, _ := cutAddress(addr)
	return strings.ToLower(domain)
}

// usable tells whether addr can have been mailed. QUIRK: Exchange writes
// addresses of other mail worlds as IMCEA…@its-own-domain.
func (p *parser) usable(addr string) bool {
	return p.theirs(addr) && envelope.Fault(addr) == ""
}

// theirs tells whether addr is an address of somebody else, be it one within
// his own walls.
func (p *parser) theirs(addr string) bool {
	_, _, ok := cutAddress(addr)
	return ok && !p.own(addr) && !strings.HasPrefix(addr, "IMCEA")
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
	if p.only == nil { // this is asked for each of ten thousand recipients
		only := p.onlyRecipient(m.Original.Header)
		p.only = &only
	}
	return *p.only
}

// onlyRecipient is the address in the header of a mail that is not ours, where
// there is exactly one.
func (p *parser) onlyRecipient(h mime.Header) string {
	var one string
	for _, field := range [...]string{"To", "Cc", "Bcc"} {
		for _, v := range h.All(field) {
			all, odd := mime.Entries(v)
			if odd > 0 {
				return ""
			}
			for _, a := range all {
				if p.theirs(a) && envelope.Fault(a) != "" {
					return ""
				}
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

// sent reads what our own return path says of the mail: in the address that
// the notice came to, else in the returned mail.
func (p *parser) sent(paths ...string) *envelope.Sent {
	for _, path := range paths {
		if s, ok := envelope.Read(p.opt.ReturnPaths, path); ok {
			if s.Recipient == "" {
				p.notes = append(p.notes, "the token of the return path does not verify")
			}
			return &s
		}
		if len(p.opt.ReturnPaths) > 0 {
			continue // who names the shapes of his return paths has no others
		}
		if recipient := p.verp(path); p.usable(recipient) {
			return &envelope.Sent{Recipient: recipient}
		}
	}
	return nil
}

// verp decodes `prefix+local=domain@ours`, as ezmlm, Mailman and Postfix write
// it. Only an address of ours can be one.
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

package parse

import (
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/envelope"
	"harvester/parse/mime"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// maxBehind is how many addresses behind one that we mailed are kept.
const maxBehind = 20

const behindSeparator = ", "

// Undisclosed stands in Recipient.Behind for an address that the notice hides.
const Undisclosed = "undisclosed"

// CutOff stands there where the notice has lost its end or its status part: what
// is missing may have told of somebody behind the mailed address.
const CutOff = "cut off"

// cutOff tells whether a mail in parts has lost its closing delimiter, or a
// report (RFC 6522) the delivery status that it declares.
func cutOff(m *view.Mail) bool {
	if m.Root == nil || !strings.HasPrefix(m.Root.Type, "multipart/") {
		return false
	}
	return m.Root.Open() || m.Root.Type == "multipart/report" && m.Report == nil && strings.EqualFold(m.Root.Param("report-type"), "delivery-status")
}

// spareAll takes it back that a mail which is cut off makes somebody dead.
func (p *parser) spareAll(res *Result) {
	for i := range res.Recipients {
		if r := &res.Recipients[i]; r.Class == bounce.ClassHard {
			p.addNote("the report is cut off, or has lost its status part: it makes nobody dead")
			r.Behind = CutOff
			r.weigh()
		}
	}
}

// behind returns the address that failed behind the one that we mailed: a
// member of a list, where an alias leads or a Sieve script redirects. "" where
// the mailed address failed itself.
func (p *parser) behind(mailed string, g *dsn.Recipient, f *notice.Failure) string {
	var failed [4]string
	if f != nil && f.Mailed != "" && strings.EqualFold(f.Mailed, mailed) {
		if failed[0] = envelope.Plain(f.Address); f.Hidden {
			return Undisclosed
		}
	}
	if g != nil {
		if v := g.Fields.Get("X-Actual-Recipient"); v != "" { // Sendmail
			failed[1], _ = mime.Address(typeless(v))
		}
		failed[2] = envelope.Plain(g.FinalRecipient)
	}
	if f != nil {
		failed[3] = envelope.Plain(f.Address)
	}
	for _, a := range failed {
		if a != "" && !strings.EqualFold(a, mailed) && p.theirs(a) && !sameMailbox(a, mailed) {
			return a
		}
	}
	return ""
}

// typeless takes the type off an address of a status part (RFC 3464 §2.3.2).
func typeless(v string) string {
	if _, addr, ok := strings.Cut(v, ";"); ok {
		return addr
	}
	return v
}

// sameMailbox tells whether two addresses are one mailbox under two names: the
// same local part at a domain and a host below it, or at the name that a
// provider gives the domain in its own (kate@example.com and
// kate@example.onmicrosoft.com).
func sameMailbox(a, b string) bool {
	la, da, _ := cutAddress(strings.ToLower(a))
	lb, db, _ := cutAddress(strings.ToLower(b))
	la, _, _ = strings.Cut(la, "+")
	lb, _, _ = strings.Cut(lb, "+")
	if la != lb {
		return false
	}
	fa, _, _ := strings.Cut(da, ".")
	fb, _, _ := strings.Cut(db, ".")
	return fa == fb || strings.HasSuffix(da, "."+db) || strings.HasSuffix(db, "."+da)
}

// addBehind adds another address behind the same mailed one.
func (r *Recipient) addBehind(addr string) {
	known := strings.Split(r.Behind, behindSeparator)
	switch {
	case r.Behind == "" || addr == "":
	case len(known) < maxBehind && !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, addr) }):
		r.Behind += behindSeparator + addr
	}
}

// weigh derives fault and class from the reason. What is dead behind a mailed
// address does not make that one bad.
func (r *Recipient) weigh() {
	r.Fault, r.Class = r.Reason.Fault(), r.Reason.Class(r.Action)
	if r.Behind != "" && r.Class == bounce.ClassHard {
		r.Class = bounce.ClassSoft
	}
}

// namesRecipient tells whether a reply names r, under any of its addresses.
func namesRecipient(reply string, r *Recipient) bool {
	folded := strings.ToLower(reply)
	for _, a := range [...]string{r.Recipient, r.FinalRecipient, r.OriginalRecipient, r.Behind} {
		if a != "" && strings.Contains(folded, strings.ToLower(a)) {
			return true
		}
	}
	return false
}

// ofOther tells whether a reply names another recipient of the mail, and not r.
func (p *parser) ofOther(reply string, r *Recipient) bool {
	if len(p.all) < 2 || strings.IndexByte(reply, '@') < 0 || namesRecipient(reply, r) {
		return false
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(reply), delimits) {
		if strings.IndexByte(word, '@') > 0 && p.all[strings.TrimRight(word, ".")] {
			return true
		}
	}
	return false
}

// delimits tells whether r ends an address in prose.
func delimits(r rune) bool { return strings.ContainsRune(" \t<>()[]{}\"',;:=", r) }

// everybody lists the addresses that a mail names, so that a reply about one
// is not read for another.
func everybody(groups []dsn.Recipient, n *notice.Notice) map[string]bool {
	count := len(groups)
	if n != nil {
		count = max(count, len(n.Failures))
	}
	if count < 2 {
		return nil
	}
	all := make(map[string]bool, count)
	for i := range groups {
		all[strings.ToLower(groups[i].FinalRecipient)] = true
	}
	if n != nil {
		for i := range n.Failures {
			all[strings.ToLower(n.Failures[i].Address)] = true
		}
	}
	delete(all, "")
	return all
}

package parse

import (
	"slices"
	"strings"
	"unicode"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/notice"
	"harvester/parse/rules"
	"harvester/parse/view"
)

// addRecipient appends one recipient from its group of the status part, its paragraph
// of the text, or both.
func (p *parser) addRecipient(res *Result, g *dsn.Recipient, f *notice.Failure, n *notice.Notice, m *view.Mail) {
	if len(res.Recipients) >= p.limits.Recipients {
		return
	}
	steps := 100
	if g != nil {
		steps += len(g.Diagnostic)
	}
	if f != nil {
		steps += len(f.Reply)
	}
	p.spend(steps, "naming its recipients")
	if g != nil && f == nil && g.Action == bounce.ActionNone && g.Status == "" && g.Diagnostic == "" && !p.failing(m) {
		p.addNote("a group of the status part says nothing")
		return
	}
	r := Recipient{Action: actionOf(g, f, n)}
	if g != nil {
		r.OriginalRecipient, r.FinalRecipient, r.RemoteMTA = g.OriginalRecipient, g.FinalRecipient, g.RemoteMTA
	}
	if f != nil {
		if r.RemoteMTA == "" {
			r.RemoteMTA = f.Remote
		}
		if r.FinalRecipient == "" {
			r.FinalRecipient = f.Address
		}
	}
	r.Recipient = p.whom(g, f, m, res)
	if r.Recipient == "" {
		if p.ours(r.FinalRecipient) {
			p.oursFailed = r.FinalRecipient
		} else {
			p.unnamed = true
		}
		return
	}
	r.Behind = p.behind(r.Recipient, g, f)
	key := strings.ToLower(r.Recipient)
	if i, known := p.named[key]; known { // two groups for one address in one mail are one event
		o := &res.Recipients[i]
		if o.Action == bounce.Failed || r.Action != bounce.Failed {
			if o.Action == r.Action {
				o.addBehind(r.Behind)
			}
			return
		}
	}
	p.classify(&r, p.repliesAbout(g, f, &r), f, res)
	if p.named == nil {
		p.named = map[string]int{}
	}
	p.named[key] = len(res.Recipients)
	res.Recipients = append(res.Recipients, r)
}

// reply is what a mail says of why one recipient failed.
type reply struct {
	diagnostic string // of the status part
	text       string // of the notice in words
	status     string // the field of the status part, where it can be believed
}

// repliesAbout collects the replies about r. One that names another recipient of the
// mail, and not this one, is not about it.
func (p *parser) repliesAbout(g *dsn.Recipient, f *notice.Failure, r *Recipient) reply {
	var out reply
	if g != nil {
		out.diagnostic, out.status = g.Diagnostic, g.Status
		if c := g.StatusComment; out.diagnostic == "" && isReply(c) {
			// QUIRK: Haraka writes the reply behind a status of its own making:
			// "5.1.2 (550 Tried all MXs)" where no host could be reached.
			out.diagnostic, out.status = c, dsn.Code(c)
		}
		if d := out.diagnostic; isReply(d) && d[0] == '4' && strings.HasPrefix(out.status, "5") {
			out.status = "" // QUIRK: Haraka gives up after a 450 with a status of class 5
		}
	}
	if strings.IndexFunc(out.diagnostic, unicode.IsLetter) < 0 {
		out.diagnostic = "" // QUIRK: Sendmail writes an exit status there
	}
	if f != nil {
		out.text = f.Reply
		if out.status == "" {
			out.status = f.Status
		}
		if d := out.diagnostic; d != "" && len(out.text) > len(d) && strings.HasPrefix(out.text, d) {
			out.diagnostic = out.text // QUIRK: Sendmail writes the first line of a reply there
		}
	}
	if p.ofOther(out.diagnostic, r) {
		p.addNote("a reply that names another recipient is not about this one")
		out.diagnostic, out.status = "", ""
	}
	if p.ofOther(out.text, r) {
		p.addNote("a reply that names another recipient is not about this one")
		out.text = ""
	}
	return out
}

// isReply tells whether s begins with a reply code of failure (RFC 5321 §4.2).
func isReply(s string) bool {
	return len(s) > 3 && (s[0] == '4' || s[0] == '5') && s[1] >= '0' && s[1] <= '5' && s[2] >= '0' && s[2] <= '9' && (s[3] == ' ' || s[3] == '-')
}

// classify gives r the reason that its reply has.
func (p *parser) classify(r *Recipient, said reply, f *notice.Failure, res *Result) {
	r.Diagnostic = said.diagnostic
	q := rules.Query{ReportingMTA: res.ReportingMTA, RemoteMTA: r.RemoteMTA, Action: r.Action, Status: said.status, Text: said.diagnostic,
		Recipient: r.Recipient, Ours: p.senders(r.Recipient, res)}
	a := p.rules.Classify(q)
	told := a.Confidence == bounce.ByRule && a.ReplyCode != 0 && a.Status != "" && !strings.HasSuffix(a.Status, ".0.0")
	if said.text != "" && said.text != said.diagnostic && !told {
		q.Text = said.text
		if b := p.rules.Classify(q); b.Confidence > a.Confidence || r.Diagnostic == "" ||
			b.Confidence == a.Confidence && a.Reason == bounce.Unclassified {
			if r.Diagnostic != "" {
				p.addNote("the status part is vague: the reply is taken from the text")
			}
			b.Status, b.ReplyCode = firstCode(b, a)
			a, r.Diagnostic = b, said.text
		} else {
			a.Status, a.ReplyCode = firstCode(a, b)
		}
	}
	if a.Diagnostic != "" {
		r.Diagnostic = a.Diagnostic
	}
	r.Status, r.ReplyCode = a.Status, a.ReplyCode
	switch {
	case f != nil && f.Means != bounce.Unclassified:
		a = rules.Answer{Reason: f.Means, Vendor: res.Dialect, Confidence: bounce.ByRule}
	case p.oneReply && a.Reason.Fault() == bounce.FaultRecipient && !namesRecipient(r.Diagnostic, r):
		p.addNote("one reply for all recipients: of whom it speaks, it does not say")
		a = rules.Answer{}
	case a.Reason == bounce.DomainUnknown && r.RemoteMTA == "" && strings.Contains(strings.ToLower(a.Evidence), "unrout") && hostOf(res.ReportingMTA, r.FinalRecipient):
		a.Reason = bounce.UserUnknown // QUIRK: Exim finds "Unrouteable address" also for a user of its own
	}
	r.Reason, r.Vendor, r.Rule, r.Confidence, r.Evidence = a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence
	r.Certainty, r.Unread = a.Certainty, a.Unread
	if r.Action == bounce.Delayed && r.Reason == bounce.Expired {
		r.Reason = bounce.Deferred // it says what will come, not what came
	}
	r.weigh()
}

// firstCode fills in from b the codes that a's text does not have.
func firstCode(a, b rules.Answer) (status string, reply int) {
	status, reply = a.Status, a.ReplyCode
	if status == "" || strings.HasSuffix(status, ".0.0") && b.Status != "" && !strings.HasSuffix(b.Status, ".0.0") {
		status = b.Status
	}
	if reply == 0 {
		reply = b.ReplyCode
	}
	return status, reply
}

// hostOf tells whether host is one of the domain of addr, or has its name.
func hostOf(host, addr string) bool {
	_, domain, ok := cutAddress(addr)
	return ok && (strings.EqualFold(host, domain) || len(host) > len(domain) && strings.EqualFold(host[len(host)-len(domain)-1:], "."+domain))
}

func (p *parser) addNote(s string) {
	if !slices.Contains(p.notes, s) {
		p.notes = append(p.notes, s)
	}
}

package parse

import (
	"harvester/parse/notice"
	"harvester/parse/view"
)

// complains tells whether a feedback report of this type is a recipient's
// complaint. Authentication failure reports (RFC 6591) and "not spam" (RFC
// 6430) are not: they name nobody.
func complains(feedbackType string) bool {
	switch feedbackType {
	case "auth-failure", "not-spam", "dmarc", "tlsrpt":
		return false
	}
	return true
}

// complaint names who complained: the report's own recipients, else the one
// recipient of the reported mail, else what our return path encodes.
func (p *parser) complaint(m *view.Mail, res *Result) {
	f := m.Feedback
	res.FeedbackType = f.Type
	p.notes = append(p.notes, f.Notes...)
	if res.Original.MessageID == "" {
		res.Original.MessageID = f.MessageID
	}
	if res.Original.ReturnPath == "" {
		res.Original.ReturnPath = f.MailFrom
	}
	if !complains(f.Type) {
		p.notes = append(p.notes, "a feedback report of type "+f.Type+" is nobody's complaint")
		return
	}
	named := f.Recipients
	if len(named) == 0 && !f.Odd {
		if res.Sent == nil {
			res.Sent = p.sent(res.Original.ReturnPath)
		}
		if res.Sent != nil && p.usable(res.Sent.Recipient) {
			named = []string{res.Sent.Recipient}
		} else if to := p.returnedTo(m, res); to != "" {
			named = []string{to}
		}
	}
	for _, a := range named {
		if p.odd(nil, &notice.Failure{Address: a}) {
			continue
		}
		if p.usable(a) && len(res.Recipients) < p.limits.Recipients {
			res.Recipients = append(res.Recipients, Recipient{Recipient: a, FinalRecipient: a, RemoteMTA: res.ReportingMTA})
		}
	}
}

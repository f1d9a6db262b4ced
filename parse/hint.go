package parse

import (
	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/rules"
	"harvester/parse/view"
)

// hint gives the mail's one recipient, of whom no reply says why, the meaning
// of the notice's own words: some systems write "The account is over quota."
// above an address without a reply. Codes are nothing to go by there, and what
// is meant for several recipients may not be true of each.
func (p *parser) hint(m *view.Mail, res *Result) {
	if len(res.Recipients) != 1 {
		return
	}
	r := &res.Recipients[0]
	if r.Action != bounce.Failed || r.Reason != bounce.Unclassified {
		return
	}
	for _, said := range notice.Remarks(m, res.Original.Subject) {
		a := p.rules.Classify(rules.Query{Text: said, RemoteMTA: r.RemoteMTA, ReportingMTA: res.ReportingMTA, Action: r.Action,
			Recipient: r.Recipient, Ours: p.senders(r.Recipient, res)})
		if a.Confidence != bounce.ByRule {
			continue
		}
		p.notes = append(p.notes, "the reply says nothing: the reason is taken from the notice's own words")
		r.Reason, r.Vendor, r.Rule, r.Confidence, r.Evidence = a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence
		r.Certainty, r.Unread = a.Certainty, a.Unread
		r.Diagnostic = a.Diagnostic
		r.weigh()
		return
	}
}

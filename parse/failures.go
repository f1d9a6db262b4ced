package parse

import (
	"fmt"
	"strings"
	"unicode"

	"harvester/parse/bounce"
	"harvester/parse/dialect"
	"harvester/parse/dsn"
	"harvester/parse/mime"
	"harvester/parse/rules"
	"harvester/parse/view"
)

// structured reads who failed, was delayed or delivered from the status part
// and from a text of known layout, and puts both together. It reports whether
// anybody was named.
func (p *parser) structured(m *view.Mail, shown []dialect.Dialect, res *Result) bool {
	reported := m.Report != nil && len(m.Report.Recipients) > 0
	if reported {
		res.Dialect = "rfc3464"
	}
	if len(shown) > 0 {
		res.Dialect = shown[0].Name
	}
	var notice *dialect.Notice
	for _, d := range shown {
		if d.Mend != nil && reported {
			d.Mend(m, m.Report)
		}
		if n := d.Notice(m); n != nil && len(n.Failures) > 0 {
			notice, res.Dialect = n, d.Name
			break
		}
	}
	if notice == nil && reported {
		notice = dialect.Generic(m, p.ownIn(m))
	}
	return p.take(m, notice, res)
}

// phrased reads a layout that nobody described.
func (p *parser) phrased(m *view.Mail, res *Result) bool {
	if res.Dialect == "" && !dialect.Noticed(m) {
		return false
	}
	n := dialect.Generic(m, p.ownIn(m))
	if n == nil {
		n = dialect.FromHeader(m)
	}
	if n == nil && (m.Report != nil || m.FromDaemon() && m.Original != nil && p.failing(m)) && p.returnedTo(m, res) != "" {
		// QUIRK: Postfix without its defer log and InterMail report nobody,
		// GroupWise a local name; a mail to one recipient can only have failed
		// for that one.
		p.notes = append(p.notes, "nobody is named: the recipient is the returned mail's only one")
		n = dialect.Unnamed(m)
	}
	if n != nil && res.Dialect == "" {
		res.Dialect = "generic"
	}
	return p.take(m, n, res)
}

// take fills in the recipients of the status part and of the notice.
func (p *parser) take(m *view.Mail, n *dialect.Notice, res *Result) bool {
	if n != nil {
		p.returned(n.Returned, res)
		if res.ReportingMTA == "" {
			res.ReportingMTA = n.Host
		}
	}
	if m.Report != nil && len(m.Report.Recipients) > 0 {
		p.merge(m, n, res)
	} else if n != nil {
		for i := range n.Failures {
			p.add(res, nil, &n.Failures[i], n, m)
		}
	}
	p.hint(m, res)
	return len(res.Recipients) > 0
}

// merge takes the groups of the status part as the skeleton; the text lends
// the reply where the part's own is missing or vague, and the address before
// aliasing. Both are paired by address, never by position: several systems
// write them in different order.
func (p *parser) merge(m *view.Mail, n *dialect.Notice, res *Result) {
	groups := m.Report.Recipients
	if len(groups) > p.limits.Recipients {
		p.notes = append(p.notes, fmt.Sprintf("%d recipients, read %d", len(groups), p.limits.Recipients))
		groups = groups[:p.limits.Recipients]
	}
	var byAddress map[string]*dialect.Failure
	if n != nil {
		byAddress = make(map[string]*dialect.Failure, 2*len(n.Failures))
		for i := range n.Failures {
			f := &n.Failures[i]
			for _, a := range [...]string{f.Mailed, f.Address} {
				if a != "" {
					byAddress[strings.ToLower(a)] = f
				}
			}
		}
	}
	for i := range groups {
		g := &groups[i]
		var f *dialect.Failure
		for _, a := range [...]string{g.FinalRecipient, g.OriginalRecipient} {
			if f == nil && a != "" {
				f = byAddress[strings.ToLower(a)]
			}
		}
		if f == nil && n != nil && len(groups) == 1 && len(n.Failures) == 1 {
			f = &n.Failures[0]
		}
		p.add(res, g, f, n, m)
	}
}

// add appends one recipient from its group of the status part, its paragraph
// of the text, or both.
func (p *parser) add(res *Result, g *dsn.Recipient, f *dialect.Failure, n *dialect.Notice, m *view.Mail) {
	if len(res.Recipients) >= p.limits.Recipients {
		return
	}
	p.inTime("naming its recipients")
	if g != nil && f == nil && g.Action == bounce.ActionNone && g.Status == "" && g.Diagnostic == "" && !p.failing(m) {
		p.notes = append(p.notes, "a group of the status part says nothing")
		return
	}
	r := Recipient{Action: action(g, f, n)}
	q := rules.Query{ReportingMTA: res.ReportingMTA, Action: r.Action}
	if g != nil {
		r.OriginalRecipient, r.FinalRecipient = g.OriginalRecipient, g.FinalRecipient
		r.RemoteMTA, r.Diagnostic = g.RemoteMTA, g.Diagnostic
		q.Status = g.Status
	}
	if f != nil {
		if q.Status == "" {
			q.Status = f.Status
		}
		if r.RemoteMTA == "" {
			r.RemoteMTA = f.Remote
		}
		if r.FinalRecipient == "" {
			r.FinalRecipient = f.Address
		}
	}
	r.Recipient = p.whom(g, f, m, res)
	if r.Recipient == "" {
		return
	}
	key := strings.ToLower(r.Recipient)
	if i, known := p.named[key]; known { // two groups for one address in one mail are one event
		if o := &res.Recipients[i]; o.Action == bounce.Failed || r.Action != bounce.Failed {
			return
		}
	}
	q.RemoteMTA = r.RemoteMTA
	if strings.IndexFunc(r.Diagnostic, unicode.IsLetter) < 0 {
		r.Diagnostic = "" // QUIRK: Sendmail writes an exit status there
	}
	q.Text = r.Diagnostic
	a := p.rules.Classify(q)
	told := a.Confidence == bounce.ByRule && a.ReplyCode != 0 && a.Status != "" && !strings.HasSuffix(a.Status, ".0.0")
	if f != nil && f.Reply != "" && f.Reply != r.Diagnostic && !told {
		q.Text = f.Reply
		if b := p.rules.Classify(q); b.Confidence > a.Confidence || r.Diagnostic == "" ||
			b.Confidence == a.Confidence && a.Reason == bounce.Unclassified {
			if r.Diagnostic != "" {
				p.notes = append(p.notes, "the status part is vague: the reply is taken from the text")
			}
			b.Status, b.ReplyCode = firstCode(b, a)
			a, r.Diagnostic = b, f.Reply
		} else {
			a.Status, a.ReplyCode = firstCode(a, b)
		}
	}
	if a.Diagnostic != "" {
		r.Diagnostic = a.Diagnostic
	}
	r.Status, r.ReplyCode = a.Status, a.ReplyCode
	if f != nil && f.Means != bounce.Unclassified {
		a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence = f.Means, res.Dialect, "", bounce.ByRule, ""
	}
	r.Reason, r.Vendor, r.Rule, r.Confidence, r.Evidence = a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence
	if r.Action == bounce.Delayed && r.Reason == bounce.Expired {
		r.Reason = bounce.Deferred // it says what will come, not what came
	}
	r.Fault, r.Class = r.Reason.Fault(), r.Reason.Class(r.Action)
	if p.named == nil {
		p.named = map[string]int{}
	}
	p.named[key] = len(res.Recipients)
	res.Recipients = append(res.Recipients, r)
}

// failing tells whether the mail speaks of a failure at all.
func (p *parser) failing(m *view.Mail) bool {
	return dialect.Failing(m.Subject) || dialect.Failing(m.Text[:min(len(m.Text), 2<<10)])
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

// action is what became of the recipient: the status part's word, else the
// text's, else what the class of the status says (RFC 3464 §2.3.3).
func action(g *dsn.Recipient, f *dialect.Failure, n *dialect.Notice) bounce.Action {
	if g != nil && g.Action != bounce.ActionNone {
		return g.Action
	}
	if f != nil && f.Action != bounce.ActionNone {
		return f.Action
	}
	if g != nil && strings.HasPrefix(g.Status, "2") {
		return bounce.Delivered
	}
	if n != nil {
		switch n.Kind {
		case bounce.KindDelay:
			return bounce.Delayed
		case bounce.KindDelivered:
			return bounce.Delivered
		}
	}
	if n == nil && g != nil && strings.HasPrefix(g.Status, "4") {
		return bounce.Delayed
	}
	return bounce.Failed
}

// original copies what is known of the mail that came back.
func (p *parser) original(m *view.Mail, res *Result) {
	if m.Original != nil {
		res.Original = originalOf(m.Original.Header)
	}
	if res.Original.MessageID == "" && m.Report != nil {
		for i := range m.Report.Recipients {
			if id := m.Report.Recipients[i].Fields.Get("X-Original-Message-ID"); id != "" {
				res.Original.MessageID = id
				break
			}
		}
	}
}

// returned fills in the original from a copy that stands in the text.
func (p *parser) returned(text string, res *Result) {
	if text == "" || res.Original.From != "" || res.Original.To != "" {
		return
	}
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	root, _ := mime.Read([]byte(strings.TrimLeft(text, "\r\n \t")), p.limits.MIME)
	res.Original = originalOf(root.Header)
}

func originalOf(h mime.Header) Original {
	o := Original{
		MessageID: h.Get("Message-ID"), From: addressOf(h.Get("From")), To: addressOf(h.Get("To")), Sender: addressOf(h.Get("Sender")), Subject: h.Text("Subject"), Date: h.Get("Date"),
		ReturnPath: returnPath(h.Get("Return-Path")), ListID: h.Get("List-Id"), FeedbackID: h.Get("Feedback-ID"),
	}
	for _, sig := range h.All("DKIM-Signature") {
		if d, s := tag(sig, "d"), tag(sig, "s"); d != "" && s != "" {
			o.DKIM = append(o.DKIM, s+"._domainkey."+d)
		}
	}
	return o
}

func returnPath(v string) string {
	if strings.TrimSpace(v) == "<>" {
		return "<>"
	}
	return addressOf(v)
}

// addressOf is the first address of a header value, without its name.
func addressOf(v string) string {
	a, _ := mime.Address(v)
	return a
}

// tag reads one tag of a tag list (RFC 6376 §3.2).
func tag(list, name string) string {
	for _, t := range strings.Split(list, ";") {
		if k, v, ok := strings.Cut(t, "="); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

package parse

import (
	"fmt"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/dialect"
	"harvester/parse/dsn"
	"harvester/parse/generic"
	"harvester/parse/notice"
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
	var said *notice.Notice
	for i := range shown {
		d := &shown[i]
		if d.Mend != nil && reported {
			d.Mend(m, m.Report)
		}
		p.aliasHidden = p.aliasHidden || d.AliasHidden
		p.oneReply = p.oneReply || d.OneReply && reported && repeated(m.Report.Recipients)
		p.spend(text(m), "reading what its layout names")
		if n := d.Notice(m); n != nil && len(n.Failures) > 0 {
			said, res.Dialect = n, d.Name
			break
		}
	}
	if said == nil && reported {
		said = generic.Read(m, p.ownIn(m))
	}
	return p.nameRecipients(m, said, res)
}

// repeated tells whether several groups have one and the same reply.
func repeated(groups []dsn.Recipient) bool {
	for i := range groups {
		if groups[i].Diagnostic != groups[0].Diagnostic {
			return false
		}
	}
	return len(groups) > 1
}

// phrased reads a layout that nobody described.
func (p *parser) phrased(m *view.Mail, res *Result) bool {
	if res.Dialect == "" && !notice.Noticed(m) {
		return false
	}
	p.spend(text(m), "reading its sentences")
	n := generic.Read(m, p.ownIn(m))
	if n == nil {
		n = notice.FromHeader(m)
	}
	if n == nil && (m.Report != nil || m.FromDaemon() && m.Original != nil && p.failing(m)) && !p.oddNamed && p.returnedTo(m, res) != "" {
		// QUIRK: Postfix without its defer log and InterMail report nobody,
		// GroupWise a local name; a mail to one recipient can only have failed
		// for that one.
		p.notes = append(p.notes, "nobody is named: the recipient is the returned mail's only one")
		n = notice.Unnamed(m)
	}
	if n != nil && res.Dialect == "" {
		res.Dialect = "generic"
	}
	return p.nameRecipients(m, n, res)
}

// nameRecipients fills in the recipients of the status part and of the notice.
func (p *parser) nameRecipients(m *view.Mail, n *notice.Notice, res *Result) bool {
	if n != nil {
		p.returned(n.Returned, res)
		if res.ReportingMTA == "" {
			res.ReportingMTA = n.Host
		}
	}
	if m.Report != nil {
		p.all = everybody(m.Report.Recipients, n)
	} else {
		p.all = everybody(nil, n)
	}
	if m.Report != nil && len(m.Report.Recipients) > 0 {
		p.merge(m, n, res)
	} else if n != nil {
		for i := range n.Failures {
			p.addRecipient(res, nil, &n.Failures[i], n, m)
		}
	}
	p.hint(m, res)
	if cutOff(m) {
		p.spareAll(res)
	}
	return len(res.Recipients) > 0
}

// merge takes the groups of the status part as the skeleton; the text lends
// the reply where the part's own is missing or vague, and the address before
// aliasing. Both are paired by address, never by position: several systems
// write them in different order.
func (p *parser) merge(m *view.Mail, n *notice.Notice, res *Result) {
	groups := m.Report.Recipients
	if len(groups) > p.limits.Recipients {
		p.notes = append(p.notes, fmt.Sprintf("%s, read %d", count.Of(len(groups), "recipient"), p.limits.Recipients))
		groups = groups[:p.limits.Recipients]
	}
	if n != nil && len(groups) == 1 && len(n.Failures) == 1 {
		p.addRecipient(res, &groups[0], &n.Failures[0], n, m)
		return
	}
	told := tellings(n)
	for i := range groups {
		g := &groups[i]
		f := told.of(g)
		p.addRecipient(res, g, f, n, m)
	}
}

// told is what a text says of each address, by the address in lower case.
type told map[string][]*notice.Failure

func tellings(n *notice.Notice) told {
	if n == nil {
		return nil
	}
	t := make(told, 2*len(n.Failures))
	for i := range n.Failures {
		f := &n.Failures[i]
		for _, a := range [...]string{f.Address, f.Mailed} {
			if a = strings.ToLower(a); a != "" && (len(t[a]) == 0 || t[a][len(t[a])-1] != f) {
				t[a] = append(t[a], f)
			}
		}
	}
	return t
}

// of returns what the text says of the recipient of a group. Of an alias it may
// say several things, one for each address behind it: the one with the reply of
// the group is meant, and where none has it, no reply is lent.
func (t told) of(g *dsn.Recipient) *notice.Failure {
	for _, a := range [...]string{g.FinalRecipient, g.OriginalRecipient} {
		all := t[strings.ToLower(a)]
		switch {
		case a == "" || len(all) == 0:
			continue
		case len(all) == 1:
			return all[0]
		}
		for _, f := range all[:min(len(all), maxBehind)] {
			if g.Diagnostic != "" && strings.Contains(f.Reply, g.Diagnostic) || strings.EqualFold(f.Address, g.Fields.Get("X-Actual-Recipient")) {
				return f
			}
		}
		first := *all[0]
		if g.Diagnostic != "" {
			first.Reply = ""
		}
		return &first
	}
	return nil
}

// failing tells whether the mail speaks of a failure at all.
func (p *parser) failing(m *view.Mail) bool {
	return notice.Failing(m.Subject) || notice.Failing(m.Text[:min(len(m.Text), 2<<10)])
}

// actionOf is what became of the recipient: the status part's word, else the
// text's, else what the class of the status says (RFC 3464 §2.3.3).
func actionOf(g *dsn.Recipient, f *notice.Failure, n *notice.Notice) bounce.Action {
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

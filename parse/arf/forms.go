package arf

import (
	"strings"

	"harvester/parse/mime"
)

// hotmailRecipient is where Microsoft names the person who complained, in the
// top header or in that of the enclosed mail.
const hotmailRecipient = "X-HmXmrOriginalRecipient"

// FromMail reads the complaints that are no ARF: Microsoft's JMRP, Amazon SES
// by mail, XARF, SpamCop and AOL's old loop. It returns nil for all other mail.
// text is the human-readable part.
func FromMail(root *mime.Part, text string) *Report {
	h := root.Header
	from, _ := mime.Address(h.Get("From"))
	from = strings.ToLower(from)
	inner := enclosed(root, 0)
	switch {
	case h.Has(hotmailRecipient) || inner != nil && inner.Header.Has(hotmailRecipient) && foldPrefix(h.Text("Subject"), "complaint about message"):
		return form("JMRP report", root, inner)
	case complaintSubject(h) && (from == "staff@hotmail.com" || strings.HasSuffix(from, "email-abuse.amazonses.com")):
		return form("complaint without feedback report", root, inner)
	case h.Has("X-ARF") || h.Has("X-XARF"):
		return xarf(root, inner)
	case strings.HasSuffix(from, "@reports.spamcop.net") && foldPrefix(h.Text("Subject"), "[spamcop"):
		return spamcop(h.Text("Subject"), text)
	case strings.EqualFold(h.Get("X-Loop"), "scomp") && inner != nil:
		return form("AOL feedback report without its fields", root, inner)
	}
	return nil
}

// Complete adds what a provider writes beside the fields of the report.
func (r *Report) Complete(root *mime.Part) {
	inner := enclosed(root, 0)
	r.addRecipient(root.Header.Get(hotmailRecipient))
	if inner != nil {
		r.addRecipient(inner.Header.Get(hotmailRecipient))
		if r.MessageID == "" {
			r.MessageID = strings.Trim(firstWord(inner.Header.Get("Message-ID")), "<>")
		}
	}
}

func form(note string, root, inner *mime.Part) *Report {
	r := &Report{Type: "abuse", Notes: []string{note}}
	r.Complete(root)
	if words := strings.Fields(root.Header.Text("Subject")); foldPrefix(root.Header.Text("Subject"), "complaint about message from") && len(words) > 4 {
		r.SourceIP = strings.Trim(words[4], "[]")
	}
	if inner != nil {
		addr, _ := mime.Address(inner.Header.Get("Return-Path"))
		if !redacted(addr) {
			r.MailFrom = addr
		}
	}
	return r
}

func complaintSubject(h mime.Header) bool {
	return foldPrefix(h.Text("Subject"), "complaint about message from")
}

// xarf reads an X-ARF report (abusix/xarf): its second part is YAML or JSON.
// Without an enclosed mail it is about a host, and names no recipient.
func xarf(root, inner *mime.Part) *Report {
	r := &Report{Notes: []string{"X-ARF report"}}
	for _, p := range root.Children {
		if !p.Is("text/plain", "application/json", "text/json", "application/yaml", "text/yaml") {
			continue
		}
		text := p.Text()
		if len(text) > 64<<10 {
			text = text[:64<<10]
		}
		if h := scalars(text); h.Has("Report-Type") || h.Has("ReportType") || h.Has("Category") || h.Has("report_type") {
			r.Fields = h
			break
		}
	}
	r.Type = strings.ToLower(first(r.Fields, "Report-Type", "ReportType", "report_type", "type", "Category"))
	switch r.Type {
	case "spam", "":
		r.Type = "abuse"
	}
	r.SourceIP = first(r.Fields, "Source", "SourceIp", "source_identifier")
	if inner != nil {
		r.Complete(root)
	}
	return r
}

// scalars reads the `key: value` lines that YAML and indented JSON share.
func scalars(text string) mime.Header {
	var h mime.Header
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key = strings.Trim(strings.TrimSpace(key), `"'{`)
		value = strings.Trim(strings.TrimSpace(value), `"',{}[]`)
		if key != "" && value != "" && !strings.Contains(key, " ") && len(h) < 200 {
			h = append(h, mime.Field{Name: key, Value: value})
		}
	}
	return h
}

// spamcop reads `[SpamCop (192.0.2.1) id:123]...`; the recipient is munged.
func spamcop(subject, text string) *Report {
	r := &Report{Type: "abuse", Notes: []string{"SpamCop report"}}
	if _, rest, ok := strings.Cut(subject, "("); ok {
		ip, _, _ := strings.Cut(rest, ")")
		r.SourceIP = strings.TrimSpace(ip)
	}
	if _, rest, ok := strings.Cut(text, "Offending message:"); ok {
		h := mime.ReadHeader([]byte(rest), 64<<10)
		r.MessageID = strings.Trim(firstWord(h.Get("Message-ID")), "<>")
		if addr, _ := mime.Address(h.Get("Return-Path")); !redacted(addr) {
			r.MailFrom = addr
		}
	}
	return r
}

// enclosed finds the first enclosed mail or its header.
func enclosed(p *mime.Part, depth int) *mime.Part {
	for _, c := range p.Children {
		switch {
		case c.Is("message/rfc822", "message/global") && len(c.Children) > 0:
			return c.Children[0]
		case c.Is("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
			return &mime.Part{Header: mime.ReadHeader(c.Bytes(), 64<<10)}
		case depth < 4:
			if found := enclosed(c, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

package parse

import (
	"strings"
	"time"

	"harvester/parse/mime"
	"harvester/parse/view"
)

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
	p.text = text
	res.Original = originalOf(root.Header)
}

func originalOf(h mime.Header) Original {
	o := Original{
		MessageID: h.Get("Message-ID"), From: addressOf(h.Get("From")), To: addressOf(h.Get("To")), Sender: addressOf(h.Get("Sender")), Subject: h.Text("Subject"), Date: h.Get("Date"),
		ReturnPath: returnPath(h.Get("Return-Path")), ListID: h.Get("List-Id"), FeedbackID: h.Get("Feedback-ID"),
		Unsubscribe: UnsubscribeOf(h),
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
	if all := mime.Addresses(v); len(all) > 0 {
		return all[0]
	}
	return ""
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

// received is the time that a Received line ends with (RFC 5321 §4.4), zero
// where it has none.
func received(line string) time.Time {
	if i := strings.LastIndexByte(line, ';'); i >= 0 {
		return mime.Date(line[i+1:])
	}
	return time.Time{}
}

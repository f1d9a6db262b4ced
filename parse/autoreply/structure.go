package autoreply

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// byStructure decides by the reports that stand at the top of a mail. Where it
// doesn't and isReport, the mail reports a delivery, whatever it says besides.
func byStructure(m *view.Mail) (Verdict, bool) {
	switch {
	case m.Receipt != nil && !refused(m):
		return Verdict{Kind: bounce.KindReceipt, Why: "disposition notification"}, true
	case reportType(m.Root) == "tlsrpt":
		return Verdict{Kind: bounce.KindNotice, Why: "TLS report"}, true
	case probed(m.Report):
		return Verdict{Kind: bounce.KindNotice, Why: "answer to a probe of a mail system"}, true
	case internal(m.Text):
		return Verdict{Kind: bounce.KindNotice, Why: "a mail system to its own administrator"}, true
	case moderated(m.Report):
		return Verdict{Kind: bounce.KindNotice, Why: "held for the moderator of a list"}, true
	}
	return Verdict{Kind: bounce.KindBounce}, false
}

// isReport tells whether a report of delivery stands at the top of the mail,
// or a receipt that turns it away.
func isReport(m *view.Mail) bool {
	return m.Receipt != nil || m.Report != nil && m.Root != nil && m.Root.Type == "multipart/report" || reportType(m.Root) == "delivery-status"
}

// refused tells whether a disposition notification says that the mail was
// turned away. QUIRK: Sieve's reject in Dovecot Pigeonhole and Cyrus, and
// Dovecot's old over-quota answer, come as RFC 8098 receipts.
func refused(m *view.Mail) bool {
	auto := strings.ToLower(m.Header.Get("Auto-Submitted"))
	if comment(auto, "rejected") {
		return true
	}
	text := fold(m.Text[:min(len(m.Text), maxOwn)])
	if strings.Contains(text, "was automatically rejected") {
		return true
	}
	disposition := strings.ToLower(m.Receipt.Get("Disposition"))
	return strings.HasPrefix(fold(m.Subject), "automatically rejected mail") &&
		strings.Contains(disposition, "automatic-action") && strings.Contains(disposition, "deleted")
}

// moderated tells whether a report only says that a list holds the mail.
// QUIRK: Sympa writes a delivery status of 2.3.0 or 4.3.0 for it.
func moderated(r *dsn.Report) bool {
	if r == nil || len(r.Recipients) == 0 {
		return false
	}
	for _, x := range r.Recipients {
		if x.DiagnosticType != "x-sympa" || x.Status != "2.3.0" && x.Status != "4.3.0" {
			return false
		}
	}
	return true
}

// internal tells by fixed phrases whether a mail system writes to those who
// run it: the answer to a probe (Postfix), a bounce that came back itself
// (qmail), a mail that waits for somebody (Exim), a virus report (Domino).
func internal(text string) bool {
	text = text[:min(len(text), 600)]
	for _, phrase := range [...]string{
		"Enclosed is the mail delivery report that you requested", "but the bounce bounced!", "--- Below this line is the original bounce.",
		"The following address(es) have yet to be delivered:", "Incident Information:-",
	} {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}

// probed tells whether a report answers `sendmail -bv`, which delivers nothing.
// QUIRK: Postfix gives the actions "deliverable" and "undeliverable" to it.
func probed(r *dsn.Report) bool {
	if r == nil {
		return false
	}
	for i := range r.Recipients {
		switch strings.ToLower(strings.TrimSpace(r.Recipients[i].ActionText)) {
		case "deliverable", "undeliverable":
			return true
		}
	}
	return false
}

// encloses tells whether the mail holds another one that is itself a failure
// notice: somebody's forward, ticket or digest. Only the header of enclosed
// mail is looked at.
func encloses(root *mime.Part) bool {
	if root == nil {
		return false
	}
	for _, part := range root.Children {
		switch {
		case part.Type == "message/rfc822" || part.Type == "message/global":
			for _, mail := range part.Children {
				if isNotice(mail) {
					return true
				}
			}
		case strings.HasPrefix(part.Type, "multipart/") && part.Depth < 3:
			if encloses(part) {
				return true
			}
		}
	}
	return false
}

func isNotice(mail *mime.Part) bool {
	h := mail.Header
	if mail.Type == "multipart/report" || h.Has("X-Failed-Recipients") || h.Has("X-MS-Exchange-Message-Is-Ndr") {
		return true
	}
	if strings.TrimSpace(h.Get("Return-Path")) == "<>" {
		return true
	}
	from := h.Get("From")
	if i := strings.LastIndexByte(from, '<'); i >= 0 {
		from = strings.TrimRight(from[i+1:], "> ")
	}
	return (&view.Mail{From: strings.TrimSpace(from)}).FromDaemon()
}

// reportType is the report-type of a multipart/report (RFC 6522 §3), lower
// case; "" for any other mail.
func reportType(root *mime.Part) string {
	if root == nil || root.Type != "multipart/report" {
		return ""
	}
	return strings.ToLower(root.Param("report-type"))
}

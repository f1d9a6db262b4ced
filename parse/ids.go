package parse

import (
	"strings"

	"harvester/parse/mime"
	"harvester/parse/view"
)

// idFields are the fields that sending services write their own id of a mail
// into, and what we call the service.
var idFields = [...]struct{ field, service string }{
	{"X-SES-Message-ID", "ses"},
	{"X-Mailgun-Sid", "mailgun"},
	{"X-SG-EID", "sendgrid"},
	{"X-SG-ID", "sendgrid"},
	{"X-MSFBL", "sparkpost"},
	{"X-PM-Message-Id", "postmark"},
	{"X-Mandrill-Id", "mandrill"},
	{"X-MC-User", "mandrill"},
	{"X-Mailin-EID", "brevo"},
	{"X-MJ-Mid", "mailjet"},
}

// senderID is the id that our own MTA or sending service knows the returned
// mail by, as "service:id", for attribution to a row of its log or ledger.
func senderID(m *view.Mail) string {
	var returned mime.Header
	if m.Original != nil {
		returned = m.Original.Header
	}
	for _, f := range idFields {
		if v := strings.Join(strings.Fields(returned.Get(f.field)), ""); v != "" {
			return f.service + ":" + v
		}
	}
	if id := returned.Get("Message-ID"); strings.HasSuffix(id, ".amazonses.com>") {
		id, _, _ = strings.Cut(strings.TrimPrefix(id, "<"), "@")
		return "ses:" + id
	}
	if m.Report != nil {
		for _, f := range m.Report.Fields {
			// mail_name may stand in place of Postfix.
			if n := strings.ToLower(f.Name); strings.HasPrefix(n, "x-") && strings.HasSuffix(n, "-queue-id") {
				return strings.TrimSuffix(strings.TrimPrefix(n, "x-"), "-queue-id") + ":" + strings.TrimSpace(f.Value)
			}
		}
	}
	// The oldest Received is the one that our own MTA wrote.
	received := returned.All("Received")
	for i := len(received) - 1; i >= 0; i-- {
		r := received[i]
		_, id, ok := strings.Cut(r, " id ")
		if !ok {
			continue
		}
		id, _, _ = strings.Cut(strings.TrimSpace(id), ";")
		id, _, _ = strings.Cut(id, " ")
		switch {
		case id == "":
		case strings.Contains(r, "(Exim"):
			return "exim:" + id
		case strings.Contains(r, "(Postfix"):
			return "postfix:" + id
		}
	}
	return ""
}

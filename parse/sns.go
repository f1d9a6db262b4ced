package parse

import (
	"encoding/json"
	"strings"

	"harvester/parse/autoreply"
	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// snsNotice is Amazon SES's notification as its notification service mails it:
// JSON in the body, an unsubscribe footer below
// (https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html).
type snsNotice struct {
	NotificationType string
	EventType        string
	Message          string // the notice once more, escaped, in the envelope form
	Bounce           struct {
		BounceType        string
		BouncedRecipients []struct{ EmailAddress, Action, Status, DiagnosticCode string }
		ReportingMTA      string
	}
	Complaint struct {
		ComplainedRecipients  []struct{ EmailAddress string }
		ComplaintFeedbackType string
	}
	Delivery struct{ Recipients []string }
	Mail     struct {
		Source, MessageID string
		CommonHeaders     struct {
			From, To           []string
			Subject, MessageID string
		}
	}
}

func readSNS(m *view.Mail) (n *snsNotice, ok bool) {
	text := strings.TrimLeft(m.Text, " \n")
	if !strings.HasPrefix(text, "{") || !strings.Contains(text, "otificationType") && !strings.Contains(text, "eventType") {
		return nil, false
	}
	n = &snsNotice{}
	// QUIRK: the one long line is folded on its way, also inside of strings.
	text = strings.ReplaceAll(text, "\n ", "")
	if err := json.NewDecoder(strings.NewReader(text)).Decode(n); err != nil {
		return nil, false
	}
	if n.Message != "" && n.NotificationType == "" {
		if err := json.Unmarshal([]byte(n.Message), n); err != nil {
			return nil, false
		}
	}
	if n.NotificationType == "" {
		n.NotificationType = n.EventType
	}
	switch n.NotificationType {
	case "Bounce", "Complaint", "Delivery":
		return n, true
	}
	return nil, false
}

func (p *parser) sns(n *snsNotice, res *Result) autoreply.Verdict {
	res.Dialect = "amazonses"
	res.SenderMessage = n.Mail.MessageID
	h := n.Mail.CommonHeaders
	res.Original = Original{MessageID: h.MessageID, Subject: h.Subject, ReturnPath: n.Mail.Source, From: first(h.From), To: first(h.To)}
	if res.Original.From == "" {
		res.Original.From = n.Mail.Source
	}
	switch n.NotificationType {
	case "Complaint":
		res.FeedbackType = n.Complaint.ComplaintFeedbackType
		for _, r := range n.Complaint.ComplainedRecipients {
			if complains(res.FeedbackType) && p.usable(r.EmailAddress) {
				res.Recipients = append(res.Recipients, Recipient{Recipient: r.EmailAddress, FinalRecipient: r.EmailAddress})
			}
		}
		return autoreply.Verdict{Kind: bounce.KindComplaint}
	case "Delivery":
		for _, a := range n.Delivery.Recipients {
			p.addRecipient(res, nil, &notice.Failure{Address: a, Action: bounce.Delivered}, nil, &view.Mail{})
		}
		return autoreply.Verdict{Kind: bounce.KindDelivered}
	}
	for _, b := range n.Bounce.BouncedRecipients {
		_, diagnostic, typed := strings.Cut(b.DiagnosticCode, ";")
		if !typed {
			diagnostic = b.DiagnosticCode
		}
		g := dsn.Recipient{FinalRecipient: b.EmailAddress, Status: b.Status, Diagnostic: strings.TrimSpace(diagnostic), Action: bounce.Failed}
		p.addRecipient(res, &g, nil, nil, &view.Mail{})
	}
	if len(res.Recipients) == 0 {
		return autoreply.Verdict{Kind: bounce.KindUnparsed, Why: "a bounce notification without recipients"}
	}
	return autoreply.Verdict{Kind: bounce.KindBounce}
}

// first is the address of the first entry of a list of header values.
func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return addressOf(list[0])
}

package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"harvester/parse/bounce"
	"harvester/store/export"
)

// Programs that listen to the event webhook of SendGrid, or to what Amazon SES
// tells by SNS, can listen to the list instead: each address that comes onto it
// is an event of theirs. Neither knows an event for one that leaves.

func sendgridEvents() Service {
	return Service{
		Name:     "sendgrid-events",
		For:      "a program of yours that listens to the event webhook of SendGrid",
		Settings: "url: where it listens; user and key: Basic authentication, key alone: as a bearer token, both may be left out.",
		Removal:  "None: SendGrid has no event for an address that may be mailed again.",
		Evidence: "twilio.com/docs/sendgrid, Event Webhook Reference; unverified: tried with no listener but our own",
		Loses: []string{"the signature (X-Twilio-Email-Event-Webhook-Signature): only SendGrid can make it, switch its check off for us",
			"sg_message_id and smtp-id: the mail that failed was not SendGrid's", "operator's decisions are events dropped"},
		Batch: 500, Rate: 5,
		profile: "sendgrid", needs: []string{"url"}, list: one, authorize: eitherKey,
		add: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			events := make([]sendgridEvent, len(items))
			for i := range items {
				events[i] = sendgridEventOf(&items[i])
			}
			_, err := c.json(ctx, http.MethodPost, "", events)
			return nil, err
		},
	}
}

// sendgridEvent is one element of what SendGrid posts.
type sendgridEvent struct {
	Email          string `json:"email"`
	Timestamp      int64  `json:"timestamp"` // seconds
	Event          string `json:"event"`
	ID             string `json:"sg_event_id"` // the same when it is sent again
	Type           string `json:"type,omitempty"`
	Reason         string `json:"reason,omitempty"`
	Status         string `json:"status,omitempty"`
	Classification string `json:"bounce_classification,omitempty"`
}

func sendgridEventOf(i *Item) sendgridEvent {
	e := sendgridEvent{Email: i.Name, Timestamp: i.Since.Unix(), ID: eventID(i)}
	switch i.Kind {
	case export.Complaint:
		e.Event = "spamreport"
	case export.Unsubscribe:
		e.Event = "unsubscribe"
	case export.Manual:
		e.Event, e.Reason = "dropped", "suppressed by harvester: "+i.Reason
	case export.HardBounce, export.SoftBounce:
		e.Event, e.Type, e.Status, e.Reason, e.Classification = "bounce", "bounce", i.Status, said(i), "Mailbox Unavailable"
		if i.Reason == bounce.UserUnknown.String() || i.Reason == bounce.DomainUnknown.String() {
			e.Classification = "Invalid Address"
		}
	}
	return e
}

func sesEvents() Service {
	return Service{
		Name:     "ses-events",
		For:      "a program of yours that listens to the bounces and complaints of Amazon SES by SNS over HTTP",
		Settings: "url: where it listens; list: the topic's ARN that it expects; user and key: Basic authentication, key alone: as a bearer token, both may be left out.",
		Removal:  "None: SES has no event for an address that may be mailed again.",
		Evidence: "docs.aws.amazon.com/ses, contents of notifications by SNS; docs.aws.amazon.com/sns, HTTP/S notification JSON format; unverified: tried with no listener but our own",
		Loses: []string{"SignatureVersion, Signature and SigningCertURL: only AWS can make them, switch their check off for us",
			"no SubscriptionConfirmation is sent", "unsubscribes are left out: SES knows Bounce and Complaint", "mail.messageId: the mail that failed was not SES's",
			"operator's decisions are bounces of the sub-type OnAccountSuppressionList"},
		Batch: 1, Rate: 10,
		profile: "ses", needs: []string{"url"}, replaces: true, authorize: eitherKey,
		list: func(k export.Kind) string {
			switch k {
			case export.Unsubscribe:
				return ""
			case export.Complaint:
				return "Complaint"
			case export.SoftBounce, export.HardBounce, export.Manual:
			}
			return "Bounce"
		},
		add: each(func(ctx context.Context, c *conn, list string, i *Item) error {
			body, err := snsNotification(i, list, c.s.List)
			if err != nil {
				return err
			}
			_, err = c.send(ctx, request{method: http.MethodPost, contentType: "text/plain; charset=UTF-8", body: body,
				header: http.Header{"X-Amz-Sns-Message-Type": {"Notification"}, "X-Amz-Sns-Message-Id": {eventID(i)}, "X-Amz-Sns-Topic-Arn": {c.s.List}}})
			return err
		}),
	}
}

// What SNS posts, and in its Message what SES says of one recipient.
type (
	snsEnvelope struct {
		Type      string
		MessageID string `json:"MessageId"` // the same when it is sent again
		TopicArn  string
		Message   string
		Timestamp string
	}
	sesEvent struct {
		NotificationType string        `json:"notificationType"`
		Bounce           *sesBounce    `json:"bounce,omitempty"`
		Complaint        *sesComplaint `json:"complaint,omitempty"`
		Mail             sesMail       `json:"mail"`
	}
	sesBounce struct {
		BounceType    string         `json:"bounceType"`
		BounceSubType string         `json:"bounceSubType"`
		Recipients    []sesRecipient `json:"bouncedRecipients"`
		Timestamp     string         `json:"timestamp"`
		FeedbackID    string         `json:"feedbackId"`
		ReportingMTA  string         `json:"reportingMTA,omitempty"`
	}
	sesComplaint struct {
		Recipients []sesRecipient `json:"complainedRecipients"`
		Timestamp  string         `json:"timestamp"`
		FeedbackID string         `json:"feedbackId"`
	}
	sesRecipient struct {
		EmailAddress   string `json:"emailAddress"`
		Action         string `json:"action,omitempty"`
		Status         string `json:"status,omitempty"`
		DiagnosticCode string `json:"diagnosticCode,omitempty"`
	}
	sesMail struct {
		Timestamp   string   `json:"timestamp"`
		Destination []string `json:"destination"`
	}
)

func snsNotification(i *Item, kind, topic string) ([]byte, error) {
	at := i.Since.UTC().Format("2006-01-02T15:04:05.000Z")
	e := sesEvent{NotificationType: kind, Mail: sesMail{at, []string{i.Name}}}
	if kind == "Complaint" {
		e.Complaint = &sesComplaint{[]sesRecipient{{EmailAddress: i.Name}}, at, eventID(i)}
	} else {
		b := &sesBounce{BounceType: "Permanent", BounceSubType: "General", Timestamp: at, FeedbackID: eventID(i)}
		r := sesRecipient{EmailAddress: i.Name, Action: "failed", Status: i.Status, DiagnosticCode: said(i)}
		switch {
		case i.Kind == export.Manual:
			b.BounceSubType, r = "OnAccountSuppressionList", sesRecipient{EmailAddress: i.Name}
		case i.Reason == bounce.UserUnknown.String():
			b.BounceSubType = "NoEmail"
		}
		if i.RemoteMTA != "" {
			b.ReportingMTA = "dns; " + i.RemoteMTA
		}
		b.Recipients = []sesRecipient{r}
		e.Bounce = b
	}
	message, err := marshal(e)
	if err != nil {
		return nil, err
	}
	return marshal(snsEnvelope{"Notification", eventID(i), topic, string(message), at})
}

// said is the reply, or in its place why.
func said(i *Item) string {
	if i.Diagnostic != "" {
		return i.Diagnostic
	}
	return i.Why()
}

// eventID is the same for the same entry of the list, whenever it is told, in the
// form of a UUID.
func eventID(i *Item) string {
	sum := sha256.Sum256([]byte(i.Key + "\x00" + i.Source + "\x00" + i.Reason + "\x00" + i.Since.UTC().Format(time.RFC3339Nano)))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// eitherKey signs in where something to sign in with was given.
func eitherKey(r *http.Request, s *Settings, body []byte) {
	switch {
	case s.User != "":
		basic(r, s, body)
	case s.Key != "":
		bearer(r, s, body)
	}
}

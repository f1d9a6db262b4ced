// Package notify brings reports and alarms out of the house: by mail and to a
// webhook.
package notify

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"harvester/store/report"
)

// Letter is a report as a mail.
type Letter struct {
	From, To  []*mail.Address
	MessageID string // without angle brackets; the same for a report that is sent again
	Date      time.Time
	Report    *report.Report
}

// Subject says the urgency, the host and the day, and then what it is about.
func Subject(r *report.Report) string {
	s := fmt.Sprintf("[harvester] %s %s %s: %s", strings.ToUpper(string(r.Status)), r.Host, r.Date, r.Headline)
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// MessageID is the same for the same host and day, so that a mail that is sent
// twice can be seen to be one.
func MessageID(r *report.Report) string { return "report." + r.Date + "@" + hostID(r.Host) }

// hostID is a host as it can stand in a Message-ID.
func hostID(host string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			return c
		}
		return '-'
	}, host)
}

// Compose writes the mail: text and HTML as alternatives, the JSON form as an
// attachment. Auto-Submitted (RFC 3834) keeps auto-responders quiet.
func (l *Letter) Compose() ([]byte, error) {
	var h mail.Header
	h.SetAddressList("From", l.From)
	h.SetAddressList("To", l.To)
	h.SetDate(l.Date)
	h.SetMessageID(l.MessageID)
	h.SetSubject(Subject(l.Report))
	h.Set("Auto-Submitted", "auto-generated")
	h.Set("X-Harvester-Status", string(l.Report.Status))
	var b bytes.Buffer
	if err := l.body(&b, h); err != nil {
		return nil, fmt.Errorf("composing the report's mail: %w", err)
	}
	return b.Bytes(), nil
}

func (l *Letter) body(b io.Writer, h mail.Header) error {
	w, err := mail.CreateWriter(b, h)
	if err != nil {
		return err
	}
	texts, err := w.CreateInline()
	if err != nil {
		return err
	}
	for _, form := range []struct {
		kind  string
		write func(io.Writer) error
	}{{"text/plain", l.Report.Text}, {"text/html", l.Report.MailHTML}} {
		var ih mail.InlineHeader
		ih.SetContentType(form.kind, map[string]string{"charset": "utf-8"})
		ih.Set("Content-Transfer-Encoding", "quoted-printable")
		p, err := texts.CreatePart(ih)
		if err != nil {
			return err
		}
		if err := form.write(p); err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	if err := texts.Close(); err != nil {
		return err
	}
	var ah mail.AttachmentHeader
	ah.SetContentType("application/json", nil)
	ah.SetFilename("report-" + l.Report.Date + ".json")
	ah.Set("Content-Transfer-Encoding", "base64")
	p, err := w.CreateAttachment(ah)
	if err != nil {
		return err
	}
	if err := l.Report.JSON(p); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	return w.Close()
}

package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"harvester/store/policy"
)

// Alert is what is told at once, without waiting for the report.
type Alert struct {
	Schema string        `json:"schema"` // harvester.alert/1
	Host   string        `json:"host"`
	At     time.Time     `json:"at"`
	News   []policy.News `json:"news"` // the most urgent first, never empty
}

// AlertSchema names the layout of an alert's JSON form.
const AlertSchema = "harvester.alert/1"

// whats are what became of an alarm, in words.
var whats = map[string]string{"opened": "", "worse": "worse: ", "lasts": "still: ", "closed": "over: "}

// line is one news in a line.
func line(n policy.News) string { return whats[n.What] + oneLine(n.Title) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Subject says the urgency, the host and what it is about.
func (a *Alert) Subject() string {
	first := a.News[0]
	urgency := strings.ToUpper(first.Urgency.String())
	if first.What == "closed" {
		urgency = "OK"
	}
	s := fmt.Sprintf("[harvester] %s %s: %s", urgency, oneLine(a.Host), line(first))
	if n := len(a.News) - 1; n > 0 {
		s += fmt.Sprintf("; %d more", n)
	}
	return s
}

// Text is the alert in plain text.
func (a *Alert) Text() string {
	var b strings.Builder
	for _, n := range a.News {
		fmt.Fprintf(&b, "%s  %s\n", strings.ToUpper(n.Urgency.String()), line(n))
		if n.What != "opened" {
			fmt.Fprintf(&b, "      since %s\n", n.Opened.In(a.At.Location()).Format("2006-01-02 15:04"))
		}
		if n.Next != "" && n.What != "closed" {
			fmt.Fprintf(&b, "      -> %s\n", oneLine(n.Next))
		}
	}
	fmt.Fprintf(&b, "\n%s, %s\n", oneLine(a.Host), a.At.Format("2006-01-02 15:04 MST"))
	return b.String()
}

// JSON writes the alert as one JSON object.
func (a *Alert) JSON(w io.Writer) error { return json.NewEncoder(w).Encode(a) }

// MessageID is the same for the same news, so that an alert that is sent twice
// can be seen to be one.
func (a *Alert) MessageID() string {
	h := sha256.New()
	for _, n := range a.News {
		fmt.Fprintln(h, n.What, n.ID, n.Opened.UnixMilli(), n.Told.UnixMilli())
	}
	return "alert." + hex.EncodeToString(h.Sum(nil)[:8]) + "@" + hostID(a.Host)
}

// Compose writes the alert as a mail.
func (a *Alert) Compose(from, to []*mail.Address) ([]byte, error) {
	var h mail.Header
	h.SetAddressList("From", from)
	h.SetAddressList("To", to)
	h.SetDate(a.At)
	h.SetMessageID(a.MessageID())
	h.SetSubject(a.Subject())
	h.Set("Auto-Submitted", "auto-generated")
	h.Set("X-Harvester-Status", a.News[0].Urgency.String())
	h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	var b bytes.Buffer
	w, err := mail.CreateSingleInlineWriter(&b, h)
	if err == nil {
		_, err = io.WriteString(w, a.Text())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("composing the alert's mail: %w", err)
	}
	return b.Bytes(), nil
}

package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"

	"harvester/store/policy"
)

// Alert is what is told at once, without waiting for the report.
type Alert struct {
	Host string
	At   time.Time     // in the zone that it is told in
	News []policy.News // the most urgent first, what is over last; never empty
}

// AlertSchema names the layout of an alert's JSON form (docs/alarms.md).
const AlertSchema = "harvester.alert/1"

// whats are what became of an alarm, in words.
var whats = map[string]string{policy.Opened: "", policy.Worse: "worse: ", policy.Lasts: "still: ", policy.Closed: "over: "}

// line is one news in a line.
func line(n policy.News) string { return whats[n.What] + oneLine(n.Title) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// status is how urgent an alert is: "ok" where everything in it is over.
func (a *Alert) status() string {
	if a.News[0].What == policy.Closed {
		return "ok"
	}
	return a.News[0].Urgency.String()
}

// Subject says the urgency, the host and what it is about.
func (a *Alert) Subject() string {
	s := fmt.Sprintf("[harvester] %s %s: %s", strings.ToUpper(a.status()), oneLine(a.Host), line(a.News[0]))
	if n := len(a.News) - 1; n > 0 {
		s += fmt.Sprintf("; %d more", n)
	}
	return s
}

// Text is the alert in plain text.
func (a *Alert) Text() string {
	var b strings.Builder
	stamp := func(t time.Time) string { return t.In(a.At.Location()).Format("2006-01-02 15:04") }
	for _, n := range a.News {
		urgency := strings.ToUpper(n.Urgency.String())
		if n.What == policy.Closed {
			urgency = "OK"
		}
		fmt.Fprintf(&b, "%-4s  %s\n", urgency, line(n))
		if n.What == policy.Closed {
			fmt.Fprintf(&b, "      from %s to %s\n", stamp(n.Opened), stamp(n.Gone))
			continue
		}
		fmt.Fprintf(&b, "      since %s\n", stamp(n.Opened))
		if n.Next != "" {
			fmt.Fprintf(&b, "      -> %s\n", oneLine(n.Next))
		}
	}
	fmt.Fprintf(&b, "\n%s, %s\n", oneLine(a.Host), a.At.Format("2006-01-02 15:04 MST"))
	return b.String()
}

// alertNews is one news in the JSON form.
type alertNews struct {
	What    string         `json:"what"` // opened, worse, lasts, closed
	ID      string         `json:"id"`
	Urgency policy.Urgency `json:"urgency"`
	Title   string         `json:"title"`
	Next    string         `json:"next"`
	Opened  time.Time      `json:"opened"`
	Gone    time.Time      `json:"gone,omitzero"` // of a closed one
}

// JSON writes the alert as one JSON object.
func (a *Alert) JSON(w io.Writer) error {
	out := struct {
		Schema   string      `json:"schema"`
		ID       string      `json:"id"` // the same when it is sent again
		Host     string      `json:"host"`
		At       time.Time   `json:"at"`
		Status   string      `json:"status"` // crit, warn, ok
		Headline string      `json:"headline"`
		News     []alertNews `json:"news"`
	}{AlertSchema, a.MessageID(), a.Host, a.At, a.status(), line(a.News[0]), nil}
	for _, n := range a.News {
		out.News = append(out.News, alertNews{n.What, n.ID, n.Urgency, n.Title, n.Next, n.Opened, n.Gone})
	}
	return json.NewEncoder(w).Encode(out)
}

// MessageID is the same for the same news, whenever they are told, so that an
// alert that is sent twice can be seen to be one.
func (a *Alert) MessageID() string {
	h := sha256.New()
	for _, n := range a.News {
		fmt.Fprintln(h, n.What, n.ID, n.Urgency, n.Opened.UnixMilli(), n.Last.At.UnixMilli())
	}
	return "alert." + hex.EncodeToString(h.Sum(nil)[:8]) + "@" + hostID(a.Host)
}

// openings are the messages that told first of what an alert goes on about.
func (a *Alert) openings() (ids []string) {
	const most = 20 // a field has to end somewhere
	for _, n := range a.News {
		if id := n.Last.Opening; id != "" && !slices.Contains(ids, id) && len(ids) < most {
			ids = append(ids, id)
		}
	}
	return ids
}

// Compose writes the alert as a mail, as an answer to those that told of the
// alarms first (RFC 5322 §3.6.4): what opened and what is over stand together.
func (a *Alert) Compose(from, to []*mail.Address) ([]byte, error) {
	var h mail.Header
	h.SetAddressList("From", from)
	h.SetAddressList("To", to)
	h.SetDate(a.At)
	h.SetMessageID(a.MessageID())
	if ids := a.openings(); ids != nil {
		h.SetMsgIDList("In-Reply-To", ids)
		h.SetMsgIDList("References", ids)
	}
	h.SetSubject(a.Subject())
	h.Set("Auto-Submitted", "auto-generated")
	h.Set("X-Harvester-Status", a.status())
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

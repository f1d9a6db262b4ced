package config

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	"harvester/parse/toml"
	"harvester/schedule"
	"harvester/store/policy"
)

// Alarm says when troubles are told at once, and by what ways. What it leaves
// out is as for the report.
type Alarm struct {
	Send     bool          `toml:"send"`
	Schedule schedule.Spec `toml:"schedule"` // when somebody looks for troubles
	Quiet    Hours         `toml:"quiet"`    // in which only what is urgent is told
	Again    policy.Span   `toml:"again"`    // after which what is urgent is told once more
	To       []string      `toml:"to"`       // by the server of the report; empty: to whom that goes
	Webhook  Webhook       `toml:"webhook"`  // no URL: that of the report
}

// AlarmMail says how alarms are mailed. An empty Server: not at all.
func (c *Config) AlarmMail() Mail {
	m := c.Report.Mail
	if len(c.Alarm.To) > 0 {
		m.To = c.Alarm.To
	}
	if !c.Alarm.Send {
		m.Server = ""
	}
	return m
}

// AlarmWebhook says where alarms are posted. No URL: nowhere.
func (c *Config) AlarmWebhook() Webhook {
	switch {
	case !c.Alarm.Send:
		return Webhook{}
	case c.Alarm.Webhook.URL.IsZero():
		return c.Report.Webhook
	}
	return c.Alarm.Webhook
}

func (c *Config) checkAlarm(d *toml.Document) {
	checkFormat(d, "alarm.webhook.format", c.Alarm.Webhook.Format)
	if len(c.Alarm.To) > 0 && c.Report.Mail.Server == "" {
		d.Fault("alarm.to", "there is no server to mail them by", "set server and from in [report.mail]")
	}
	for i, a := range c.Alarm.To {
		if _, err := mail.ParseAddress(a); err != nil {
			d.Fault(fmt.Sprintf("alarm.to[%d]", i), fmt.Sprintf("%q is not a mail address", a), "")
		}
	}
}

// checkFormat refuses a form that no webhook takes.
func checkFormat(d *toml.Document, key, format string) {
	if format != "json" && format != "text" {
		d.Fault(key, fmt.Sprintf("there is no format %q", format), `"json", or "text" for chat programs`)
	}
}

// Hours are a part of each day, perhaps over midnight; the zero Hours are none.
type Hours struct{ from, to time.Duration }

// UnmarshalText reads "22:00-07:00"; "" is none.
func (h *Hours) UnmarshalText(b []byte) error {
	*h = Hours{}
	if len(b) == 0 {
		return nil
	}
	first, last, _ := strings.Cut(string(b), "-")
	from, err := clock(first)
	to, err2 := clock(last)
	if err != nil || err2 != nil || from == to {
		return fmt.Errorf("%q are no hours: write them as \"22:00-07:00\"", b)
	}
	h.from, h.to = from, to
	return nil
}

func clock(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	return sinceMidnight(t), err
}

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// Contain tells whether the time of day of t, in its zone, lies in the hours.
func (h Hours) Contain(t time.Time) bool {
	at := sinceMidnight(t)
	if h.from < h.to {
		return at >= h.from && at < h.to
	}
	return h.from != h.to && (at >= h.from || at < h.to)
}

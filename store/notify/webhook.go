package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"harvester/store/report"
)

// Webhook is an address that takes reports by HTTP POST.
type Webhook struct {
	URL     string // secret: chat programs put the key into it
	Format  string // json: the report; text: {"text": ...}, as Slack, Mattermost and Teams take it
	Timeout time.Duration
	Client  *http.Client
}

// most lines of a report that go into a chat.
const chatLines = 25

// Post sends one report. The URL is never part of an error, only its host is.
func (h *Webhook) Post(ctx context.Context, r *report.Report) error {
	return h.send(ctx, "the report", MessageID(r), r.JSON, func() (string, error) { return chat(r) })
}

// PostAlert sends one alert, as Post does.
func (h *Webhook) PostAlert(ctx context.Context, a *Alert) error {
	return h.send(ctx, "the alert", a.MessageID(), a.JSON, func() (string, error) { return a.Subject() + "\n" + fenced(a.Text()), nil })
}

// send posts what is called so, under a key that is the same when it is sent
// again: whole as JSON, or as text for a chat.
func (h *Webhook) send(ctx context.Context, what, key string, whole func(io.Writer) error, text func() (string, error)) error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("posting %s: the webhook's url is no http or https address", what)
	}
	if err := h.post(ctx, key, whole, text); err != nil {
		return fmt.Errorf("posting %s to %s: %w", what, u.Host, err)
	}
	return nil
}

func (h *Webhook) post(ctx context.Context, key string, whole func(io.Writer) error, text func() (string, error)) error {
	var body bytes.Buffer
	switch h.Format {
	case "json":
		if err := whole(&body); err != nil {
			return err
		}
	case "text":
		words, err := text()
		if err == nil {
			err = json.NewEncoder(&body).Encode(map[string]string{"text": words})
		}
		if err != nil {
			return err
		}
	default:
		return fmt.Errorf("format is %q; it can be json or text", h.Format)
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, &body)
	if err != nil {
		return errors.New("the url can't be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	res, err := h.Client.Do(req)
	var secret *url.Error
	if errors.As(err, &secret) {
		err = secret.Err // without the URL
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, 200)) // for the error only
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the answer is %s: %q", res.Status, strings.TrimSpace(string(said)))
	}
	return nil
}

// chat is the beginning of the text, up to where the totals end.
func chat(r *report.Report) (string, error) {
	var b bytes.Buffer
	if err := r.Text(&b); err != nil {
		return "", err
	}
	lines := strings.Split(b.String(), "\n")
	return fenced(strings.Join(lines[:min(chatLines, len(lines))], "\n")), nil
}

// fenced is text that a chat shows as it is.
func fenced(text string) string {
	return "```\n" + strings.ReplaceAll(text, "```", "'''") + "\n```"
}

package compose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"time"

	message "github.com/emersion/go-message/mail"

	"harvester/cmd/harvester/config"
	"harvester/store/notify"
	"harvester/store/report"
)

const (
	sendTimeout = time.Minute      // handing over one mail or webhook
	sendTries   = 3                // of one mail or webhook
	sendPause   = 20 * time.Second // between two tries, times the tries so far
)

// SendReport mails and posts a report, as far as that is configured. What
// fails is tried so many times; one way that fails does not keep the other back.
func (s *Set) SendReport(ctx context.Context, r *report.Report, tries int) error {
	c := &s.Config.Report
	var errs []error
	if c.Mail.Server != "" {
		errs = append(errs, persist(ctx, tries, func() error { return s.mailReport(ctx, r) }))
	}
	if !c.Webhook.URL.IsZero() {
		errs = append(errs, persist(ctx, tries, func() error { return postReport(ctx, &c.Webhook, r) }))
	}
	return errors.Join(errs...)
}

// persist calls f until it succeeds, at most tries times.
func persist(ctx context.Context, tries int, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil || try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * sendPause):
		}
	}
}

func (s *Set) mailReport(ctx context.Context, r *report.Report) error {
	return s.mail(ctx, &s.Config.Report.Mail, func(from, to []*message.Address) ([]byte, error) {
		letter := notify.Letter{From: from, To: to, MessageID: notify.MessageID(r), Date: time.Now(), Report: r}
		return letter.Compose()
	})
}

// mail sends what compose writes, with the addresses of the configuration.
func (s *Set) mail(ctx context.Context, c *config.Mail, compose func(from, to []*message.Address) ([]byte, error)) error {
	var parsed []*message.Address
	for _, text := range append([]string{c.From}, c.To...) {
		a, err := mail.ParseAddress(text)
		if err != nil {
			return fmt.Errorf("sending mail: %q is not a mail address: %w", text, err)
		}
		parsed = append(parsed, &message.Address{Name: a.Name, Address: a.Address})
	}
	body, err := compose(parsed[:1], parsed[1:])
	if err != nil {
		return err
	}
	var to []string
	for _, a := range parsed[1:] {
		to = append(to, a.Address)
	}
	server := notify.SMTP{Server: c.Server, TLS: string(c.TLS), Username: c.Username, Password: c.Password.Resolve,
		Hello: s.Config.Hostname, Envelope: c.Envelope, Timeout: sendTimeout}
	return server.Send(ctx, to, body)
}

func postReport(ctx context.Context, c *config.Webhook, r *report.Report) error {
	url, err := c.URL.Resolve(ctx)
	if err != nil {
		return fmt.Errorf("posting the report: %w", err)
	}
	hook := notify.Webhook{URL: url, Format: c.Format, Timeout: sendTimeout, Client: http.DefaultClient}
	return hook.Post(ctx, r)
}

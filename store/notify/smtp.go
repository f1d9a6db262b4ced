package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTP is a server that takes our mail (RFC 5321, RFC 6409).
type SMTP struct {
	Server   string // host:port
	TLS      string // implicit, starttls or none
	Roots    *x509.CertPool
	Username string // "" signs in as nobody
	Password func(context.Context) (string, error)
	Hello    string // our name in EHLO
	Envelope string // return path; "" is the null path, to which no bounce can come
	Timeout  time.Duration
}

// Send hands one mail in for all of its recipients: it is refused as a whole
// when one of them is. Errors name the server, the step and its own words.
func (s *SMTP) Send(ctx context.Context, to []string, mail []byte) error {
	if err := s.send(ctx, to, mail); err != nil {
		return fmt.Errorf("sending mail by %s: %w", s.Server, err)
	}
	return nil
}

func (s *SMTP) send(ctx context.Context, to []string, mail []byte) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close() // after Quit it does nothing
	if s.Username != "" {
		password, err := s.Password(ctx)
		if err != nil {
			return err
		}
		if err := c.Auth(sasl.NewPlainClient("", s.Username, password)); err != nil {
			return fmt.Errorf("signing in as %s: %w", s.Username, err)
		}
	}
	if err := c.Mail(s.Envelope, nil); err != nil {
		return fmt.Errorf("naming the return path <%s>: %w", s.Envelope, err)
	}
	for _, r := range to {
		if err := c.Rcpt(r, nil); err != nil {
			return fmt.Errorf("naming the recipient <%s>: %w", r, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("announcing the mail: %w", err)
	}
	if _, err := w.Write(mail); err != nil {
		return fmt.Errorf("handing the mail over: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("handing the mail over: %w", err)
	}
	_ = c.Quit() // the mail is taken; how the server says good-bye is its own matter
	return nil
}

// connect opens a session that ends with ctx.
func (s *SMTP) connect(ctx context.Context) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(s.Server)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // a hanging server
	config := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	var c *smtp.Client
	switch s.TLS {
	case "implicit":
		t := tls.Client(conn, config)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("starting TLS: %w", err)
		}
		c = smtp.NewClient(t)
	case "starttls":
		if c, err = smtp.NewClientStartTLS(conn, config); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("starting TLS: %w", err)
		}
	case "none":
		c = smtp.NewClient(conn)
	default:
		_ = conn.Close()
		return nil, fmt.Errorf("tls is %q; it can be implicit, starttls or none", s.TLS)
	}
	if err := c.Hello(s.Hello); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return c, nil
}

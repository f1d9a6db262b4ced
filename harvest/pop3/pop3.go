// Package pop3 reads mailboxes over POP3 (RFC 1939) for servers without IMAP.
// A message's identity is its UIDL; there is one folder, INBOX, and nothing
// but deleting can be done to a message.
package pop3

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/wire"
)

// Folder is the name of the one folder.
const Folder = "INBOX"

// The defaults of a [Config].
const (
	DefaultBatchMessages = 200         // messages of a batch
	DefaultBatchBytes    = 16 << 20    // bytes of a batch
	DefaultMaxMessage    = 8 << 20     // bytes that are read of a message
	DefaultTimeout       = time.Minute // one answer of the server
)

// Config is one mailbox. Name, Server, TLS and Auth are required.
type Config struct {
	Name   string // as configured; stands in locators and errors
	Server string // host:port
	TLS    wire.TLS
	CAFile string // PEM file of the authorities to trust instead of the system's
	Pin    string // hex SHA-256 of the server's certificate, trusted instead of any authority
	Auth   auth.Credentials

	BatchMessages int           // most messages in a batch
	BatchBytes    int64         // most bytes in a batch, unless one message has more
	MaxMessage    int64         // bytes of a message that are kept; it is hashed whole
	Timeout       time.Duration // longest silence of the server while it owes an answer
}

type source struct{ Config }

// New returns the mailbox as a source. A wrong configuration shows in Open.
func New(c Config) harvest.Source {
	c.BatchMessages = cmp.Or(c.BatchMessages, DefaultBatchMessages)
	c.BatchBytes = cmp.Or(c.BatchBytes, DefaultBatchBytes)
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return &source{c}
}

// Open connects and signs in. The server locks the mailbox until Close.
func (s *source) Open(ctx context.Context) (harvest.Session, error) {
	end := &wire.Endpoint{
		Protocol: wire.POP3, Mailbox: s.Name, Server: s.Server, TLS: s.TLS, CAFile: s.CAFile, Pin: s.Pin, Timeout: s.Timeout,
	}
	err := end.Check()
	if err == nil && s.Auth == nil {
		err = errors.New("no sign-in is configured")
	}
	if err != nil {
		return nil, &harvest.Fault{Mailbox: s.Name, Step: "reading the settings", Err: err}
	}
	c, err := s.signedIn(ctx, end)
	if errors.Is(err, harvest.ErrAuth) && s.Auth.Rejected() {
		c, err = s.signedIn(ctx, end)
	}
	if err != nil {
		return nil, err
	}
	return &session{source: s, end: end, client: c, tried: map[string]bool{}}, nil
}

func (s *source) signedIn(ctx context.Context, end *wire.Endpoint) (*client, error) {
	conn, err := end.Dial(ctx)
	if err != nil {
		return nil, err
	}
	guarded := wire.NewGuard(conn, min(wire.GreetingTimeout, s.Timeout))
	c := &client{end: end, conn: guarded, r: bufio.NewReaderSize(guarded, readSize)}
	if err = s.greet(ctx, c); err == nil {
		guarded.SetTimeout(s.Timeout)
		err = s.signIn(ctx, c)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (s *source) greet(ctx context.Context, c *client) error {
	err := c.do(ctx, "waiting for the greeting of "+s.Server, func() error {
		_, err := c.status()
		return err
	})
	var f *harvest.Fault
	if !errors.As(err, &f) || ctx.Err() != nil {
		return err
	}
	if heard := c.conn.Heard(); heard != "" {
		return c.end.RefusedGreeting(heard)
	}
	return c.end.NoGreeting(nil, f.Err)
}

func (s *source) signIn(ctx context.Context, c *client) error {
	err := c.do(ctx, "signing in as "+s.Auth.User(), func() error {
		caps, err := c.capabilities()
		if err != nil {
			return err
		}
		_, c.pipelining = caps["PIPELINING"]
		exchange, err := s.Auth.Start(ctx, func(mechanism string) bool { return slices.Contains(caps["SASL"], mechanism) })
		if err == nil {
			return c.authenticate(exchange)
		}
		password, ok := s.Auth.(*auth.Password)
		if !ok || !errors.Is(err, auth.ErrNoMechanism) {
			return fmt.Errorf("%w (offered: %s)", err, strings.Join(caps["SASL"], " "))
		}
		secret, err := password.Read(ctx)
		if err != nil {
			return err
		}
		if strings.ContainsAny(password.Username+secret, "\r\n") {
			return errors.New("username or password has a line break")
		}
		if _, err := c.command("USER " + password.Username); err != nil {
			return err
		}
		_, err = c.command("PASS " + secret)
		return err
	})
	var f *harvest.Fault
	if !errors.As(err, &f) {
		return err
	}
	var said *refusal
	switch {
	case errors.Is(err, auth.ErrNoMechanism):
		f.Kind = harvest.ErrAuth
		f.Hint = "the server wants another kind of sign-in: OAuth2 instead of a password or the reverse, or TLS first"
	case errors.As(f.Err, &said) && passing(said.words):
		f.After = max(f.After, time.Minute)
	case said != nil:
		f.Kind = harvest.ErrAuth
		f.Hint = auth.Hint(s.Auth, f.Words) + "; POP3 must be switched on for this mailbox"
	}
	return f
}

// passing recognizes refusals that no operator needs to mend (RFC 2449 §8,
// RFC 3206 §4).
func passing(words string) bool {
	for _, code := range []string{"[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]"} {
		if strings.Contains(strings.ToUpper(words), code) {
			return true
		}
	}
	return false
}

// Package imap reads mailboxes over IMAP (RFC 9051, RFC 3501). It is the only
// place that touches go-imap, and guards against what that library leaves to
// its callers: time limits, silent truncation, and bodies that never come.
package imap

import (
	"cmp"
	"errors"
	"log/slog"
	"sync"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/wire"
)

// TLS says how a connection is encrypted.
type TLS = wire.TLS

// The TLS modes; the last is refused off loopback.
const (
	TLSImplicit = wire.Implicit
	TLSStart    = wire.StartTLS
	TLSNone     = wire.None
)

// The defaults of a [Config].
const (
	DefaultBatchMessages = 500         // messages of a batch
	DefaultBatchBytes    = 16 << 20    // bytes of a batch
	DefaultMaxMessage    = 8 << 20     // bytes that are read of a message
	DefaultTimeout       = time.Minute // one answer of the server
)

// Config is one mailbox. Name, Server, TLS, Folders and Auth are required.
type Config struct {
	Name    string // as configured; stands in locators and errors
	Server  string // host:port
	TLS     TLS
	CAFile  string // PEM file of the authorities to trust instead of the system's
	Pin     string // hex SHA-256 of the server's certificate, trusted instead of any authority
	Folders []string
	Auth    auth.Credentials

	ReadOnly bool // EXAMINE; nothing is ever changed on the server

	BatchMessages int           // most messages in a batch
	BatchBytes    int64         // most bytes in a batch, unless one message has more
	MaxMessage    int64         // bytes of a message that are kept; it is hashed whole
	Timeout       time.Duration // longest silence of the server while it owes an answer

	Log *slog.Logger // nil: discard
}

// source is a configured mailbox. It outlives its sessions to remember which
// message broke them.
type source struct {
	Config
	budget  budget
	mu      sync.Mutex
	crashes map[string]crash // by folder
}

// New returns the mailbox as a source. A wrong configuration shows in Open.
func New(c Config) harvest.Source {
	c.BatchMessages = cmp.Or(c.BatchMessages, DefaultBatchMessages)
	c.BatchBytes = cmp.Or(c.BatchBytes, DefaultBatchBytes)
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &source{Config: c, budget: budget{limit: dailyBytes(c.Server)}, crashes: map[string]crash{}}
}

func (c *Config) endpoint() *wire.Endpoint {
	return &wire.Endpoint{
		Protocol: wire.IMAP, Mailbox: c.Name, Server: c.Server, TLS: c.TLS, CAFile: c.CAFile, Pin: c.Pin, Timeout: c.Timeout,
	}
}

func (c *Config) check() error {
	switch {
	case len(c.Folders) == 0:
		return errors.New("no folders are configured")
	case c.Auth == nil:
		return errors.New("no sign-in is configured")
	}
	return c.endpoint().Check()
}

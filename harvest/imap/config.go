// Package imap reads mailboxes over IMAP (RFC 9051, RFC 3501). It is the only
// place that touches go-imap, and guards against what that library leaves to
// its callers: time limits, silent truncation, and bodies that never come.
package imap

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
)

// TLS says how a connection is encrypted.
type TLS string

// The TLS modes: from the first byte (RFC 8314), by command (RFC 9051 §6.2.1),
// or not at all, which is refused off loopback.
const (
	TLSImplicit TLS = "implicit"
	TLSStart    TLS = "starttls"
	TLSNone     TLS = "none"
)

// The defaults of a [Config].
const (
	DefaultBatchMessages = 500
	DefaultBatchBytes    = 16 << 20
	DefaultMaxMessage    = 8 << 20
	DefaultTimeout       = time.Minute
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
	return &source{Config: c, crashes: map[string]crash{}}
}

func (c *Config) check() error {
	host, _, err := net.SplitHostPort(c.Server)
	switch {
	case err != nil:
		return fmt.Errorf("server %q is not host:port: %w", c.Server, err)
	case len(c.Folders) == 0:
		return errors.New("no folders are configured")
	case c.Auth == nil:
		return errors.New("no sign-in is configured")
	case c.TLS != TLSImplicit && c.TLS != TLSStart && c.TLS != TLSNone:
		return fmt.Errorf("tls %q is none of implicit, starttls, none", c.TLS)
	case c.TLS == TLSNone && !isLoopback(host):
		return fmt.Errorf(`tls "none" would send the password to %s in the clear; it is allowed on loopback only`, host)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

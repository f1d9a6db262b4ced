// Package wire connects to mail servers: TLS that can't be switched off by
// accident, errors that name the likely fix, and a connection that never waits
// for ever.
package wire

import (
	"fmt"
	"net"
	"net/netip"
	"time"
)

// TLS says how a connection is encrypted.
type TLS string

// The TLS modes: from the first byte (RFC 8314), by command (RFC 9051 §6.2.1,
// RFC 2595 §4), or not at all, which is refused off loopback.
const (
	Implicit TLS = "implicit"
	StartTLS TLS = "starttls"
	None     TLS = "none"
)

// Protocol is what differs between IMAP and POP3 before anyone signs in.
type Protocol struct {
	Name         string
	Greeting     string // how a willing server's first line begins
	Refusal      string // how that of an unwilling one begins
	StartTLS     string // the command that starts TLS
	StartTLSDone string // how the answer to it begins
	TLSPort      string
	PlainPort    string
}

// The protocols.
var (
	IMAP = &Protocol{"IMAP", "* OK", "*", "S1 STARTTLS", "S1 OK", "993", "143"}
	POP3 = &Protocol{"POP3", "+OK", "-ERR", "STLS", "+OK", "995", "110"}
)

// Endpoint is a server to connect to.
type Endpoint struct {
	Protocol *Protocol
	Mailbox  string // for errors
	Server   string // host:port
	TLS      TLS
	CAFile   string        // PEM file of the authorities to trust instead of the system's
	Pin      string        // hex SHA-256 of the server's certificate, trusted instead of any authority
	Timeout  time.Duration // longest silence
}

// Check finds what is wrong with the settings themselves.
func (e *Endpoint) Check() error {
	host, _, err := net.SplitHostPort(e.Server)
	switch {
	case err != nil:
		return fmt.Errorf("server %q is not host:port: %w", e.Server, err)
	case e.TLS != Implicit && e.TLS != StartTLS && e.TLS != None:
		return fmt.Errorf("tls %q is none of implicit, starttls, none", e.TLS)
	case e.TLS == None && !isLoopback(host):
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

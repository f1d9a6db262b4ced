package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"harvester/harvest"
)

// Unreachable says why no usable connection came about.
func (e *Endpoint) Unreachable(step string, err error) *harvest.Fault {
	return &harvest.Fault{Mailbox: e.Mailbox, Step: step, Kind: harvest.ErrUnreachable, Err: err, Hint: e.connectHint(err)}
}

func (e *Endpoint) connectHint(err error) string {
	var (
		dns       *net.DNSError
		record    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &dns):
		return "check the host name in server"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check host and port, " + e.Protocol.TLSPort + " is usual for implicit TLS, " + e.Protocol.PlainPort + " for STARTTLS"
	case errors.Is(err, errPin):
		return "compare with the certificate on the server; set pin to the new value only if it was replaced on purpose"
	case errors.As(err, &record):
		return `the server speaks plain text on this port: tls = "starttls", or port ` + e.Protocol.TLSPort
	case errors.As(err, &authority):
		return "set ca_file to the authority that signed it, or pin the certificate"
	case errors.As(err, &hostname):
		return "server must be a name that the certificate holds"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or check this machine's clock"
	case IsTimeout(err) && e.TLS == Implicit:
		return `no answer: a firewall, or a port without TLS: tls = "starttls" for port ` + e.Protocol.PlainPort
	case IsTimeout(err):
		return "no answer: check host, port and firewall"
	}
	return ""
}

// NoGreeting tells a port that waits for a TLS handshake from other trouble.
func (e *Endpoint) NoGreeting(got []byte, err error) *harvest.Fault {
	f := e.Unreachable("waiting for the greeting of "+e.Server, err)
	if e.TLS != Implicit && (IsTimeout(err) || errors.Is(err, io.EOF) || isAlert(got)) {
		f.Hint = `if the port expects TLS from the first byte: tls = "implicit"`
	}
	return f
}

// isAlert recognizes a TLS alert record (RFC 8446 §5.1).
func isAlert(b []byte) bool { return len(b) > 1 && b[0] == 0x15 && b[1] == 0x03 }

// RefusedGreeting is for a server that greets with a refusal, or is no server
// of this kind.
func (e *Endpoint) RefusedGreeting(words string) *harvest.Fault {
	f := &harvest.Fault{Mailbox: e.Mailbox, Step: "waiting for the greeting of " + e.Server,
		Kind: harvest.ErrUnreachable, Words: strings.TrimSpace(words), After: BackoffTime(words)}
	if !strings.HasPrefix(f.Words, e.Protocol.Refusal) && !strings.HasPrefix(f.Words, e.Protocol.Greeting) {
		f.Hint = "this is no " + e.Protocol.Name + " server: check the port"
	}
	f.Words = strings.TrimPrefix(f.Words, "* ")
	return f
}

// IsTimeout says whether err is any kind of time limit.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// suggestedBackoff is how Exchange Online names its throttling time.
var suggestedBackoff = regexp.MustCompile(`(?i)Suggested Backoff Time: (\d{1,10}) milliseconds`)

// QUIRK: texts with which Gmail, Exchange and Dovecot ask for patience where
// they give no time. RFC 9051 §7.1 has codes for some of it.
var patience = []string{
	"[unavailable]", "[limit]", "[inuse]", "[overquota]", "too many simultaneous connections", "bandwidth", "throttled", "try again later",
}

const impliedBackoff = 5 * time.Minute

// BackoffTime is how long a server that says this wants to be left alone.
func BackoffTime(words string) time.Duration {
	if m := suggestedBackoff.FindStringSubmatch(words); m != nil {
		ms, _ := strconv.ParseInt(m[1], 10, 64)
		return min(time.Duration(ms)*time.Millisecond, 24*time.Hour)
	}
	lower := strings.ToLower(words)
	for _, text := range patience {
		if strings.Contains(lower, text) {
			return impliedBackoff
		}
	}
	return 0
}

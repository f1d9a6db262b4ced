package imap

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

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// errTruncated means that a literal ended before its announced size. go-imap
// reports it as a complete body.
var errTruncated = errors.New("connection lost in the middle of a message")

// unreachable says why no usable connection came about.
func (c *Config) unreachable(step string, err error) *harvest.Fault {
	return &harvest.Fault{Mailbox: c.Name, Step: step, Kind: harvest.ErrUnreachable, Err: err, Hint: c.connectHint(err)}
}

func (c *Config) connectHint(err error) string {
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
		return "nothing listens there: check host and port, 993 is usual for implicit TLS, 143 for STARTTLS"
	case errors.Is(err, errPin):
		return "compare with the certificate on the server; set pin to the new value only if it was replaced on purpose"
	case errors.As(err, &record):
		return `the server speaks plain text on this port: tls = "starttls", or port 993`
	case errors.As(err, &authority):
		return "set ca_file to the authority that signed it, or pin the certificate"
	case errors.As(err, &hostname):
		return "server must be a name that the certificate holds"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or check this machine's clock"
	case isTimeout(err) && c.TLS == TLSImplicit:
		return `no answer: a firewall, or a port without TLS: tls = "starttls" for port 143`
	case isTimeout(err):
		return "no answer: check host, port and firewall"
	}
	return ""
}

// noGreeting tells a port that waits for a TLS handshake from other trouble.
func (c *Config) noGreeting(got []byte, err error) *harvest.Fault {
	f := c.unreachable("waiting for the greeting of "+c.Server, err)
	if c.TLS != TLSImplicit && (isTimeout(err) || errors.Is(err, io.EOF) || isAlert(got)) {
		f.Hint = `if the port expects TLS from the first byte: tls = "implicit"`
	}
	return f
}

// isAlert recognises a TLS alert record (RFC 8446 §5.1).
func isAlert(b []byte) bool { return len(b) > 1 && b[0] == 0x15 && b[1] == 0x03 }

func (c *Config) refusedGreeting(words string) *harvest.Fault {
	f := &harvest.Fault{Mailbox: c.Name, Step: "waiting for the greeting of " + c.Server,
		Kind: harvest.ErrUnreachable, Words: strings.TrimSpace(words), After: backoffTime(words)}
	if !strings.HasPrefix(f.Words, "*") {
		f.Hint = "this is no IMAP server: check the port"
	}
	f.Words = strings.TrimPrefix(f.Words, "* ")
	return f
}

// failed turns the error of a command into a fault with the server's words.
func (s *session) failed(ctx context.Context, step string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return &harvest.Fault{Mailbox: s.Name, Step: step, Err: cause}
	}
	f := &harvest.Fault{Mailbox: s.Name, Step: step, Err: err}
	var said *imap.Error
	if errors.As(err, &said) {
		f.Words = wordsOf(said)
	} else if first := s.conn.failure(); first != nil {
		f.Words = s.conn.lastWords()
		if f.Words == "" && !errors.Is(first, io.EOF) && !errors.Is(first, net.ErrClosed) {
			f.Err = first
		}
		if isTimeout(first) {
			f.Hint = "the server fell silent for " + s.Timeout.String()
		}
	}
	f.After = backoffTime(f.Words)
	return f
}

func wordsOf(e *imap.Error) string {
	words := string(e.Type)
	if e.Code != "" {
		words += " [" + string(e.Code) + "]"
	}
	return strings.TrimSpace(words + " " + e.Text)
}

// refused says whether the server answered NO or BAD: the command failed, the
// connection lives.
func refused(err error) bool {
	var said *imap.Error
	return errors.As(err, &said)
}

func isTimeout(err error) bool {
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

func backoffTime(words string) time.Duration {
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

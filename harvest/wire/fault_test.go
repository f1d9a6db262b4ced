package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"harvester/harvest"
)

// Each way in which no connection comes about has its own likely fix.
func TestHints(t *testing.T) {
	end := func(tls TLS) *Endpoint {
		return &Endpoint{Protocol: IMAP, Mailbox: "bounces", Server: "imap.example.org:993", TLS: tls, Timeout: time.Second}
	}
	for name, tt := range map[string]struct {
		tls  TLS
		err  error
		want string
	}{
		"host":        {Implicit, &net.DNSError{Err: "no such host", Name: "imap.example.org", IsNotFound: true}, "check the host name in server"},
		"port":        {Implicit, syscall.ECONNREFUSED, "993 is usual for implicit TLS, 143 for STARTTLS"},
		"pin":         {Implicit, errPin, "set pin to the new value only if"},
		"plain":       {Implicit, tls.RecordHeaderError{Msg: "x"}, `tls = "starttls", or port 993`},
		"authority":   {Implicit, x509.UnknownAuthorityError{}, "set ca_file to the authority"},
		"name":        {Implicit, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, "a name that the certificate holds"},
		"expired":     {Implicit, x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, "renew the server's certificate"},
		"silence":     {Implicit, os.ErrDeadlineExceeded, `tls = "starttls" for port 143`},
		"silence too": {StartTLS, context.DeadlineExceeded, "check host, port and firewall"},
		"stopped":     {Implicit, context.Canceled, ""},
	} {
		f := end(tt.tls).Unreachable("connecting", fmt.Errorf("dial: %w", tt.err))
		if !errors.Is(f, harvest.ErrUnreachable) || tt.want == "" && f.Hint != "" || !strings.Contains(f.Hint, tt.want) {
			t.Errorf("%s: %v", name, f)
		}
	}
	for _, err := range []error{os.ErrDeadlineExceeded, io.EOF} {
		if f := end(StartTLS).NoGreeting(nil, err); f.Hint != `if the port expects TLS from the first byte: tls = "implicit"` {
			t.Errorf("%v: %v", err, f)
		}
	}
}

func TestBackoffTime(t *testing.T) {
	for words, want := range map[string]time.Duration{
		"BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds": 299961 * time.Millisecond,
		"NO [LIMIT] Maximum number of connections from user+IP exceeded":        impliedBackoff,
		"* BYE Too many simultaneous connections. (Failure)":                    impliedBackoff,
		"NO Suggested Backoff Time: 9999999999 milliseconds":                    24 * time.Hour,
		"NO [AUTHENTICATIONFAILED] no":                                          0,
	} {
		if got := BackoffTime(words); got != want {
			t.Errorf("%s: %v, want %v", words, got, want)
		}
	}
}

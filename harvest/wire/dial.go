package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// GreetingTimeout is how long a server may take to greet. One that waits for
// a TLS handshake never does.
const GreetingTimeout = 20 * time.Second

// maxLine bounds a line that is read before go-imap takes over.
const maxLine = 8 << 10

// Dial returns a connection on which the server's greeting is still to be
// read, encrypted as configured.
func (e *Endpoint) Dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: e.Timeout, KeepAlive: time.Minute}
	conn, err := dialer.DialContext(ctx, "tcp", e.Server)
	if err != nil {
		return nil, e.Unreachable("connecting to "+e.Server, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	ready, err := e.encrypt(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ready, nil
}

func (e *Endpoint) encrypt(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if e.TLS == None {
		return conn, nil
	}
	settings, err := e.tlsSettings()
	if err != nil {
		return nil, e.Unreachable("setting up TLS", err)
	}
	step := "TLS handshake with " + e.Server
	if e.TLS == StartTLS {
		if err := e.startTLS(conn); err != nil {
			return nil, err
		}
		step = "TLS handshake after STARTTLS with " + e.Server
	}
	secure := tls.Client(conn, settings)
	limited, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	if err := secure.HandshakeContext(limited); err != nil {
		return nil, e.Unreachable(step, err)
	}
	if e.TLS == StartTLS {
		// The server greets only once; go-imap waits for it here.
		return &greeted{Conn: secure, greeting: []byte(e.Protocol.Greeting + "\r\n")}, nil
	}
	return secure, nil
}

// startTLS runs the plain-text part of RFC 9051 §6.2.1 and RFC 2595 §4. It is
// done here, not by go-imap, so that the guard sees decrypted bytes and a wrong port is told
// from a refusal.
func (e *Endpoint) startTLS(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(min(GreetingTimeout, e.Timeout))); err != nil {
		return e.Unreachable("waiting for the greeting of "+e.Server, err)
	}
	defer func() { _ = conn.SetDeadline(time.Time{}) }() // a failure shows in the handshake
	lines := bufio.NewReaderSize(conn, maxLine)
	greeting, err := lines.ReadSlice('\n')
	if err != nil {
		return e.NoGreeting(greeting, err)
	}
	if !bytes.HasPrefix(greeting, []byte(e.Protocol.Greeting)) {
		return e.RefusedGreeting(string(greeting))
	}
	if _, err := io.WriteString(conn, e.Protocol.StartTLS+"\r\n"); err != nil {
		return e.Unreachable("sending STARTTLS", err)
	}
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return e.Unreachable("waiting for the answer to STARTTLS", err)
		}
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "* ") { // an untagged response of IMAP
			continue
		}
		if !strings.HasPrefix(text, e.Protocol.StartTLSDone) {
			f := e.Unreachable("starting TLS", errors.New("STARTTLS refused"))
			f.Words = text
			f.Hint = `the server offers no STARTTLS on this port: tls = "implicit", usually on port ` + e.Protocol.TLSPort
			return f
		}
		if lines.Buffered() > 0 {
			return e.Unreachable("starting TLS", errors.New("bytes were slipped in before the handshake"))
		}
		return nil
	}
}

// tlsSettings verify the server's certificate by the system's authorities, the
// CA file or the pin. There is no way not to.
func (e *Endpoint) tlsSettings() (*tls.Config, error) {
	host, _, _ := net.SplitHostPort(e.Server)
	settings := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if e.CAFile != "" {
		pem, err := os.ReadFile(e.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the CA file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate in PEM form", e.CAFile)
		}
	}
	if e.Pin != "" {
		want, err := hex.DecodeString(strings.ReplaceAll(e.Pin, ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, fmt.Errorf("pin %q is not a SHA-256 in hex", e.Pin)
		}
		settings.InsecureSkipVerify = true // the pin is checked instead
		settings.VerifyConnection = func(state tls.ConnectionState) error {
			got := sha256.Sum256(state.PeerCertificates[0].Raw)
			if subtle.ConstantTimeCompare(got[:], want) != 1 {
				return fmt.Errorf("%w: it is %x", errPin, got)
			}
			return nil
		}
	}
	return settings, nil
}

var errPin = errors.New("the server's certificate is not the pinned one")

// greeted gives the greeting before the bytes of the connection.
type greeted struct {
	net.Conn
	greeting []byte
}

func (g *greeted) Read(p []byte) (int, error) {
	if len(g.greeting) > 0 {
		n := copy(p, g.greeting)
		g.greeting = g.greeting[n:]
		return n, nil
	}
	return g.Conn.Read(p)
}

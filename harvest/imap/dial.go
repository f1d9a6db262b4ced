package imap

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

// greetingTimeout is how long a server may take to greet. One that waits for
// a TLS handshake never does.
const greetingTimeout = 20 * time.Second

// maxLine bounds a line that is read before go-imap takes over.
const maxLine = 8 << 10

// dial returns a connection on which the server's greeting is still to be
// read, encrypted as configured.
func (c *Config) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: c.Timeout, KeepAlive: time.Minute}
	conn, err := dialer.DialContext(ctx, "tcp", c.Server)
	if err != nil {
		return nil, c.unreachable("connecting to "+c.Server, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	ready, err := c.encrypt(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ready, nil
}

func (c *Config) encrypt(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if c.TLS == TLSNone {
		return conn, nil
	}
	settings, err := c.tlsSettings()
	if err != nil {
		return nil, c.unreachable("setting up TLS", err)
	}
	step := "TLS handshake with " + c.Server
	if c.TLS == TLSStart {
		if err := c.startTLS(conn); err != nil {
			return nil, err
		}
		step = "TLS handshake after STARTTLS with " + c.Server
	}
	secure := tls.Client(conn, settings)
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if err := secure.HandshakeContext(limited); err != nil {
		return nil, c.unreachable(step, err)
	}
	if c.TLS == TLSStart {
		// The server greets only once; go-imap waits for it here.
		return &greeted{Conn: secure, greeting: []byte("* OK\r\n")}, nil
	}
	return secure, nil
}

// startTLS runs the plain-text part of RFC 9051 §6.2.1. It is done here, not
// by go-imap, so that the guard sees decrypted bytes and a wrong port is told
// from a refusal.
func (c *Config) startTLS(conn net.Conn) error {
	conn.SetDeadline(time.Now().Add(min(greetingTimeout, c.Timeout)))
	defer conn.SetDeadline(time.Time{})
	lines := bufio.NewReaderSize(conn, maxLine)
	greeting, err := lines.ReadSlice('\n')
	if err != nil {
		return c.noGreeting(greeting, err)
	}
	if !bytes.HasPrefix(greeting, []byte("* OK")) {
		return c.refusedGreeting(string(greeting))
	}
	if _, err := io.WriteString(conn, "S1 STARTTLS\r\n"); err != nil {
		return c.unreachable("sending STARTTLS", err)
	}
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return c.unreachable("waiting for the answer to STARTTLS", err)
		}
		text, tagged := strings.CutPrefix(string(line), "S1 ")
		if !tagged {
			continue
		}
		if !strings.HasPrefix(strings.ToUpper(text), "OK") {
			f := c.unreachable("starting TLS", errors.New("STARTTLS refused"))
			f.Words = strings.TrimSpace(text)
			f.Hint = `the server offers no STARTTLS on this port: tls = "implicit", usually on port 993`
			return f
		}
		if lines.Buffered() > 0 {
			return c.unreachable("starting TLS", errors.New("bytes were slipped in before the handshake"))
		}
		return nil
	}
}

// tlsSettings verify the server's certificate by the system's authorities, the
// CA file or the pin. There is no way not to.
func (c *Config) tlsSettings() (*tls.Config, error) {
	host, _, _ := net.SplitHostPort(c.Server)
	settings := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the CA file: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.Pin != "" {
		want, err := hex.DecodeString(strings.ReplaceAll(c.Pin, ":", ""))
		if err != nil || len(want) != sha256.Size {
			return nil, fmt.Errorf("pin %q is not a SHA-256 in hex", c.Pin)
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

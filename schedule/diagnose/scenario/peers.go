package scenario

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Peers are receivers' servers of a scenario, a line each: an address with its
// port, what it is, and its name.
//
//	198.51.100.20:25 smtp mx.example.net         STARTTLS with a valid certificate
//	198.51.100.20:25 smtp-self mx.example.net    signed by nobody
//	198.51.100.20:25 smtp-expired mx.example.net
//	198.51.100.20:25 smtp-plain mx.example.net   no STARTTLS
//	198.51.100.20:25 smtp-closing mx.example.net closes the connection
//	198.51.100.30:443 https mta-sts.example.net  serves the part "policy"
//
// Whoever else is called refuses.
type Peers struct {
	t      *testing.T
	policy string
	at     map[string]peer
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	roots  *x509.CertPool
	certs  map[string]tls.Certificate
	served sync.WaitGroup
}

type peer struct{ kind, name string }

func startPeers(t *testing.T, lines, policy string) *Peers {
	t.Helper()
	p := &Peers{t: t, policy: policy, at: map[string]peer{}, roots: x509.NewCertPool(), certs: map[string]tls.Certificate{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.key = key
	p.ca = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.AddDate(9, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, p.ca, p.ca, &key.PublicKey, key)
	if err == nil {
		p.ca, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.roots.AddCert(p.ca)
	for line := range strings.Lines(lines) {
		w := strings.Fields(line)
		if len(w) != 3 {
			t.Fatalf("peer %q", line)
		}
		p.at[w[0]] = peer{w[1], w[2]}
		p.certs[w[2]] = p.certificate(w[1], w[2])
	}
	t.Cleanup(p.served.Wait)
	return p
}

// certificate is one for a host, wrong in the way that its kind says.
func (p *Peers) certificate(kind, host string) tls.Certificate {
	p.t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	parent := p.ca
	switch kind {
	case "smtp-expired":
		c.NotAfter = Now.AddDate(0, 0, -2)
	case "smtp-self", "https-self":
		parent = c
	case "smtp-other":
		c.DNSNames = []string{"other.example.net"}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &p.key.PublicKey, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}
}

// fill puts the digests of certificates into a zone: {SHA-256 of HOST}.
func (p *Peers) fill(zone string) string {
	for host, c := range p.certs {
		sum := sha256.Sum256(c.Certificate[0])
		zone = strings.ReplaceAll(zone, "{SHA-256 of "+host+"}", hex.EncodeToString(sum[:]))
	}
	return zone
}

// dial connects to a peer.
func (p *Peers) dial(ctx context.Context, _, address string) (net.Conn, error) {
	x, ok := p.at[address]
	if !ok {
		return nil, errors.New("connection refused")
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0") // a pipe has no buffers, and both sides of TLS may write at once
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	ours, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := ln.Accept()
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	cert := p.certs[x.name]
	p.served.Go(func() {
		defer theirs.Close()
		if strings.HasPrefix(x.kind, "https") {
			p.web(tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}))
			return
		}
		mail(theirs, x, cert)
	})
	return ours, nil
}

// web answers one request.
func (p *Peers) web(conn net.Conn) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	status, body := "200 OK", p.policy
	if req.URL.Path != "/.well-known/mta-sts.txt" || body == "" {
		status, body = "404 Not Found", ""
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}

// mail speaks SMTP as far as TLS.
func mail(conn net.Conn, x peer, cert tls.Certificate) {
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if x.kind == "smtp-closing" {
		return
	}
	say := func(text string) { _, _ = fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 " + x.name + " ESMTP")
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); {
		case verb == "EHLO" && x.kind != "smtp-plain":
			say("250-" + x.name + "\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250 " + x.name)
		case verb == "STARTTLS":
			say("220 go on")
			if x.kind == "smtp-handshake" {
				return
			}
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
			if secure.HandshakeContext(context.Background()) != nil {
				return
			}
			conn = secure
			in = bufio.NewReader(conn)
		case verb == "QUIT":
			say("221 bye")
			return
		case verb == "MAIL", verb == "RCPT", verb == "DATA":
			say("550 nobody was to send anything")
			return
		default:
			say("250 fine")
		}
	}
}

// found reads "INCIDENT'S CHECK, DAYS AGO, ANSWER" of faults that were confirmed
// before.
func foundBefore(t *testing.T, text string) func(incident, check string) (string, time.Time, bool) {
	t.Helper()
	type fault struct {
		answer string
		last   time.Time
	}
	all := map[string]fault{}
	for line := range strings.Lines(text) {
		w := strings.SplitN(strings.TrimSpace(line), " ", 3)
		var days int
		if len(w) < 3 {
			t.Fatalf("found %q", line)
		}
		if _, err := fmt.Sscan(w[1], &days); err != nil {
			t.Fatal(err)
		}
		all[w[0]] = fault{w[2], Now.AddDate(0, 0, -days)}
	}
	return func(_, check string) (string, time.Time, bool) {
		f, ok := all[check]
		return f.answer, f.last, ok
	}
}

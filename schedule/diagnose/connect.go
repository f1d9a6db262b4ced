package diagnose

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// Dialer opens connections to receivers' servers, for those who allowed it.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

const connectTimeout = 15 * time.Second // one connection to a mail server
// offer is what a mail server offers.
type offer struct {
	Unreached bool
	Offered   bool
	Version   string
	Names     []string // of the certificate
	Until     time.Time
	Why       string // what is wrong, "" for nothing
	chain     []*x509.Certificate
}

func (o *offer) values() []string {
	out := []string{}
	if o.Version != "" {
		out = append(out, o.Version)
	}
	for _, n := range first(o.Names, 10) {
		out = append(out, "certificate for "+cut(n))
	}
	if !o.Until.IsZero() {
		out = append(out, "valid until "+stamp(o.Until))
	}
	return out
}

// fits tells whether a certificate of the chain is the one of a TLSA record.
func (o *offer) fits(t *dns.TLSA) bool {
	for i, cert := range o.chain {
		if t.Usage == 3 && i > 0 {
			break
		}
		if t.Verify(cert) == nil {
			return true
		}
	}
	return false
}

// dial connects to a host by the addresses that the resolver of choice gives.
func (c *Checker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, _, unknown := c.Client.Addresses(ctx, host)
	if len(ips) == 0 {
		if unknown == "" {
			unknown = "it has no address"
		}
		return nil, errors.New(unknown)
	}
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	var conn net.Conn
	for _, ip := range first(ips, 3) {
		if special(ip) && c.Dial == nil {
			err = errors.New("its address is one of a private network")
			continue
		}
		if conn, err = dial(ctx, network, net.JoinHostPort(ip.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// probe speaks to a mail server as far as TLS, and sends nothing. The
// certificate is looked at, not trusted: what is wrong with it is the answer.
func (c *Checker) probe(ctx context.Context, host string) (o offer) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", net.JoinHostPort(host, "25"))
	if err != nil {
		return offer{Unreached: true, Why: reach(err)}
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return offer{Unreached: true, Why: reach(err)}
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return offer{Unreached: true, Why: reach(err)}
	}
	defer client.Close()
	name := "localhost"
	if len(c.Own) > 0 {
		name = c.Own[0]
	}
	if err := client.Hello(name); err != nil {
		return offer{Unreached: true, Why: reach(err)}
	}
	if ok, _ := client.Extension("STARTTLS"); !ok {
		return offer{Why: "it offers no STARTTLS"}
	}
	o.Offered = true
	err = client.StartTLS(&tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}) // verified below, to say what is wrong
	if err != nil {
		o.Why = "the handshake fails: " + reach(err)
		return o
	}
	state, _ := client.TLSConnectionState()
	o.Version, o.chain = tls.VersionName(state.Version), state.PeerCertificates
	if len(o.chain) == 0 {
		o.Why = "it shows no certificate"
		return o
	}
	leaf := o.chain[0]
	o.Names, o.Until = leaf.DNSNames, leaf.NotAfter
	rest := x509.NewCertPool()
	for _, cert := range o.chain[1:] {
		rest.AddCert(cert)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: host, Intermediates: rest, Roots: c.Roots, CurrentTime: c.Now()})
	var names x509.HostnameError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &names):
		o.Why = "the certificate is for other names"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		o.Why = "the certificate ended on " + leaf.NotAfter.UTC().Format(time.DateOnly)
	case errors.As(err, &unknown):
		o.Why = "no public authority signed the certificate"
	case err != nil:
		o.Why = "the certificate is not valid"
	case state.Version < tls.VersionTLS12:
		o.Why = "it speaks nothing newer than " + o.Version
	}
	if err := client.Quit(); err != nil {
		return o // it has said what it has
	}
	return o
}

// reach is an error of a connection in a few words.
func reach(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closes the connection"
	}
	var op *net.OpError
	if errors.As(err, &op) { // its own text names ports of this machine
		return cut(op.Op + ": " + op.Err.Error())
	}
	return cut(err.Error())
}

type policyFile struct {
	mode string
	mx   []string
}

// fetchPolicy reads the policy file of a domain, as RFC 8461 §3.3 wants it: by
// HTTPS with a valid certificate, no redirects, in bounds.
//
// What keeps this network from asking is no problem of the domain's: unreached.
func (c *Checker) fetchPolicy(ctx context.Context, domain string) (p policyFile, problem string, unreached bool) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: c.dial}
	if c.Roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: c.Roots}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://mta-sts."+domain+"/.well-known/mta-sts.txt", nil)
	if err != nil {
		return p, "the name is no host name", false
	}
	resp, err := client.Do(req)
	if err != nil {
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return p, "the certificate of mta-sts." + domain + " is not valid", false
		}
		return p, "mta-sts." + domain + " can't be reached", true
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return p, fmt.Sprintf("the web server says %d", resp.StatusCode), resp.StatusCode >= 500
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 64<<10))
	version := ""
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "version":
			version = value
		case "mode":
			p.mode = value
		case "mx":
			p.mx = append(p.mx, value)
		}
	}
	if version != "STSv1" || p.mode != "enforce" && p.mode != "testing" && p.mode != "none" || p.mode != "none" && len(p.mx) == 0 {
		return p, "the file is no policy", false
	}
	return p, "", false
}

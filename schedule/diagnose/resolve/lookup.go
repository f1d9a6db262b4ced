package resolve

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Addresses are the A and AAAA records of a host. unknown says why they can't
// be told; "" when they can.
func (c *Client) Addresses(ctx context.Context, host string) (ips []netip.Addr, answers []Answer, unknown string) {
	for _, typ := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
		a := c.Ask(ctx, host, typ)
		answers = append(answers, a)
		if a.State == Unknown {
			unknown = a.Why
		}
		for _, rr := range a.RRs {
			var raw net.IP
			switch rr := rr.(type) {
			case *dns.A:
				raw = rr.A
			case *dns.AAAA:
				raw = rr.AAAA
			}
			if ip, ok := netip.AddrFromSlice(raw); ok {
				ips = append(ips, ip.Unmap())
			}
		}
		if a.State == NXDomain {
			break // it holds for every type (RFC 8020)
		}
	}
	if len(ips) > 0 {
		unknown = ""
	}
	return ips, answers, unknown
}

// Hosts are the names of PTR or MX records, without the final dot, MX by
// preference. A null MX (RFC 7505) is ".".
func (a *Answer) Hosts() []string {
	type host struct {
		name string
		pref uint16
	}
	var hosts []host
	for _, rr := range a.RRs {
		switch rr := rr.(type) {
		case *dns.PTR:
			hosts = append(hosts, host{rr.Ptr, 0})
		case *dns.MX:
			hosts = append(hosts, host{rr.Mx, rr.Preference})
		case *dns.NS:
			hosts = append(hosts, host{rr.Ns, 0})
		}
	}
	slices.SortStableFunc(hosts, func(x, y host) int { return int(x.pref) - int(y.pref) })
	var out []string
	for _, h := range hosts {
		name := strings.ToLower(h.name)
		if name != "." {
			name = strings.TrimSuffix(name, ".")
		}
		out = append(out, name)
	}
	return out
}

// Lookup is the client in the form of net.Resolver, for packages that want one.
// Replace answers TXT questions at one name with a record that is not
// published yet. It keeps what its user asked, and whether DNS failed: the
// caller's result means nothing then.
type Lookup struct {
	*Client
	At      string // name of Replace, lower case, with the final dot; "" for none
	Replace string
	Failed  string // why an answer could not be had
}

// LookupTXT is that of net.Resolver.
func (l *Lookup) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if fqdn, _ := Name(name); l.At != "" && strings.EqualFold(fqdn, l.At) {
		return []string{l.Replace}, nil
	}
	a := l.Ask(ctx, name, dns.TypeTXT)
	return a.Values, l.fault(&a)
}

// LookupMX is that of net.Resolver.
func (l *Lookup) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	a := l.Ask(ctx, name, dns.TypeMX)
	var out []*net.MX
	for _, rr := range a.RRs {
		if mx, ok := rr.(*dns.MX); ok {
			out = append(out, &net.MX{Host: mx.Mx, Pref: mx.Preference})
		}
	}
	return out, l.fault(&a)
}

// LookupIPAddr is that of net.Resolver.
func (l *Lookup) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	ips, answers, unknown := l.Addresses(ctx, fit(host))
	var out []net.IPAddr
	for _, ip := range ips {
		out = append(out, net.IPAddr{IP: ip.AsSlice()})
	}
	last := answers[len(answers)-1]
	if unknown != "" {
		last.State, last.Why = Unknown, unknown
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, l.fault(&last)
}

// fit drops labels on the left of a name that macros made longer than DNS allows
// (RFC 7208 §7.3).
//
// QUIRK: blitiri.com.ar/go/spf 1.6.0 asks for it as it is.
func fit(name string) string {
	for len(strings.TrimSuffix(name, ".")) > 253 {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			break
		}
		name = rest
	}
	return name
}

// LookupAddr is that of net.Resolver.
func (l *Lookup) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "no address", Name: addr, IsNotFound: true}
	}
	a := l.Ask(ctx, Reverse(ip), dns.TypePTR)
	var out []string
	for _, h := range a.Hosts() {
		out = append(out, h+".")
	}
	return out, l.fault(&a)
}

// fault is a bare *net.DNSError.
//
// QUIRK: blitiri.com.ar/go/spf 1.6.0 asserts the type of the error without
// unwrapping it, and takes whatever else it gets for a permanent error.
func (l *Lookup) fault(a *Answer) error {
	switch a.State {
	case Found:
		return nil
	case Unknown:
		if _, problem := Name(a.Name); problem != "" {
			return &net.DNSError{Err: problem, Name: a.Name, IsNotFound: true}
		}
		l.Failed = a.Why
		return &net.DNSError{Err: a.Why, Name: a.Name, IsTemporary: true}
	default:
		return &net.DNSError{Err: "no such record", Name: a.Name, IsNotFound: true}
	}
}

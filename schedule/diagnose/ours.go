package diagnose

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"harvester/parse/domain"
	"harvester/schedule/diagnose/resolve"
)

// below tells whether a name is a domain of ours or stands under one that is not exact.
func below(name, own string) bool { return domain.Below(canonical(name), []string{canonical(own)}) }

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// ours tells whether a domain is one of ours.
func (c *Checker) ours(domain string) bool {
	return domain != "" && slices.ContainsFunc(c.Own, func(own string) bool { return below(domain, own) })
}

// registered is the domain that somebody registered, by the public suffix list.
func registered(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(canonical(domain)); err == nil {
		return org
	}
	return canonical(domain)
}

// special tells of addresses that no receiver on the Internet can see, and
// nobody is asked about.
func special(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() || sharedSpace.Contains(ip)
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// unmap turns an address as mail systems write it into the one that is meant:
// IPv4 in IPv6, or behind NAT64.
func unmap(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if nat64.Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip.WithZone("")
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// whose is who sends from an address.
type whose struct {
	ours bool
	why  string   // that it is ours
	esp  *service // of a service that sends for others; nil: none is known
	seen []Measurement
}

// whoseIP finds out who sends from an address: the operator's list, our own
// server's report, its reverse name, our own hosts, and the names of services
// that send for others decide, in this order.
func (c *Checker) whoseIP(ctx context.Context, ip netip.Addr, direct bool) whose {
	var w whose
	if !ip.IsValid() {
		return w
	}
	for _, p := range c.IPs {
		if p.Contains(ip) {
			return whose{ours: true, why: "it is in [diagnose] ips"}
		}
	}
	if direct {
		return whose{ours: true, why: "our own server spoke to the receiver"}
	}
	ptr := c.Client.Ask(ctx, resolve.Reverse(ip), dns.TypePTR)
	w.seen = append(w.seen, measured(&ptr, ""))
	for _, host := range first(ptr.Hosts(), 3) {
		ips, _, _ := c.Client.Addresses(ctx, host)
		if !slices.Contains(ips, ip) {
			continue
		}
		if c.ours(host) {
			w.ours, w.why = true, host+" is its confirmed name"
			return w
		}
		if s := serviceByHost(host); s != nil {
			w.esp = s
			return w
		}
	}
	for _, own := range first(c.Own, 5) {
		mx := c.Client.Ask(ctx, own, dns.TypeMX)
		for _, host := range first(mx.Hosts(), 5) {
			if !c.ours(host) {
				continue
			}
			if ips, _, _ := c.Client.Addresses(ctx, host); slices.Contains(ips, ip) {
				w.ours, w.why = true, "it is the address of our mail host "+host
				return w
			}
		}
	}
	return w
}

// senders are the addresses that we send from: those of the configuration, and
// those that receivers saw.
func (c *Checker) senders(p *picture) (out []netip.Addr) {
	for _, n := range c.IPs {
		if n.IsSingleIP() {
			out = append(out, n.Addr())
		}
	}
	for _, ip := range p.ips {
		if ip = unmap(ip); !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	return out
}

func first[T any](s []T, n int) []T { return s[:min(len(s), n)] }

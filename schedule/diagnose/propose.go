package diagnose

import (
	"net/netip"
	"slices"
	"strings"
)

// Proposal is what a [diagnose] table should hold.
type Proposal struct {
	Domains, IPs, Selectors []string
}

// Sighting is an address that a reply named, and who reported it.
type Sighting struct{ IP, ReportingMTA string }

// Propose sorts out what of the mail that came back is ours: domains that it
// was sent as, addresses that our own servers were refused at, keys that signed
// it.
func Propose(domains []string, named []Sighting, selectors, own []string) Proposal {
	var p Proposal
	is := func(domain string) bool {
		return slices.ContainsFunc(own, func(o string) bool { return below(domain, o) })
	}
	add := func(list []string, s string) []string {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
		return list
	}
	for _, d := range append(slices.Clone(own), domains...) {
		if d = canonical(d); is(d) {
			p.Domains = add(p.Domains, d)
		}
	}
	for _, n := range named {
		var ev Evidence
		ev.Reports(n.ReportingMTA, own)
		if ip, err := netip.ParseAddr(n.IP); err == nil && !special(ip) && ev.Direct {
			p.IPs = add(p.IPs, unmap(ip).String())
		}
	}
	for _, s := range selectors {
		if _, d, ok := strings.Cut(canonical(s), "._domainkey."); ok && is(d) {
			p.Selectors = add(p.Selectors, canonical(s))
		}
	}
	slices.Sort(p.Domains)
	slices.Sort(p.IPs)
	slices.Sort(p.Selectors)
	return p
}

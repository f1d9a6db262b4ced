package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"harvester/parse/domain"
	"harvester/parse/nearest"
	"harvester/parse/toml"
	"harvester/schedule"
	"harvester/schedule/diagnose"
)

// Diagnose says how the causes that receivers claim are checked, and whether
// our own records are watched.
type Diagnose struct {
	Watch     bool          `toml:"watch"`
	Schedule  schedule.Spec `toml:"schedule"`
	Resolver  []Resolver    `toml:"resolver"` // none: those of the system
	Domains   []Domain      `toml:"domains"`  // of ours; none: own_domains
	IPs       []Range       `toml:"ips"`
	Selectors []string      `toml:"selectors"`
	Lists     []string      `toml:"lists"`
	// RecipientDomains lets the watch ask for recipients' domains that failed
	// as unknown.
	RecipientDomains bool `toml:"recipient_domains"`
}

// Resolver is a DNS server, as host:port.
type Resolver string

// UnmarshalText reads an address, with or without a port.
func (r *Resolver) UnmarshalText(b []byte) error {
	text := string(b)
	if ip, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		*r = Resolver(net.JoinHostPort(ip.String(), "53"))
		return nil
	}
	if _, err := netip.ParseAddrPort(text); err != nil {
		return fmt.Errorf("%q is no address of a resolver: write 127.0.0.1, or 127.0.0.1:53", text)
	}
	*r = Resolver(text)
	return nil
}

// Range is an address, or a network.
type Range struct{ netip.Prefix }

// UnmarshalText reads 192.0.2.25 or 192.0.2.0/24.
func (r *Range) UnmarshalText(b []byte) error {
	text := string(b)
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		r.Prefix = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return fmt.Errorf("%q is neither an address nor a network: write 192.0.2.25 or 192.0.2.0/24", text)
	}
	r.Prefix = p.Masked()
	return nil
}

// DiagnoseDomains are the domains of ours whose records are looked at.
func (c *Config) DiagnoseDomains() []string {
	if len(c.Diagnose.Domains) == 0 {
		return domain.Names(c.Own())
	}
	out := make([]string, len(c.Diagnose.Domains))
	for i, d := range c.Diagnose.Domains {
		out[i] = string(d)
	}
	return out
}

func (c *Config) checkDiagnose(d *toml.Document) {
	for i, name := range c.Diagnose.Lists {
		if !diagnose.KnownList(name) {
			hint := "known are " + strings.Join(diagnose.ListIDs(), ", ")
			if near := nearest.Name(name, diagnose.ListIDs()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.Fault(fmt.Sprintf("diagnose.lists[%d]", i), fmt.Sprintf("there is no blocklist %q", name), hint)
		}
	}
	for i, s := range c.Diagnose.Selectors {
		selector, domain, full := strings.Cut(s, "._domainkey.")
		if selector == "" || strings.ContainsAny(selector, " @/") || full && !strings.Contains(domain, ".") {
			d.Fault(fmt.Sprintf("diagnose.selectors[%d]", i), fmt.Sprintf("%q is no selector", s), `write "s1", or "s1._domainkey.example.org"`)
		}
	}
}

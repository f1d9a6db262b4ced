package config

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"harvester/parse/dkim"
	"harvester/parse/origin"
	"harvester/parse/toml"
	"harvester/store/facts"
	"harvester/store/policy"
)

// Servers are our own mail servers, and what they record is believed.
type Servers struct {
	Hosts       []Domain  `toml:"hosts"`
	Networks    []Network `toml:"networks"`
	AuthservIDs []string  `toml:"authserv_ids"`
	Relays      []Domain  `toml:"relays"`

	Limited Limited `toml:"limited"` // where it is not set, as Config.Limited says
}

// Limited says which notices that anybody can have written are limited.
type Limited struct {
	facts.Limited
	set bool
}

// UnmarshalText reads seen, all or none.
func (l *Limited) UnmarshalText(b []byte) error {
	l.set = true
	return l.Limited.UnmarshalText(b)
}

// Limited says which notices that anybody can have written are limited. Where
// somebody told which servers and keys are ours, honest notices prove more.
func (c *Config) Limited() facts.Limited {
	switch told := len(c.Servers.Hosts)+len(c.Servers.AuthservIDs)+len(c.DKIM.Keys) > 0 || c.DKIM.DNS; {
	case c.Servers.Limited.set:
		return c.Servers.Limited.Limited
	case told:
		return facts.LimitedAll
	}
	return facts.LimitedSeen
}

// DKIM says where the public keys of our signatures are.
type DKIM struct {
	DNS  bool              `toml:"dns"`
	Keys map[string]string `toml:"keys"` // SELECTOR._domainkey.DOMAIN → file
}

// Network is an address or a network in CIDR form.
type Network struct{ netip.Prefix }

// UnmarshalText reads 192.0.2.1 or 192.0.2.0/24.
func (n *Network) UnmarshalText(b []byte) error {
	if p, err := netip.ParsePrefix(string(b)); err == nil {
		n.Prefix = p.Masked()
		return nil
	}
	ip, err := netip.ParseAddr(string(b))
	if err != nil || ip.Zone() != "" {
		return fmt.Errorf("%q is neither an address nor a network: write 192.0.2.1 or 192.0.2.0/24", b)
	}
	n.Prefix = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
	return nil
}

// Trust is what of a notice's header is believed.
func (c *Config) Trust() *origin.Trust {
	t := &origin.Trust{OwnDomains: c.Own()}
	for _, h := range c.Servers.Hosts {
		t.Hosts = append(t.Hosts, string(h))
	}
	for _, n := range c.Servers.Networks {
		t.Networks = append(t.Networks, n.Prefix)
	}
	for _, id := range c.Servers.AuthservIDs {
		t.AuthservIDs = append(t.AuthservIDs, strings.ToLower(id))
	}
	for _, r := range c.Servers.Relays {
		t.Relays = append(t.Relays, string(r))
	}
	return t
}

// DKIMKey is a public key of the configuration.
type DKIMKey struct {
	Domain, Selector string
	Key              dkim.Key
}

// maxKeyFile bounds a public key file, in bytes.
const maxKeyFile = 64 << 10

// PublicKeys reads the public key files. Its error names the key and the file.
func (c *Config) PublicKeys() (out []DKIMKey, err error) {
	for _, name := range slices.Sorted(maps.Keys(c.DKIM.Keys)) {
		file := c.DKIM.Keys[name]
		info, err := os.Stat(file)
		if err == nil && (!info.Mode().IsRegular() || info.Size() > maxKeyFile) {
			err = fmt.Errorf("%s is no file with a public key", file)
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(file)
		}
		if err != nil {
			return nil, fmt.Errorf("dkim.keys: %s: %w", name, err)
		}
		key, err := dkim.ParseKey(string(text))
		if err != nil {
			return nil, fmt.Errorf("dkim.keys: %s: %s: %w", name, file, err)
		}
		selector, domain, _ := strings.Cut(strings.ToLower(name), "._domainkey.")
		out = append(out, DKIMKey{domain, selector, key})
	}
	return out, nil
}

// checkProof looks at the switch, the servers and the names of the keys, and
// lays the switch over the built-in policy.
func (c *Config) checkProof(d *toml.Document) {
	if !d.Failed("proof") {
		if c.Proof == policy.ProofNone {
			d.Fault("proof", "then anybody could put anybody on the list", `write "returned", "authentic", "ledger" or "signed"`)
		} else if c.Proof != policy.ProofReturned {
			c.Table = c.Table.Require("", c.Proof, fmt.Sprintf("%s:%d", c.File, d.Place("proof").Line))
		}
	}
	for i, id := range c.Servers.AuthservIDs {
		if id == "" || strings.ContainsAny(id, " \t;@") {
			d.Fault(fmt.Sprintf("servers.authserv_ids[%d]", i), fmt.Sprintf("%q is no authserv-id", id), `it is the first word of Authentication-Results, such as "mx.example.org"`)
		}
	}
	for i, n := range c.Servers.Networks {
		if n.IsValid() && (n.Bits() == 0 || n.Addr().Is4() && n.Bits() < 8) {
			d.Fault(fmt.Sprintf("servers.networks[%d]", i), fmt.Sprintf("%v is not ours alone", n.Prefix), "list the addresses of your own mail servers")
		}
	}
	own := c.Own()
	for _, name := range slices.Sorted(maps.Keys(c.DKIM.Keys)) {
		selector, domain, ok := strings.Cut(strings.ToLower(name), "._domainkey.")
		switch at := toml.Join("dkim.keys", name); {
		case !ok || selector == "":
			d.Fault(at, fmt.Sprintf("%q is no name of a key", name), `write "SELECTOR._domainkey.DOMAIN" = "FILE"`)
		case !policy.Own(policy.DomainKey(domain), own):
			d.Fault(at, domain+" is none of own_domains", "only signatures of your own domains prove that a mail is yours")
		case c.DKIM.Keys[name] == "":
			d.Fault(at, "empty", "name the file with the public key")
		}
	}
}

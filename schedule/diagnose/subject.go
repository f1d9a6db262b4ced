package diagnose

import (
	"context"
	"net/netip"
	"slices"
)

// Domain checks the records of a domain of ours: SPF, the keys of known
// selectors, DMARC, whether it takes mail.
func (c *Checker) Domain(ctx context.Context, domain string) []Finding {
	domain = canonical(domain)
	list := c.SPFDomain(ctx, domain)
	for _, name := range c.selectorsOf(domain) {
		list = append(list, c.key(ctx, nil, name, "")...)
	}
	p := c.walkDMARC(ctx, domain)
	subject := Subject{Domain: domain, Identity: "from"}
	var policies []Finding
	if p.unknown != nil {
		policies = []Finding{c.cannotTell(nil, "dmarc", "the DMARC record of "+domain, p.unknown)}
	} else if policies = c.dmarcStatic(ctx, nil, domain, &p); !slices.ContainsFunc(policies, func(f Finding) bool { return !f.Advice }) {
		r := p.record(domain)
		policies = append(policies, c.fine(nil, "dmarc.record", dmarcBroken, "_dmarc."+r.name+".", "TXT", "the DMARC record is sound (policy "+c.policyFor(ctx, domain, &p, r)+")"))
	}
	for i := range policies {
		policies[i].Subject, policies[i].Source = subject, rfc9989
	}
	list = append(list, withMeasured(policies, p.measured)...)
	ok, unknown, seen := c.mailable(ctx, domain)
	switch {
	case unknown != "":
		f := c.finding(nil, "sender.unknown", CannotTell, Nobody, "whether %s takes mail can't be told: %s", domain, unknown)
		f.Measured, f.Subject = seen, Subject{Domain: domain}
		list = append(list, f)
	case !ok:
		f := c.finding(nil, "sender.no_mail", Confirmed, UsDNS, "%s takes no mail: it has neither MX nor address", domain)
		f.Steps = append(f.Steps, "Publish an MX record for it: many receivers refuse senders that can't be answered.")
		f.Measured, f.Subject = seen, Subject{Domain: domain}
		list = append(list, f)
	}
	list = append(list, c.checklist(ctx, domain, list)...)
	Rank(list)
	return list
}

// IP checks an address: its name, and the lists that the configuration names.
func (c *Checker) IP(ctx context.Context, ip netip.Addr) []Finding {
	ip = unmap(ip)
	list := c.ptr(ctx, nil, ip)
	for _, name := range c.Lists {
		if l := listBy(name); l != nil && l.Of == "ip" {
			list = append(list, c.ask(ctx, nil, l, ip.String()))
		}
	}
	Rank(list)
	return list
}

// DomainList asks a list of domains, of those that the configuration names,
// about our own.
func (c *Checker) DomainList(ctx context.Context, name string) (list []Finding) {
	if l := listBy(name); l != nil && l.Of == "domain" {
		for _, d := range c.Own {
			list = append(list, c.ask(ctx, nil, l, canonical(d)))
		}
	}
	return list
}

// KnownList tells whether a list can be named in the configuration.
func KnownList(name string) bool { return listBy(name) != nil }

// ListIDs are the lists that can be named.
func ListIDs() (out []string) {
	for _, l := range blocklists() {
		if l.Ask != "never" && !l.Key {
			out = append(out, l.ID)
		}
	}
	return out
}

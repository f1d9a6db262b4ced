package diagnose

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"harvester/parse/bounce"
)

// route checks who the mail hosts of the recipient's domain are, and whether
// the host that refused is one of them.
func (c *Checker) route(ctx context.Context, ev *Evidence) []Finding {
	domain, remote := canonical(ev.Recipient), canonical(ev.Remote)
	mark := func(f Finding) []Finding {
		f.Subject, f.Source = Subject{Domain: domain, Identity: "recipient", Host: remote}, "RFC 5321 §5.1"
		return []Finding{f}
	}
	if domain != "" && ev.Claim.Reason == bounce.RoutingFailed && (remote == "" || c.ours(remote)) {
		return c.findsWay(ctx, ev, domain, mark)
	}
	if domain == "" || remote == "" {
		f := c.finding(ev, "route.unknown", CannotTell, Nobody, "the notice does not name both the recipient's domain and the host that refused")
		f.Steps = append(f.Steps, "Look at the log of the sending server: which host did it speak to?")
		return mark(f)
	}
	l := c.Life(ctx, domain)
	done := func(f Finding, steps ...string) []Finding {
		f.Steps = append(f.Steps, steps...)
		f.Measured = append(f.Measured, l.Answers...)
		return mark(f)
	}
	switch l.State {
	case "unknown":
		return done(c.finding(ev, "route.unknown", CannotTell, Nobody, "the mail hosts of %s can't be told: %s", domain, l.Why), "Try again later.")
	case "none", "null_mx", "no_mail", "dangling", "parked":
		return done(c.finding(ev, "route."+l.fault(), Confirmed, RecipientSide, "%s", l.Why),
			"Tell the recipient by another way; nothing on your side helps.")
	}
	hosts := l.Hosts
	if l.State == "web_only" {
		hosts = []string{domain}
	}
	if c.ours(remote) {
		return done(c.finding(ev, "route.own_relay", Confirmed, UsMail, "%s, a host of yours, refused to pass the mail on", remote),
			"Let it relay for the host that hands mail to it: sign-in, or its list of own networks.")
	}
	same, unknown := false, ""
	remoteIPs, answers, why := c.Client.Addresses(ctx, remote)
	if ip, err := netip.ParseAddr(strings.Trim(remote, "[]")); err == nil {
		remoteIPs, answers, why = []netip.Addr{ip}, nil, ""
	}
	l.Answers = append(l.Answers, measuredAll(answers)...)
	unknown = why
	if len(hosts) > maxHosts {
		unknown = "it has more mail hosts than are looked at"
	}
	for _, h := range first(hosts, maxHosts) {
		if h == remote {
			same = true
			break
		}
		ips, _, why := c.Client.Addresses(ctx, h)
		if why != "" {
			unknown = why
		}
		same = same || slices.ContainsFunc(ips, func(ip netip.Addr) bool { return slices.Contains(remoteIPs, ip) })
	}
	// Large receivers answer under other names than their MX records, which is
	// seen by the notices that they write. Our own server writes whom it called.
	kin := !ev.Direct && slices.ContainsFunc(hosts, func(h string) bool { return registered(h) == registered(remote) })
	switch {
	case kin && !same:
		return done(c.finding(ev, "route.mx_refuses", Confirmed, Receiver, "%s, which is of those who run the mail hosts of %s, refuses its mail", remote, domain),
			"Tell the postmaster of "+domain+": its MX names a server that does not know the domain.", "Your own route is right.")
	case same:
		return done(c.finding(ev, "route.mx_refuses", Confirmed, Receiver, "%s is a mail host of %s and refuses its mail", remote, domain),
			"Tell the postmaster of "+domain+": its MX names a server that does not know the domain.", "Your own route is right.")
	case unknown != "":
		return done(c.finding(ev, "route.unknown", CannotTell, Nobody, "whether %s is a mail host of %s can't be told: %s", remote, domain, unknown), "Try again later.")
	}
	return done(c.finding(ev, "route.not_mx", Confirmed, UsMail, "%s refused, but the mail hosts of %s are %s", remote, domain, strings.Join(first(hosts, 3), ", ")),
		"Look for a fixed route to that host (Postfix: transport_maps, relayhost), or an old answer in the DNS cache of the sending host.",
		"If the MX changed since the refusal, the next mail goes the new way.")
}

// findsWay is about our own server, which found no way to a domain.
func (c *Checker) findsWay(ctx context.Context, ev *Evidence, domain string, mark func(Finding) []Finding) []Finding {
	l := c.Life(ctx, domain)
	var f Finding
	switch l.State {
	case "unknown":
		f = c.finding(ev, "route.unknown", CannotTell, Receiver, "the mail hosts of %s can't be told: %s", domain, l.Why)
		f.Steps = append(f.Steps, "Wait: it is the domain's name servers that fail.")
	case "lives", "web_only":
		f = c.fine(ev, "route.resolves", func(e Earlier) bool { return e.State == "nxdomain" || e.State == "no_data" }, domain+".", LifeType, l.Why)
		if f.Verdict == Refuted {
			f.Owner = UsMail
		}
		f.Steps = append(f.Steps, "Look at the resolver of the host that sent, and at its fixed routes (Postfix: transport_maps).")
	default:
		f = c.finding(ev, "route."+l.fault(), Confirmed, RecipientSide, "%s", l.Why)
		f.Steps = append(f.Steps, "Tell the recipient by another way; nothing on your side helps.")
	}
	f.Measured = append(f.Measured, l.Answers...)
	return mark(f)
}

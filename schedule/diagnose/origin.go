package diagnose

import (
	"context"
	"net/netip"
	"slices"

	"harvester/parse/mime"
)

// maxOrigins bounds the addresses that are tried for one claim.
const maxOrigins = 5

// needsIP are the kinds of claims that are about the sending address.
var needsIP = []string{"spf", "dmarc", "auth", "ptr", "blocklist"}

// arrival reads where a notice of our own server came from: the Received fields
// of the notice itself, which name the server's address as the mailbox's host
// saw it. They are only tried: whether an address is ours, DNS says.
func (ev *Evidence) arrival(h mime.Header, own []string) {
	for _, r := range first(h.All("Received"), 20) {
		from := receivedFrom.FindStringSubmatch(r)
		if from == nil || !slices.ContainsFunc(own, func(o string) bool { return below(from[1], o) }) {
			continue
		}
		if ip, ok := inBrackets(from[0]); ok && len(ev.arrived) < maxOrigins && !slices.Contains(ev.arrived, ip) {
			ev.arrived = append(ev.arrived, ip)
		}
	}
}

// origin finds the address that a refused mail was sent from, where neither the
// reply nor a Received field of the receiver names it: our own server wrote the
// notice, so it is that server's. Of several it is the one that the notice came
// from; else all of them stay possible.
func (c *Checker) origin(ctx context.Context, ev *Evidence) {
	if ev.IP.IsValid() || !ev.Direct {
		return
	}
	var ips []netip.Addr
	if c.ours(ev.Reporter) {
		ips, _, _ = c.Client.Addresses(ctx, ev.Reporter)
		ips = slices.DeleteFunc(ips, special)
	}
	for _, ip := range ev.arrived {
		switch {
		case slices.Contains(ips, ip):
			ev.IP, ev.how = ip, "the notice came from there, and it is an address of "+ev.Reporter
			return
		case c.whoseIP(ctx, ip, false).ours:
			ev.IP, ev.how = ip, "the notice came from there"
			return
		}
	}
	if len(ips) == 1 {
		ev.IP, ev.how = ips[0], "it is the address of "+ev.Reporter
		return
	}
	ev.possible = first(ips, maxOrigins)
}

// derived says of the findings about an address that no reply names it, and how
// it is known.
func derived(ev *Evidence, list []Finding) {
	for i := range list {
		if f := &list[i]; ev.how != "" && f.Subject.IP == ev.IP.String() {
			f.Answer += "; the reply does not name the address: " + ev.how
		}
	}
}

// known are the addresses that the mail can have been sent from: those of the
// server that reported, and those of the configuration.
func (c *Checker) known(ev *Evidence) []netip.Addr {
	out := slices.Clone(ev.possible)
	for _, n := range c.IPs {
		if n.IsSingleIP() && !slices.Contains(out, n.Addr()) {
			out = append(out, n.Addr())
		}
	}
	return first(out, maxOrigins)
}

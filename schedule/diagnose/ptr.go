package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"harvester/schedule/diagnose/resolve"
)

const rfc1912 = "RFC 1912 §2.1"

// maxNames is how many reverse names of an address are looked at, as receivers do
// (RFC 7208 §4.6.4).
const maxNames = 10

// ptr checks the reverse name of the sending address, and that it leads back.
func (c *Checker) ptr(ctx context.Context, ev *Evidence, ip netip.Addr) []Finding {
	subject := Subject{IP: ip.String()}
	mark := func(list ...Finding) []Finding {
		for i := range list {
			list[i].Subject = subject
			if list[i].Source == "" {
				list[i].Source = rfc1912
			}
		}
		return list
	}
	if !ip.IsValid() {
		f := c.finding(ev, "ptr.no_ip", CannotTell, Nobody, "the reply names no sending address")
		f.Steps = append(f.Steps, "Run harvester diagnose on the address of your mail server.")
		return mark(f)
	}
	if special(ip) {
		f := c.finding(ev, "ptr.private_ip", Confirmed, Receiver, "the receiver checked %s, an address of its own network", ip)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster: it looks at its own relay.")
		return mark(f)
	}
	owner := Provider
	if ev != nil {
		who := c.whoseIP(ctx, ip, ev.Direct)
		if who.esp != nil {
			owner = Service
		}
	}
	ptr := c.Client.Ask(ctx, resolve.Reverse(ip), dns.TypePTR)
	if ptr.State == resolve.Unknown {
		if !strings.Contains(ptr.Why, "SERVFAIL") {
			return mark(c.cannotTell(ev, "ptr", "the reverse name of "+ip.String(), &ptr))
		}
		f := c.cannotTell(ev, "ptr", "the reverse name of "+ip.String(), &ptr)
		f.ID, f.Owner = "ptr.lame", owner
		f.Steps = []string{"If it goes on for an hour, the reverse zone is broken: ask the provider of " + ip.String() + " to look at its delegation."}
		return mark(f)
	}
	seen := []Measurement{measured(&ptr, "")}
	hosts := ptr.Hosts()
	want := c.properName(ev)
	ask := fmt.Sprintf("Ask the provider of %s to set its reverse name (PTR) to %s.", ip, want)
	if len(hosts) == 0 {
		f := c.finding(ev, "ptr.none", Confirmed, owner, "%s has no reverse name", ip)
		f.Steps = append(f.Steps, ask)
		c.forward(ctx, &f, want, ip)
		if ip.Is6() {
			f.Steps = append(f.Steps, "If IPv6 can't get one, send by IPv4 alone (Postfix: inet_protocols = ipv4).")
		}
		f.Measured, f.Recheck = seen, recheck(ptr)
		return mark(f)
	}
	slices.SortStableFunc(hosts, func(a, b string) int { return b2i(c.ours(b)) - b2i(c.ours(a)) })
	var confirmed []string
	unknown := ""
	for _, host := range first(hosts, maxNames) {
		if _, problem := resolve.Name(host); problem != "" {
			continue // such a name leads nowhere
		}
		ips, answers, why := c.Client.Addresses(ctx, host)
		seen = append(seen, measuredAll(answers)...)
		if slices.Contains(ips, ip) {
			confirmed = append(confirmed, host)
		} else if why != "" {
			unknown = host + ": " + why
		}
	}
	if len(confirmed) == 0 && unknown != "" {
		f := c.cannotTell(ev, "ptr", "whether the name leads back", &resolve.Answer{Why: unknown})
		f.Measured = seen
		return mark(f)
	}
	if len(confirmed) == 0 {
		f := c.finding(ev, "ptr.mismatch", Confirmed, owner, "the reverse name of %s is %s, which does not lead back to it", ip, hosts[0])
		if len(hosts) > maxNames {
			f.Answer = fmt.Sprintf("%s has %d reverse names; receivers look at %d at most, and none of those leads back to it", ip, len(hosts), maxNames)
		}
		if c.ours(hosts[0]) {
			f.Owner = UsDNS
			f.Steps = append(f.Steps, "Publish the address record below.")
			typ := "A"
			if ip.Is6() {
				typ = "AAAA"
			}
			a := c.Client.Ask(ctx, hosts[0], dns.StringToType[typ])
			f.Records = append(f.Records, change(hosts[0], typ, a.Values, ip.String()))
			if len(a.Values) > 0 {
				f.Records[0].Note = "keep the present ones that are right: a name may have several"
			}
		} else {
			f.Steps = append(f.Steps, ask)
			c.forward(ctx, &f, want, ip)
		}
		f.Measured, f.Recheck = seen, recheck(ptr)
		return mark(f)
	}
	var list []Finding
	if generic(confirmed[0], ip) {
		f := c.finding(ev, "ptr.generic", Confirmed, Provider, "the reverse name of %s is %s, which looks like a customer's line", ip, confirmed[0])
		f.Steps = append(f.Steps, ask)
		f.Advice = ev == nil || ev.Group != "ptr"
		list = append(list, f)
	} else {
		wrong := func(e Earlier) bool { return e.State == "no_data" || e.State == "nxdomain" }
		f := c.fine(ev, "ptr.confirmed", wrong, resolve.Reverse(ip), "PTR", fmt.Sprintf("%s is called %s, and the name leads back to it", ip, confirmed[0]))
		list = append(list, f)
	}
	if len(hosts) > 1 {
		f := c.finding(ev, "ptr.several", Confirmed, Provider, "%s has %d reverse names; one is enough, and some receivers look at one alone", ip, len(hosts))
		f.Advice = true
		f.Steps = append(f.Steps, "Ask the provider to leave "+confirmed[0]+" alone there.")
		list = append(list, f)
	}
	return mark(withMeasured(list, seen)...)
}

// properName is what the server should be called.
func (c *Checker) properName(ev *Evidence) string {
	if ev != nil && c.ours(ev.Helo) {
		return canonical(ev.Helo)
	}
	if len(c.Own) > 0 {
		return "mail." + c.Own[0]
	}
	return "the server's own name, such as mail.example.org"
}

// forward shows the address record that the name needs, where it has none.
func (c *Checker) forward(ctx context.Context, f *Finding, host string, ip netip.Addr) {
	if !c.ours(host) {
		return
	}
	ips, _, unknown := c.Client.Addresses(ctx, host)
	if slices.Contains(ips, ip) || unknown != "" {
		return
	}
	typ, before := "A", []string{}
	if ip.Is6() {
		typ = "AAAA"
	}
	for _, x := range ips {
		if x.Is6() == ip.Is6() {
			return // the name is another machine's; the operator has to choose
		}
	}
	f.Records = append(f.Records, change(host, typ, before, ip.String()))
	f.Steps = append(f.Steps, "Publish the address record below, so that the name leads back.")
}

var genericWords = regexp.MustCompile(`(^|[.-])(dyn|dynamic|dhcp|dsl|adsl|cable|cust|customer|client|pool|ppp|dial|dialup|dip|broadband|res|unassigned|vps)[0-9.-]`)

// generic tells of names that providers give by the dozen: with the address in
// them, or words for lines of customers.
func generic(host string, ip netip.Addr) bool {
	if genericWords.MatchString(host) {
		return true
	}
	for _, suffix := range [...]string{"compute.amazonaws.com", "bc.googleusercontent.com", "cloudapp.azure.com"} {
		if below(host, suffix) {
			return true
		}
	}
	if !ip.Is4() {
		return false
	}
	b := ip.As4()
	for _, order := range [...][4]int{{0, 1, 2, 3}, {3, 2, 1, 0}} {
		for _, sep := range [...]string{".", "-", "_"} {
			parts := make([]string, 4)
			padded := make([]string, 4)
			for i, at := range order {
				parts[i], padded[i] = fmt.Sprint(b[at]), fmt.Sprintf("%03d", b[at])
			}
			if strings.Contains(host, strings.Join(parts, sep)) || strings.Contains(host, strings.Join(padded, sep)) {
				return true
			}
		}
	}
	return strings.Contains(host, fmt.Sprintf("%02x%02x%02x%02x", b[0], b[1], b[2], b[3]))
}

// helo checks the name that our server gave in HELO.
func (c *Checker) helo(ctx context.Context, ev *Evidence) []Finding {
	if ev.Helo == "" {
		return nil
	}
	name := canonical(ev.Helo)
	mark := func(f Finding) []Finding {
		f.Subject, f.Source = Subject{Host: name, Identity: "helo"}, "RFC 5321 §4.1.1.1"
		return []Finding{f}
	}
	literal := strings.HasPrefix(name, "[")
	_, bare := netip.ParseAddr(name)
	switch {
	case literal:
		return nil
	case bare == nil, !strings.Contains(name, "."), below(name, "local"), below(name, "localdomain"), below(name, "lan"), below(name, "internal"):
		f := c.finding(ev, "helo.no_name", Confirmed, UsMail, "our server says HELO %s, which is no name on the Internet", name)
		f.Steps = append(f.Steps, fmt.Sprintf("Give it its own name (Postfix: myhostname = %s).", c.properName(&Evidence{})))
		return mark(f)
	}
	ips, answers, unknown := c.Client.Addresses(ctx, name)
	if len(ips) == 0 && unknown == "" {
		f := c.finding(ev, "helo.unresolvable", Confirmed, UsDNS, "our server says HELO %s, which has no address", name)
		f.Steps = append(f.Steps, "Publish its address, or change the name that the server gives.")
		if c.ours(name) && ev.IP.IsValid() && c.whoseIP(ctx, ev.IP, ev.Direct).ours {
			typ := "A"
			if ev.IP.Is6() {
				typ = "AAAA"
			}
			f.Records = append(f.Records, change(name, typ, nil, ev.IP.String()))
		}
		f.Measured = measuredAll(answers)
		return mark(f)
	}
	return nil
}

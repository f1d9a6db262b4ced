package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"harvester/schedule/diagnose/resolve"
)

// reservedNames stand for no domain on the Internet (RFC 2606, RFC 6761): nobody
// is asked about them.
var reservedNames = []string{"test", "invalid", "example", "localhost", "local", "internal", "onion", "arpa"}

// parked are mail hosts of domains that nobody uses.
var parked = []string{"sedoparking.com", "above.com", "h-email.net", "parkingcrew.net", "bodis.com", "nullmx.domainmanager.com", "park-mx.above.com"}

// LifeType is the type under which the history keeps whether a domain can take
// mail: state nxdomain when it can't. It is store.LifeType.
const LifeType = "LIFE"

// Life is what DNS says of a recipient's domain.
type Life struct {
	State   string // lives, none (it does not exist), null_mx, no_mail, dangling, parked, web_only, unknown
	Why     string // in words
	Answers []Measurement
	Hosts   []string // its mail hosts
}

// Life asks whether a domain can take mail (RFC 5321 §5.1, RFC 7505).
func (c *Checker) Life(ctx context.Context, domain string) Life {
	domain = canonical(domain)
	if tld := domain[strings.LastIndexByte(domain, '.')+1:]; slices.Contains(reservedNames, tld) && tld != "example" {
		return Life{State: "none", Why: "." + tld + " is reserved: no domain below it exists"}
	}
	mx := c.Client.Ask(ctx, domain, dns.TypeMX)
	l := Life{Answers: []Measurement{measured(&mx, "")}}
	set := func(state, format string, args ...any) Life {
		l.State, l.Why = state, fmt.Sprintf(format, args...)
		return l
	}
	switch mx.State {
	case resolve.Unknown:
		return set("unknown", "%s", mx.Why)
	case resolve.NXDomain:
		return set("none", "%s does not exist", domain)
	case resolve.NoData:
		ips, answers, unknown := c.Client.Addresses(ctx, domain)
		l.Answers = append(l.Answers, measuredAll(answers)...)
		switch {
		case len(ips) > 0:
			return set("web_only", "%s has no MX, only an address; mail may go there", domain)
		case unknown != "":
			return set("unknown", "%s", unknown)
		}
		return set("no_mail", "%s has neither MX nor address: nothing takes its mail", domain)
	}
	l.Hosts = mx.Hosts()
	if len(l.Hosts) == 1 && l.Hosts[0] == "." {
		return set("null_mx", "%s says by a null MX that it takes no mail (RFC 7505)", domain)
	}
	unknown, reach, private := "", false, false
	l.Hosts = slices.DeleteFunc(l.Hosts, func(h string) bool { return h == "." }) // beside others it says nothing
	for _, host := range first(l.Hosts, maxHosts) {
		if host == "localhost" {
			continue
		}
		ips, answers, why := c.Client.Addresses(ctx, host)
		l.Answers = append(l.Answers, measuredAll(answers)...)
		if why != "" {
			unknown = why
		}
		private = private || len(ips) > 0
		reach = reach || slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !special(ip) })
	}
	switch {
	case slices.ContainsFunc(l.Hosts, func(h string) bool {
		return slices.ContainsFunc(parked, func(p string) bool { return below(h, p) })
	}):
		return set("parked", "%s is parked: its mail host is %s", domain, l.Hosts[0])
	case reach:
		return set("lives", "%s has mail hosts: %s", domain, strings.Join(first(l.Hosts, 3), ", "))
	case unknown != "":
		return set("unknown", "%s", unknown)
	case len(l.Hosts) > maxHosts:
		return set("unknown", "%s has more mail hosts than are looked at, and the first %d have no address", domain, maxHosts)
	}
	if private {
		return set("dangling", "the mail hosts of %s (%s) have addresses of private networks alone", domain, strings.Join(first(l.Hosts, 3), ", "))
	}
	return set("dangling", "the mail hosts of %s (%s) have no address", domain, strings.Join(first(l.Hosts, 3), ", "))
}

// Dead tells whether no mail can reach the domain, as DNS has it now.
func (l *Life) Dead() bool { return slices.Contains([]string{"none", "null_mx", "no_mail"}, l.State) }

// fault is the state as the end of a finding's id.
func (l *Life) fault() string {
	if l.State == "none" {
		return "nxdomain"
	}
	return l.State
}

// maxHosts bounds the mail hosts of one domain that are looked at.
const maxHosts = 10

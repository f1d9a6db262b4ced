package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"harvester/parse/bounce"
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

// Dead tells whether no mail can reach the domain, as DNS has it now.
func (l *Life) Dead() bool { return slices.Contains([]string{"none", "null_mx", "no_mail"}, l.State) }

// maxHosts bounds the mail hosts of one domain that are looked at.
const maxHosts = 10

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

// recipient checks the claim that a recipient's domain does not exist. It is
// believed only when it was seen dead on two days; DNS that fails is no death.
func (c *Checker) recipient(ctx context.Context, ev *Evidence) []Finding {
	domain := canonical(ev.Recipient)
	subject := Subject{Domain: domain, Identity: "recipient"}
	mark := func(f Finding) []Finding {
		f.Subject, f.Source = subject, "RFC 5321 §5.1"
		return []Finding{f}
	}
	if domain == "" {
		f := c.finding(ev, "domain.unknown", CannotTell, Nobody, "the notice names no recipient's domain")
		return mark(f)
	}
	l := c.Life(ctx, domain)
	if l.State == "lives" || l.State == "web_only" {
		if why := c.lies(ctx); why != "" {
			l.State, l.Why = "unknown", why
		}
	}
	typo := ""
	if l.State != "lives" {
		typo = Typo(domain)
	}
	var f Finding
	switch l.State {
	case "unknown":
		f = c.finding(ev, "domain.unknown", CannotTell, Receiver, "whether %s exists can't be told: %s", domain, l.Why)
		f.Steps = append(f.Steps, "Wait: servers that fail are no proof of a dead domain. Nobody is suppressed for it.")
	case "lives":
		f = c.fine(ev, "domain.lives", func(e Earlier) bool { return e.State == "nxdomain" || e.State == "no_data" }, domain+".", LifeType, l.Why)
		if f.Claim != nil {
			f.Owner = UsMail
			f.Steps = append(f.Steps, "Look at the resolver of the host that sent: it may know less than this one.")
		}
	case "web_only":
		f = c.finding(ev, "domain.no_mx", Refuted, Receiver, "%s", l.Why)
		f.Steps = append(f.Steps, "The domain exists. If mail stays in the queue, its owner has to publish an MX record.")
	case "dangling", "parked":
		f = c.finding(ev, "domain."+l.State, Confirmed, RecipientSide, "%s", l.Why)
		f.Steps = append(f.Steps, "Wait three days: such faults are often mended. Nothing on your side helps.")
	default:
		id := map[string]string{"none": "nxdomain", "null_mx": "null_mx", "no_mail": "no_mail"}[l.State]
		f = c.finding(ev, "domain."+id, Confirmed, RecipientSide, "%s", l.Why)
		f.Steps = append(f.Steps, c.deadFor(domain, &f))
	}
	if typo != "" {
		f.ID = "domain.typo"
		f.Owner = UsMail
		f.Answer += "; probably " + typo + " was meant"
		f.Steps = append([]string{"Ask the person for the right address, or correct it where it was typed. Nothing is rewritten here."}, f.Steps...)
	}
	f.Measured = l.Answers
	f.Recheck = int((24 * time.Hour) / time.Second)
	return mark(f)
}

// deadFor says on how many days a domain was seen dead before.
func (c *Checker) deadFor(domain string, f *Finding) string {
	if c.History != nil {
		for _, e := range c.History(domain+".", LifeType) {
			if (e.State == "nxdomain" || e.State == "no_data") && c.Now().Sub(e.First) >= 24*time.Hour {
				f.Answer += fmt.Sprintf("; dead since %s", stamp(e.First))
				return "Take its addresses off your lists."
			}
		}
	}
	return "Seen dead on one day only: look again tomorrow before you take its addresses off."
}

// great are the providers whose names are mistyped most.
var great = []string{"gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "hotmail.com", "hotmail.co.uk", "hotmail.fr", "outlook.com",
	"live.com", "msn.com", "icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.at", "web.de", "t-online.de", "freenet.de", "mail.ru", "yandex.ru", "orange.fr",
	"wanadoo.fr", "laposte.net", "free.fr", "sfr.fr", "libero.it", "virgilio.it", "comcast.net", "verizon.net", "att.net", "btinternet.com", "protonmail.com", "proton.me", "qq.com", "163.com", "naver.com"}

// Typo is the great provider that a domain is one slip away from, "" for none:
// a letter too many, too few, another or swapped, a missing dot, a wrong end.
func Typo(domain string) string {
	domain = canonical(domain)
	if slices.Contains(great, domain) {
		return ""
	}
	for _, g := range great {
		name, end, _ := strings.Cut(g, ".")
		if domain == name+end || oneSlip(domain, g) && len(name) > 3 {
			return g
		}
		if rest, ok := strings.CutPrefix(domain, name+"."); ok && end == "com" && slices.Contains([]string{"con", "cmo", "co", "cm", "comm", "om", "vom", "xom", "coom", "ocm"}, rest) {
			return g
		}
	}
	return ""
}

// oneSlip tells whether two words differ by one letter, or by two that are
// swapped.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
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
		f = c.finding(ev, "route."+map[string]string{"none": "nxdomain", "null_mx": "null_mx", "no_mail": "no_mail", "dangling": "dangling", "parked": "parked"}[l.State], Confirmed, RecipientSide, "%s", l.Why)
		f.Steps = append(f.Steps, "Tell the recipient by another way; nothing on your side helps.")
	}
	f.Measured = append(f.Measured, l.Answers...)
	return mark(f)
}

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
		return done(c.finding(ev, "route."+map[string]string{"none": "nxdomain", "null_mx": "null_mx", "no_mail": "no_mail", "dangling": "dangling", "parked": "parked"}[l.State], Confirmed, RecipientSide, "%s", l.Why),
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

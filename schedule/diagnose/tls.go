package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"harvester/schedule/diagnose/resolve"
)

// What a reply about TLS complains of decides who has to act: our own server
// writes most of them, when its policy asks for more than the receiver gives.
var tlsClaims = []struct {
	id    string
	words []string
}{
	{"dane", []string{"tlsa", "dane"}},
	{"sts", []string{"mta-sts", "sts-policy", "sts-webpki", "5.4.8", "does not match policy", "not match the mta"}},
	{"not_offered", []string{"not offered by host", "not offered", "does not support starttls", "starttls is not supported", "no starttls", "tls is not available", "not advertise"}},
	{"they_require", []string{"must issue a starttls", "starttls is required", "requires tls", "require tls", "tls is required", "tls required", "session encryption is required", "encryption required", "encryption needed", "must use tls", "4.7.29", "5.7.29"}},
	{"certificate", []string{"certificate", "not trusted", "untrusted", "verify failed", "name mismatch", "self-signed", "self signed", "expired"}},
	{"handshake", []string{"handshake", "no shared cipher", "protocol version", "unsupported protocol", "ssl_connect", "ssl routines", "tls alert", "cannot start tls", "can't start tls"}},
}

func tlsClaim(sentence string) string {
	sentence = strings.ToLower(sentence)
	for _, c := range tlsClaims {
		if slices.ContainsFunc(c.words, func(w string) bool { return strings.Contains(sentence, w) }) {
			return c.id
		}
	}
	return ""
}

// tls checks claims about encryption.
func (c *Checker) tls(ctx context.Context, ev *Evidence) []Finding {
	domain, host := canonical(ev.Recipient), canonical(ev.Remote)
	subject := Subject{Domain: domain, Host: host, Identity: "recipient"}
	mark := func(list ...Finding) []Finding {
		for i := range list {
			list[i].Subject = subject
			if list[i].Source == "" {
				list[i].Source = "RFC 3207"
			}
		}
		return list
	}
	switch kind := tlsClaim(ev.Claim.Sentence); kind {
	case "they_require":
		f := c.finding(ev, "tls.they_require", Confirmed, UsMail, "the receiver wants TLS, and our server did not use it")
		f.Steps = append(f.Steps, "Switch opportunistic TLS on for outgoing mail (Postfix: smtp_tls_security_level = may).",
			"If it is on, look for a device that strips STARTTLS between your server and the Internet.")
		if ev.Recipient == "" && ev.Remote == "" {
			f.Verdict, f.Answer = CannotTell, "the receiver wants TLS; which host did is not named"
		}
		return mark(f)
	case "not_offered", "certificate", "handshake":
		return mark(append(c.offers(ctx, ev, kind), c.whyStrict(ctx, ev)...)...)
	case "sts":
		return mark(c.sts(ctx, ev)...)
	case "dane":
		return mark(c.dane(ctx, ev)...)
	}
	f := c.finding(ev, "tls.unknown", CannotTell, Nobody, "the reply does not say what was wrong with TLS")
	f.Steps = append(f.Steps, "Look at the log of the sending server for the words of the TLS library.")
	return mark(f)
}

// offers is about a receiver's server that has no TLS, or none that our policy
// takes: the sender must not be told to switch TLS on.
func (c *Checker) offers(ctx context.Context, ev *Evidence, kind string) []Finding {
	host := canonical(ev.Remote)
	ask := map[string]string{"not_offered": "STARTTLS", "certificate": "a certificate that our server trusts", "handshake": "a version of TLS that our server speaks"}[kind]
	relax := fmt.Sprintf("For this receiver alone, lower the policy of the sending server (Postfix: %s may in smtp_tls_policy_maps), if the mail may travel in the clear.", nameOr(ev.Recipient, "DOMAIN"))
	if !c.Connect || host == "" {
		if kind == "not_offered" && ev.Direct {
			f := c.finding(ev, "tls.not_offered", Confirmed, Receiver, "%s offered no STARTTLS, as our own server saw, whose policy asks for it", nameOr(host, "the receiver"))
			f.Steps = append(f.Steps, "Tell the receiver's postmaster.", relax, "Switching TLS on at your side does not help: it is on.")
			return []Finding{f}
		}
		f := c.finding(ev, "tls.policy", CannotTell, Receiver, "our server asks for TLS that %s did not give: %s was missing when the mail was sent", nameOr(host, "the receiver"), ask)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster.", relax, "harvester diagnose --connect looks at the server as it is now.")
		return []Finding{f}
	}
	o := c.probe(ctx, host)
	seen := Measurement{What: "STARTTLS of " + host, State: "found", Values: o.values(), At: c.Now().UTC(), Note: o.Why}
	var f Finding
	switch {
	case o.Unreached:
		seen.State = "unknown"
		f = c.finding(ev, "tls.unreached", CannotTell, Nobody, "%s can't be reached from here: %s", host, o.Why)
		f.Steps = append(f.Steps, "Many networks close port 25; try from the sending host.")
	case !o.Offered:
		f = c.finding(ev, "tls.not_offered", Confirmed, Receiver, "%s offers no STARTTLS", host)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster.", relax)
	case o.Why != "":
		f = c.finding(ev, "tls."+kind, Confirmed, Receiver, "the TLS of %s does not hold: %s", host, o.Why)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster.", relax)
	default:
		f = c.fine(ev, "tls.works", nil, "", "", fmt.Sprintf("%s offers TLS with a valid certificate now (%s)", host, o.Version))
		f.Steps = append(f.Steps, "If it goes on, bring the authorities that the sending host trusts up to date (ca-certificates).")
	}
	f.Measured = append(f.Measured, seen)
	return []Finding{f}
}

func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return canonical(name)
}

// whyStrict says whether the receiver itself asks for strict TLS, by MTA-STS
// or DANE.
func (c *Checker) whyStrict(ctx context.Context, ev *Evidence) []Finding {
	if ev.Recipient == "" {
		return nil
	}
	txt := c.Client.Ask(ctx, "_mta-sts."+canonical(ev.Recipient), dns.TypeTXT)
	if !slices.ContainsFunc(txt.Values, isSTS) {
		return nil
	}
	f := c.finding(ev, "tls.sts_published", Confirmed, Receiver, "%s publishes an MTA-STS policy: its own servers have to keep it", canonical(ev.Recipient))
	f.Advice, f.Source = true, "RFC 8461"
	f.Measured = append(f.Measured, measured(&txt, ""))
	f.Steps = append(f.Steps, "Say so to the receiver's postmaster.")
	return []Finding{f}
}

func isSTS(v string) bool {
	t, order, _ := tags(v)
	return len(order) > 0 && order[0] == "v" && t["v"] == "STSv1"
}

// sts checks the receiver's MTA-STS policy against its MX records.
func (c *Checker) sts(ctx context.Context, ev *Evidence) (list []Finding) {
	domain := canonical(ev.Recipient)
	defer func() {
		for i := range list {
			list[i].Source = "RFC 8461"
		}
	}()
	if domain == "" {
		return []Finding{c.finding(ev, "tls.unknown", CannotTell, Nobody, "the notice names no recipient's domain")}
	}
	txt := c.Client.Ask(ctx, "_mta-sts."+domain, dns.TypeTXT)
	if txt.State == resolve.Unknown {
		return []Finding{c.cannotTell(ev, "tls", "the MTA-STS record of "+domain, &txt)}
	}
	var ids []string
	for _, v := range txt.Values {
		if isSTS(v) {
			ids = append(ids, v)
		}
	}
	mx := c.Client.Ask(ctx, domain, dns.TypeMX)
	seen := []Measurement{measured(&txt, ""), measured(&mx, "")}
	flush := "Then empty the policy cache of the sending server: it may hold the old one for weeks."
	one := func(f Finding, steps ...string) []Finding {
		f.Steps = append(f.Steps, steps...)
		f.Measured = append(f.Measured, seen...)
		return []Finding{f}
	}
	switch {
	case len(ids) == 0:
		return one(c.finding(ev, "tls.sts_gone", Confirmed, UsMail, "%s publishes no MTA-STS policy any more: our server holds an old one", domain), "Empty the policy cache of the sending server (postfix-mta-sts-resolver and others keep one).")
	case len(ids) > 1:
		return one(c.finding(ev, "tls.sts_multiple", Confirmed, Receiver, "%s has %d MTA-STS records, so that none counts", domain, len(ids)), "Tell the receiver's postmaster.")
	case !c.Connect:
		return one(c.finding(ev, "tls.sts_unread", CannotTell, Receiver, "%s has an MTA-STS policy, which stands on its web server", domain), "harvester diagnose --connect fetches it and compares it with the MX records.")
	}
	policy, problem, unreached := c.fetchPolicy(ctx, domain)
	if unreached {
		return one(c.finding(ev, "tls.sts_unreached", CannotTell, Receiver, "the MTA-STS policy of %s can't be read from here: %s", domain, problem), "Try again later, or from the sending host.")
	}
	if problem != "" {
		return one(c.finding(ev, "tls.sts_policy", Confirmed, Receiver, "the MTA-STS policy of %s can't be had: %s", domain, problem), "Tell the receiver's postmaster.")
	}
	seen = append(seen, Measurement{What: "policy of https://mta-sts." + domain, State: "found", Values: []string{fmt.Sprintf("mode %s, mx %s", policy.mode, strings.Join(policy.mx, " "))}, At: c.Now().UTC()})
	if mx.State == resolve.Unknown {
		return []Finding{c.cannotTell(ev, "tls", "the MX records of "+domain, &mx)}
	}
	var outside []string
	for _, h := range mx.Hosts() {
		if !slices.ContainsFunc(policy.mx, func(p string) bool { return fitsPolicy(h, p) }) {
			outside = append(outside, h)
		}
	}
	if len(outside) > 0 && policy.mode == "enforce" {
		return one(c.finding(ev, "tls.sts_mx", Confirmed, Receiver, "the MTA-STS policy of %s leaves out its mail host %s", domain, strings.Join(outside, ", ")), "Tell the receiver's postmaster: the policy must name every MX, under a new id.", flush)
	}
	if len(outside) > 0 {
		return one(c.fine(ev, "tls.sts_testing", nil, "", "", fmt.Sprintf("the MTA-STS policy of %s leaves out %s, and only asks for reports (mode %s): no mail may be refused for it", domain, strings.Join(outside, ", "), policy.mode)), flush)
	}
	return one(c.fine(ev, "tls.sts", nil, "", "", fmt.Sprintf("the MTA-STS policy of %s (%s) covers its mail hosts now", domain, policy.mode)), flush)
}

// fitsPolicy matches a host with a pattern of a policy: *. stands for one
// label.
func fitsPolicy(host, pattern string) bool {
	host, pattern = canonical(host), canonical(pattern)
	if rest, ok := strings.CutPrefix(pattern, "*."); ok {
		_, parent, _ := strings.Cut(host, ".")
		return parent == rest
	}
	return host == pattern
}

// dane checks the TLSA records of the mail hosts.
func (c *Checker) dane(ctx context.Context, ev *Evidence) (list []Finding) {
	defer func() {
		for i := range list {
			list[i].Source = "RFC 7672"
		}
	}()
	host := canonical(ev.Remote)
	if host == "" && ev.Recipient != "" {
		mx := c.Client.Ask(ctx, canonical(ev.Recipient), dns.TypeMX)
		if hosts := mx.Hosts(); len(hosts) > 0 {
			host = hosts[0]
		}
	}
	if host == "" {
		return []Finding{c.finding(ev, "tls.unknown", CannotTell, Nobody, "the notice names no mail host of the receiver")}
	}
	a := c.Client.Ask(ctx, "_25._tcp."+host, dns.TypeTLSA)
	addr := c.Client.Ask(ctx, host, dns.TypeA)
	seen := []Measurement{measured(&a, fmt.Sprintf("vouched for by DNSSEC: %t", a.AD)), measured(&addr, "")}
	one := func(f Finding, steps ...string) []Finding {
		f.Steps = append(f.Steps, steps...)
		f.Measured = append(f.Measured, seen...)
		return []Finding{f}
	}
	switch {
	case a.State == resolve.Unknown && addr.State != resolve.Unknown:
		return one(c.finding(ev, "tls.dane_dnssec", Confirmed, Receiver, "the TLSA records of %s can't be asked for (%s), though the host itself resolves: by rule the mail has to wait", host, a.Why),
			"Tell the postmaster of "+nameOr(ev.Recipient, host)+": its name servers or DNSSEC signatures are broken.")
	case a.State == resolve.Unknown:
		return []Finding{c.cannotTell(ev, "tls", "the TLSA records of "+host, &a)}
	case a.None():
		return one(c.fine(ev, "tls.dane_none", nil, "", "", host+" has no TLSA records now"), "If the sending server still asks for them, its resolver holds an old answer.")
	case !a.AD:
		return one(c.finding(ev, "tls.dane_unsigned", CannotTell, Nobody, "the resolver does not vouch for the TLSA records of %s: it does not validate, or they are not signed", host),
			"Name a validating resolver in [diagnose] resolver, such as unbound on this machine.")
	}
	usable := 0
	for _, rr := range a.RRs {
		if t, ok := rr.(*dns.TLSA); ok && (t.Usage == 2 || t.Usage == 3) && t.Selector <= 1 && t.MatchingType <= 2 {
			usable++
		}
	}
	if usable == 0 {
		return one(c.finding(ev, "tls.dane_unusable", Confirmed, Receiver, "none of the TLSA records of %s is of a kind that counts for mail (usage 2 or 3)", host), "Tell the receiver's postmaster.")
	}
	f := c.finding(ev, "tls.dane", CannotTell, Receiver, "the TLSA records of %s are sound; whether its certificate fits them shows only a connection", host)
	if c.Connect {
		o := c.probe(ctx, host)
		fits := slices.ContainsFunc(a.RRs, func(rr dns.RR) bool { t, ok := rr.(*dns.TLSA); return ok && o.fits(t) })
		seen = append(seen, Measurement{What: "STARTTLS of " + host, State: "found", Values: o.values(), At: c.Now().UTC(), Note: o.Why})
		switch {
		case o.Unreached:
			f.Answer = host + " can't be reached from here: " + o.Why
		case fits:
			f = c.fine(ev, "tls.dane_fits", nil, "", "", "the certificate of "+host+" fits its TLSA records now")
		default:
			f = c.finding(ev, "tls.dane_mismatch", Confirmed, Receiver, "the certificate of %s fits none of its TLSA records: it was renewed without them", host)
		}
	}
	return one(f, "Tell the receiver's postmaster if it goes on.")
}

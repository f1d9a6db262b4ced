package diagnose

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"harvester/schedule/diagnose/resolve"
)

// mailable tells whether a domain takes mail or has an address: what receivers
// demand of a sender's domain.
func (c *Checker) mailable(ctx context.Context, domain string) (ok bool, unknown string, seen []Measurement) {
	mx := c.Client.Ask(ctx, domain, dns.TypeMX)
	seen = append(seen, measured(&mx, ""))
	if mx.State == resolve.Found {
		return slices.ContainsFunc(mx.Hosts(), func(h string) bool { return h != "." }), "", seen
	}
	if mx.State != resolve.NoData {
		return false, mx.Why, seen
	}
	ips, answers, unknown := c.Client.Addresses(ctx, domain)
	return len(ips) > 0, unknown, append(seen, measuredAll(answers)...)
}

// policy is about a receiver's rule that names no cause: the sender's domain
// must exist, and its records be sound.
func (c *Checker) policy(ctx context.Context, ev *Evidence) []Finding {
	for _, domain := range slices.Compact([]string{canonical(ev.MailFrom), canonical(ev.From)}) {
		if !c.ours(domain) {
			continue
		}
		ok, unknown, seen := c.mailable(ctx, domain)
		switch {
		case unknown != "":
			f := c.finding(ev, "sender.unknown", CannotTell, Nobody, "whether %s takes mail can't be told: %s", domain, unknown)
			f.Measured = seen
			return []Finding{f}
		case !ok:
			f := c.finding(ev, "sender.no_mail", Confirmed, UsDNS, "%s, from which we send, takes no mail: it has neither MX nor address", domain)
			f.Subject, f.Measured, f.Source = Subject{Domain: domain, Identity: "mail_from"}, seen, "RFC 5321 §5.1"
			f.Steps = append(f.Steps, "Publish an MX record for it: receivers refuse senders that can't be answered.")
			return []Finding{f}
		}
	}
	return c.beyond(ev)
}

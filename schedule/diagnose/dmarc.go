package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// dmarc checks the policy of the From domain, and whether the returned mail is
// aligned with it.
func (c *Checker) dmarc(ctx context.Context, ev *Evidence) []Finding {
	from := canonical(ev.From)
	if from == "" {
		from = canonical(ev.MailFrom)
	}
	subject := Subject{Domain: from, Identity: "from"}
	mark := func(list ...Finding) []Finding {
		for i := range list {
			list[i].Subject, list[i].Source = subject, rfc9989
		}
		return list
	}
	switch {
	case from == "":
		f := c.finding(ev, "dmarc.no_from", CannotTell, Nobody, "neither the reply nor the returned mail names the From domain")
		f.Steps = append(f.Steps, "Run harvester diagnose on the notice itself, or on a domain of yours.")
		return mark(f)
	case !c.ours(from):
		f := c.finding(ev, "dmarc.stranger", CannotTell, Nobody, "From is %s, which is no domain of yours: its policy is not yours to mend", from)
		f.Steps = append(f.Steps, "Send mail under a domain of your own.")
		return mark(f)
	}
	p := c.walkDMARC(ctx, from)
	if p.unknown != nil {
		return mark(c.cannotTell(ev, "dmarc", "the DMARC record of "+from, p.unknown))
	}
	list := c.dmarcStatic(ctx, ev, from, &p)
	record := p.record(from)
	if record == nil || slices.ContainsFunc(list, func(f Finding) bool { return f.Verdict == Confirmed && !f.Advice }) {
		return mark(withMeasured(list, p.measured)...)
	}
	return mark(withMeasured(append(c.aligned(ctx, ev, from, &p, record), list...), p.measured)...)
}

// aligned checks the legs of the returned mail: SPF's by the envelope, DKIM's
// by each signature.
func (c *Checker) aligned(ctx context.Context, ev *Evidence, from string, p *policyTree, r *dmarcRecord) []Finding {
	fits := func(domain string, strict bool) bool {
		if strict {
			return canonical(domain) == from
		}
		return c.ours(domain) && (below(domain, p.org) && below(from, p.org) || registered(domain) == registered(from))
	}
	strictD, strictS := strings.EqualFold(r.tags["adkim"], "s"), strings.EqualFold(r.tags["aspf"], "s")
	var domains []string
	for _, s := range ev.Signatures {
		if _, d, ok := strings.Cut(canonical(s), "._domainkey."); ok {
			domains = append(domains, d)
		}
	}
	envelope := canonical(ev.MailFrom)
	if ev.Null {
		envelope = canonical(ev.Helo)
	}
	dkim := slices.ContainsFunc(domains, func(d string) bool { return fits(d, strictD) })
	spf := envelope != "" && fits(envelope, strictS)
	seen := []Measurement{c.looked("From domain", from, ""), c.looked("envelope domain", envelope, ""), c.looked("signing domains", strings.Join(domains, ", "), "")}
	policy := c.policyFor(ctx, from, p, r)
	switch {
	case !dkim && !spf && (envelope != "" || len(domains) > 0):
		by := envelope
		if len(domains) > 0 {
			by = domains[0]
		}
		relaxed := false
		for _, d := range append(slices.Clone(domains), envelope) {
			relaxed = relaxed || d != "" && registered(d) == registered(from)
		}
		if relaxed {
			f := c.finding(ev, "dmarc.strict", Confirmed, UsDNS, "the mail is authenticated as %s, From is %s, and the record asks for the very same name (adkim=%s, aspf=%s)", by, from, orR(r.tags["adkim"]), orR(r.tags["aspf"]))
			f.Steps = append(f.Steps, "Relax the alignment with the record below, or sign with d="+from+".")
			f.Records = append(f.Records, change("_dmarc."+r.name, "TXT", []string{r.text}, relax(r.text)))
			f.Measured = seen
			return []Finding{f}
		}
		f := c.finding(ev, "dmarc.not_aligned", Confirmed, Service, "the mail is authenticated as %s, From is %s (policy %s)", by, from, policy)
		if serviceByDomain(by) == nil {
			f.Owner = UsMail
		}
		f.Steps = append(c.signSteps(by, from), "Second best: a return path of your own below "+registered(from)+".")
		f.Measured = seen
		return []Finding{f}
	case !dkim && !spf:
		f := c.finding(ev, "dmarc.no_copy", CannotTell, Nobody, "the record is sound (policy %s); the notice does not show how the mail was authenticated", policy)
		f.Steps = append(f.Steps, "Run harvester diagnose on a notice that returns the mail.")
		f.Measured = seen
		return []Finding{f}
	}
	// A leg is there. Does it stand?
	var legs, standing []Finding
	stands := false
	unknown := false
	if dkim {
		sub := *ev
		for _, s := range ev.Signatures {
			if _, d, _ := strings.Cut(canonical(s), "._domainkey."); fits(d, strictD) {
				for _, f := range c.key(ctx, &sub, s, "") {
					if f.ID == "dkim.key" {
						stands, standing = true, append(standing, f)
					}
					unknown = unknown || f.Verdict == CannotTell
					if f.ID != "dkim.key" {
						legs = append(legs, f)
					}
				}
			}
		}
	}
	if spf && ev.IP.IsValid() {
		for _, f := range c.spf(ctx, ev) {
			if f.ID == "spf.pass" {
				stands, standing = true, append(standing, f)
			}
			unknown = unknown || f.Verdict == CannotTell
			if f.Verdict == Confirmed {
				legs = append(legs, f)
			}
		}
	}
	why := "the mail is aligned"
	if stands {
		f := c.fine(ev, "dmarc.pass", dmarcBroken, "_dmarc."+r.name+".", "TXT", fmt.Sprintf("%s, and a leg of it stands now (policy %s)", why, policy))
		if ev.IP.IsValid() && !c.whoseIP(ctx, ev.IP, ev.Direct).ours && len(legs) > 0 {
			f.Answer += "; the sending address is not known to be yours: most likely a forwarder changed the mail"
		}
		if f.Verdict != Mended && !slices.ContainsFunc(standing, func(l Finding) bool { return l.Verdict != Mended }) {
			f.Verdict, f.Answer = Mended, fmt.Sprintf("%s (policy %s), by what was mended: %s", why, policy, standing[0].Answer)
		}
		f.Steps = append(f.Steps, "If it goes on, look for what changes the mail after signing: footers, gateways, link rewriting.")
		f.Measured = seen
		return []Finding{f}
	}
	if unknown {
		f := c.finding(ev, "dmarc.unknown", CannotTell, Nobody, "the mail is aligned, but DNS could not say whether its proof holds")
		f.Steps = append(f.Steps, "Try again later.")
		f.Measured = seen
		return []Finding{f}
	}
	if len(legs) > 0 {
		f := c.finding(ev, "dmarc.no_leg", Confirmed, legs[0].Owner, "the mail is aligned, but nothing proves it: %s (policy %s)", legs[0].Answer, policy)
		f.Steps, f.Records, f.Measured = legs[0].Steps, legs[0].Records, append(seen, legs[0].Measured...)
		return []Finding{f}
	}
	f := c.finding(ev, "dmarc.no_ip", CannotTell, Nobody, "the envelope is aligned; without the sending address SPF can't be checked, and the mail shows no aligned signature")
	f.Steps = append(f.Steps, "Sign with DKIM in the From domain: it survives forwarding, SPF does not.")
	f.Measured = seen
	return []Finding{f}
}

func orR(s string) string {
	if strings.EqualFold(s, "s") {
		return "s"
	}
	return "r"
}

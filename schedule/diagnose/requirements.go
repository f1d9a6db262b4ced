package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"harvester/parse/count"
)

// requirement is what great receivers ask of everybody who sends in bulk from a
// domain, as of November 2026. What tells of it is what was found in DNS, and
// the mail that came back.
type requirement struct {
	name string
	of   string // the receivers that ask for it, by id, parted by blanks
	met  func(found []Finding, p *picture) (is answer, note string)
}

// answer is whether a requirement is met.
type answer int

const (
	notSeen answer = iota
	isMet
	isUnmet
)

// provider is one of the great receivers.
type provider struct{ id, title, page string }

var providers = []provider{
	{"google", "Gmail", "https://support.google.com/a/answer/81126"},
	{"yahoo", "Yahoo and AOL", "https://senders.yahooinc.com/best-practices/"},
	{"microsoft", "Outlook.com", ""}, // its page is not linked: the address changes
}

const everybody = "google yahoo microsoft"

var requirements = []requirement{
	{"an SPF record that works", everybody, sound("spf")},
	{"a DKIM key of 1024 bits or more", everybody, sound("dkim")},
	{"a DMARC record with a policy", everybody, sound("dmarc")},
	{"a confirmed reverse name for each sending address", everybody, sound("ptr")},
	{"a sender's domain that takes mail", everybody, func(found []Finding, _ *picture) (answer, string) {
		is, _ := sound("sender")(found, nil)
		if is == notSeen && len(of(found, "sender")) == 0 {
			return isMet, ""
		}
		return is, ""
	}},
	{"each mail signed with DKIM for From", everybody, func(_ []Finding, p *picture) (answer, string) { return all(p.signed, p.mails, "mail") }},
	{"From aligned with the signature or the return path", everybody, func(_ []Finding, p *picture) (answer, string) { return all(p.aligned, p.mails, "mail") }},
	{"one click to unsubscribe in mail to lists, covered by the signature (RFC 8058)", "google", func(_ []Finding, p *picture) (answer, string) {
		return all(p.oneClick, p.list, "mail to a list")
	}},
	{"List-Unsubscribe in mail to lists", "yahoo microsoft", func(_ []Finding, p *picture) (answer, string) { return all(p.offered, p.list, "mail to a list") }},
	{"TLS on the way out", "google", func(_ []Finding, p *picture) (answer, string) {
		if p.wantTLS > 0 {
			return isUnmet, count.Of(p.wantTLS, "refusal") + " for want of it"
		}
		return notSeen, ""
	}},
	{"a spam rate below 0.3 %", everybody, spamRate},
}

// all tells of mails that came back how many keep to something; n of many.
func all(n, many int, what string) (answer, string) {
	switch {
	case many == 0:
		return notSeen, ""
	case n == many:
		return isMet, "in " + count.Of(many, what)
	}
	return isUnmet, fmt.Sprintf("%d of %s", n, count.Of(many, what))
}

// maxSpamRate is what Gmail and Yahoo bear. Gmail shows nobody who complained,
// so that few complaints here prove nothing.
const maxSpamRate = 0.003

func spamRate(_ []Finding, p *picture) (answer, string) {
	if s := p.sent; s != nil && s.Mails > 0 {
		rate := float64(s.Complaints) / float64(s.Mails)
		note := fmt.Sprintf("%.2f %%: %s of %s in %s", 100*rate, count.Of(s.Complaints, "complaint"), count.Of(s.Mails, "mail"), count.Of(s.Days, "day"))
		if rate >= maxSpamRate {
			return isUnmet, note
		}
		return notSeen, note + ", as far as receivers tell"
	}
	if p.complaints > 0 {
		return notSeen, count.Of(p.complaints, "complaint") + " in 30 days; how much was sent is not known"
	}
	return notSeen, ""
}

func of(list []Finding, check string) (out []Finding) {
	for _, f := range list {
		if f.Check() == check {
			out = append(out, f)
		}
	}
	return out
}

// sound tells whether the findings of a check hold no fault.
func sound(check string) func([]Finding, *picture) (answer, string) {
	return func(list []Finding, _ *picture) (answer, string) {
		found := of(list, check)
		switch {
		case slices.ContainsFunc(found, func(f Finding) bool { return f.Open() }):
			return isUnmet, ""
		case len(found) == 0 || slices.ContainsFunc(found, func(f Finding) bool { return f.Verdict == CannotTell }):
			return notSeen, ""
		}
		return isMet, ""
	}
}

// checklist is which of the great receivers' rules for bulk senders a domain
// keeps, by what was found about it and what its mail shows; nothing where
// nothing could be found.
func (c *Checker) checklist(ctx context.Context, domain string, found []Finding) (out []Finding) {
	p := c.shows(domain)
	known := slices.Clone(found)
	for _, ip := range c.senders(&p) {
		known = append(known, c.ptr(ctx, nil, ip)...)
	}
	told := false
	for _, to := range providers {
		var kept, missing, unseen []string
		for _, r := range requirements {
			if !slices.Contains(strings.Fields(r.of), to.id) {
				continue
			}
			is, note := r.met(known, &p)
			name := r.name
			if note != "" {
				name += " (" + note + ")"
			}
			switch is {
			case isMet:
				kept = append(kept, name)
			case isUnmet:
				missing = append(missing, name)
			default:
				unseen = append(unseen, name)
			}
		}
		verdict, says := Refuted, to.title+"'s rules for bulk senders: kept, as far as can be seen"
		if len(missing) > 0 {
			verdict, says = Confirmed, to.title+"'s rules for bulk senders: missing is "+strings.Join(missing, "; ")
		}
		told = told || len(kept)+len(missing) > 0
		f := c.finding(nil, "requirements."+to.id, verdict, UsDNS, "%s", says)
		f.Advice, f.Page, f.Subject = true, to.page, Subject{Domain: domain, Identity: "from"}
		if len(kept) > 0 {
			f.Steps = append(f.Steps, "Kept: "+strings.Join(kept, "; ")+".")
		}
		if len(unseen) > 0 {
			f.Steps = append(f.Steps, "Not seen here: "+strings.Join(unseen, "; ")+".")
		}
		if c.Shown != nil {
			f.Measured = append(f.Measured, p.measurement(c, domain))
		}
		out = append(out, f)
	}
	if !told {
		return nil
	}
	return out
}

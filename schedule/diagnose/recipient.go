package diagnose

import (
	"context"
	"fmt"
	"strings"
	"time"
)

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
	if strings.Trim(domain[strings.LastIndexByte(domain, '.')+1:], "0123456789") == "" {
		return mark(c.finding(ev, "domain.unknown", CannotTell, Nobody, "%s is no address, and no domain: none ends in a number (RFC 3696 §2)", domain))
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
		f = c.finding(ev, "domain."+l.fault(), Confirmed, RecipientSide, "%s", l.Why)
		f.Steps = append(f.Steps, "Wait three days: such faults are often mended. Nothing on your side helps.")
	default:
		f = c.finding(ev, "domain."+l.fault(), Confirmed, RecipientSide, "%s", l.Why)
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

package diagnose

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
)

// perIncident is the time that one incident may take. What was not asked by
// then can't be told.
const perIncident = 20 * time.Second

// Incident checks what an incident, or a notice, claims: the cause that is
// named first, then what large receivers look at together with it.
func (c *Checker) Incident(ctx context.Context, ev *Evidence) []Finding {
	ctx, cancel := context.WithTimeout(ctx, perIncident)
	defer cancel()
	e := *ev
	if e.IP.IsValid() {
		e.IP = unmap(e.IP)
	}
	e.Signatures = first(e.Signatures, maxSignatures)
	list := c.claim(ctx, &e)
	for i := range list {
		c.steady(&e, &list[i])
		c.compare(&e, &list[i], list)
	}
	derived(&e, list)
	Rank(list)
	return list
}

// compare takes a fault that was confirmed at an earlier look, and that no
// finding of the same check confirms now, for mended since.
func (c *Checker) compare(ev *Evidence, f *Finding, all []Finding) {
	if c.Found == nil || ev.Incident == "" || f.Verdict != Refuted ||
		slices.ContainsFunc(all, func(o Finding) bool { return o.Check() == f.Check() && o.Verdict == Confirmed && !o.Advice }) {
		return
	}
	answer, last, ok := c.Found(ev.Incident, f.Check())
	if !ok {
		return
	}
	f.Verdict = Mended
	f.Answer = strings.TrimSuffix(f.Answer, notKnown) + fmt.Sprintf("; until %s it was found that %s", stamp(last), answer)
}

func (c *Checker) claim(ctx context.Context, ev *Evidence) []Finding {
	legs := func() []Finding {
		list := c.spf(ctx, ev)
		list = append(list, c.dkim(ctx, ev)...)
		list = append(list, c.dmarc(ctx, ev)...)
		return append(list, c.headers(ev)...)
	}
	kind := c.kind(ev)
	if slices.Contains(needsIP, kind) {
		c.origin(ctx, ev)
	}
	switch kind {
	case "unproven":
		f := c.finding(ev, "cause.unproven", CannotTell, Nobody, "nothing proves that the mail was yours: nothing is looked up for it")
		f.Steps = append(f.Steps, "If it was, sign return paths or keep a ledger of sent mail (docs/return-paths.md, docs/ledger.md).")
		return []Finding{f}
	case "spf":
		return c.spf(ctx, ev)
	case "dkim":
		return c.dkim(ctx, ev)
	case "dmarc":
		if ev.Cause == "microsoft.5.7.515" {
			return prune(c.both(ctx, ev))
		}
		return c.dmarc(ctx, ev)
	case "auth":
		return prune(legs())
	case "ptr":
		return append(c.ptr(ctx, ev, ev.IP), c.helo(ctx, ev)...)
	case "blocklist":
		return c.blocklist(ctx, ev)
	case "tls":
		return c.tls(ctx, ev)
	case "path":
		return c.route(ctx, ev)
	case "domain":
		return c.recipient(ctx, ev)
	case "restricted":
		return c.restricted(ev)
	case "account":
		return c.account(ev)
	case "reputation":
		if l := listIn(ev.Claim.Sentence); l != nil {
			return c.blocklist(ctx, ev)
		}
	case "policy":
		return c.policy(ctx, ev)
	}
	return c.beyond(ev)
}

// kind is what has to be checked: what the reply says itself, then the cause
// that the incident has.
func (c *Checker) kind(ev *Evidence) string {
	switch ev.Claim.Reason {
	case bounce.DomainUnknown:
		return "domain"
	case bounce.RecipientRestricted:
		return "restricted"
	case bounce.SenderAccount, bounce.RateLimited:
		return "account"
	case bounce.RelayDenied, bounce.RoutingFailed:
		return "path"
	}
	if ev.Group != "" {
		return ev.Group
	}
	switch ev.Claim.Reason {
	case bounce.AuthSPF:
		return "spf"
	case bounce.AuthDKIM:
		return "dkim"
	case bounce.AuthDMARC:
		return "dmarc"
	case bounce.AuthFailed:
		return "auth"
	case bounce.AuthPTR:
		return "ptr"
	case bounce.ReputationIP:
		return "blocklist"
	case bounce.ReputationDomain:
		return "reputation"
	case bounce.TLSFailed:
		return "tls"
	case bounce.PolicyRejected:
		return "policy"
	}
	return ""
}

// legPassed finds the legs that a reply says passed: "Spf= Fail , Dkim= Pass".
var legPassed = regexp.MustCompile(`(?i)\b(spf|dkim|dmarc)\s*=\s*pass\b`)

// both wants SPF and DKIM to pass, and a DMARC record: one of two is not enough
// for Microsoft's rule (5.7.515). What its reply says passed is not what it
// refuses for.
func (c *Checker) both(ctx context.Context, ev *Evidence) (list []Finding) {
	passed := map[string]bool{}
	for _, leg := range legPassed.FindAllStringSubmatch(ev.Claim.Sentence, 10) {
		passed[strings.ToLower(leg[1])] = true
	}
	all := len(passed) == 3
	if all || !passed["spf"] {
		list = append(list, c.spf(ctx, ev)...)
	}
	if all || !passed["dkim"] {
		list = append(list, c.dkim(ctx, ev)...)
	}
	if !all && passed["dmarc"] {
		return list
	}
	for _, f := range c.dmarc(ctx, ev) {
		if f.ID != "dmarc.pass" { // by one leg alone, which is not enough here
			list = append(list, f)
		}
	}
	return list
}

// beyond is about causes that nothing here can look at.
func (c *Checker) beyond(ev *Evidence) []Finding {
	f := c.finding(ev, "cause.beyond", CannotTell, Receiver, "no look-up shows whether this is so: it is the receiver's own judgement of the mail")
	f.Steps = append(f.Steps, "Follow the steps of the incident.")
	return append([]Finding{f}, c.headers(ev)...)
}

// prune leaves what says the same twice out: DMARC without a leg beside the leg
// that is broken.
func prune(list []Finding) []Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(f Finding) bool {
		key := f.ID + f.Subject.Domain + f.Subject.Selector + f.Subject.IP
		twice := seen[key] || f.ID == "dmarc.no_leg" || f.ID == "dmarc.no_copy" || f.ID == "dmarc.no_ip"
		seen[key] = true
		return twice
	})
}

// host is a name without what mail systems write around it: "dns; mx.example.net
// [192.0.2.1]".
func host(s string) string {
	if kind, rest, ok := strings.Cut(s, ";"); ok && !strings.Contains(kind, ".") {
		s = rest
	}
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " (\t"); i > 0 {
		s = s[:i]
	}
	return canonical(strings.Trim(s, "[]<>"))
}

package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
	"harvester/schedule/diagnose/spf"
)

const rfc7208 = "RFC 7208"

// spf checks whether the address that the receiver saw may send for the
// envelope domain, and if not, why.
func (c *Checker) spf(ctx context.Context, ev *Evidence) []Finding {
	domain, identity := canonical(ev.MailFrom), "mail_from"
	if domain == "" || ev.Null {
		domain, identity = canonical(ev.Helo), "helo"
	}
	if domain == "" {
		domain, identity = canonical(ev.From), "from"
	}
	if domain == "" {
		f := c.finding(ev, "spf.unknown", CannotTell, Nobody, "neither the reply nor the returned mail names the envelope's domain")
		f.Steps = append(f.Steps, "Run harvester diagnose on the notice itself, or on a domain of yours.")
		return []Finding{f}
	}
	list := c.spfOf(ctx, ev, domain)
	subject := Subject{Domain: domain, Identity: identity}
	if ev.IP.IsValid() {
		subject.IP = ev.IP.String()
	}
	for i := range list {
		list[i].Subject, list[i].Source = subject, rfc7208
	}
	return list
}

func (c *Checker) spfOf(ctx context.Context, ev *Evidence, domain string) []Finding {
	if s := serviceByDomain(domain); s != nil && !c.ours(domain) {
		f := c.finding(ev, "spf.service", CannotTell, Service, "the return path is %s's own (%s): its record is not yours to mend", s.Name, domain)
		f.Steps = append(f.Steps, "Send the reply to "+s.Name+".", "Set up a return path under your own domain there, and DKIM in the From domain.")
		f.Page = s.Page
		return []Finding{f}
	}
	if !c.ours(domain) {
		f := c.finding(ev, "spf.stranger", CannotTell, Forwarder, "%s is no domain of yours: somebody forwarded the mail under his own name, or wrote in yours", domain)
		f.Steps = append(f.Steps, "Nothing in your DNS mends this. DKIM in the From domain is what survives forwarding.")
		return []Finding{f}
	}
	w := &spf.Walker{Client: c.Client}
	tree := w.Walk(ctx, domain)
	if tree.Answer.State == resolve.Unknown {
		return []Finding{c.cannotTell(ev, "spf", "the SPF record of "+domain, &tree.Answer)}
	}
	seen := treeMeasured(tree)
	c.agree(ctx, ev, w, domain)
	who := c.whoseIP(ctx, ev.IP, ev.Direct)
	seen = append(seen, who.seen...)
	var own []netip.Addr
	if who.ours {
		own = append(own, ev.IP)
	}
	statics := c.spfStatic(ctx, ev, w, tree, who, own)
	if !ev.IP.IsValid() {
		if len(statics) == 0 {
			statics = append(statics, c.spfWithoutIP(ctx, ev, w, tree))
		}
		return withMeasured(statics, seen)
	}
	if special(ev.IP) {
		f := c.finding(ev, "spf.private_ip", Confirmed, Receiver, "the receiver checked %s, an address of its own network: it looks at its own relay", ev.IP)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster: SPF must be checked where mail comes in, not behind it.")
		return withMeasured([]Finding{f}, seen)
	}
	res := w.Evaluate(ctx, ev.IP, ev.Helo, domain)
	seen = append(seen, c.evaluated(tree, ev.IP, &res))
	if term := tree.Guessed(ev.Helo); res.Unknown == "" && res.Hangs(term) {
		res.Result, res.Unknown = "", "it hangs on "+term+", which asks for what only the receiver saw"
	}
	fatal := slices.ContainsFunc(statics, func(f Finding) bool { return f.Verdict == Confirmed && !f.Advice })
	switch {
	case res.Result == "pass" && !fatal:
		f := c.fine(ev, "spf.pass", c.spfWrong(ctx, ev.IP, domain), domain+".", "TXT", fmt.Sprintf("the record of %s authorises %s now", domain, ev.IP))
		f.Steps = append(f.Steps, "If it goes on, tell the receiver: its cache may be old. "+fmt.Sprintf("The record holds for %s at most.", lasting(tree.Answer.TTL)))
		statics = append([]Finding{f}, statics...)
	case fatal:
		// What is broken in the record explains the refusal, whoever sent.
	case res.Unknown != "":
		a := tree.Answer
		a.State, a.Why = resolve.Unknown, res.Unknown
		statics = append([]Finding{c.cannotTell(ev, "spf", "whether "+domain+" authorises "+ev.IP.String(), &a)}, statics...)
	case res.Result == "permerror" && len(tree.Void()) > spf.MaxVoid:
		for i := range statics {
			if statics[i].ID == "spf.void" {
				statics[i].Advice = false
			}
		}
	default:
		statics = append([]Finding{c.spfMissing(ctx, ev, w, tree, who, string(res.Result))}, statics...)
	}
	return withMeasured(statics, seen)
}

// spfWithoutIP says what is known of a sound record while nobody says which
// address sent.
func (c *Checker) spfWithoutIP(ctx context.Context, ev *Evidence, w *spf.Walker, tree *spf.Tree) Finding {
	f := c.finding(ev, "spf.no_ip", CannotTell, Nobody, "the reply names no sending address; the record of %s has no fault (%d of %s, %d of %d void)",
		tree.Domain, tree.Lookups(), count.Of(spf.MaxLookups, "look-up"), len(tree.Void()), spf.MaxVoid)
	var out []string
	for _, ip := range c.known(ev) {
		res := w.Evaluate(ctx, ip, ev.Helo, tree.Domain)
		f.Measured = append(f.Measured, c.evaluated(tree, ip, &res))
		if res.Unknown == "" && res.Result != "pass" {
			out = append(out, fmt.Sprintf("%s (%s)", ip, res.Result))
		}
	}
	switch {
	case len(out) > 0:
		f.Answer += "; of your addresses it does not authorise " + strings.Join(out, ", ")
		f.Steps = append(f.Steps, fmt.Sprintf("If mail of %s is sent from there, harvester diagnose on a notice that names the address has the record to publish.", tree.Domain))
	case len(f.Measured) > 0:
		f.Answer += "; it authorises each address of yours that is known"
	}
	f.Steps = append(f.Steps, "Run harvester diagnose on the notice: the returned mail may name the address.")
	return f
}

// agree takes the first of the addresses that can have sent, where the record
// says the same of all.
func (c *Checker) agree(ctx context.Context, ev *Evidence, w *spf.Walker, domain string) {
	passed := 0
	for _, ip := range ev.possible {
		res := w.Evaluate(ctx, ip, ev.Helo, domain)
		if res.Unknown != "" {
			return
		}
		if res.Result == "pass" {
			passed++
		}
	}
	if n := len(ev.possible); !ev.IP.IsValid() && n > 0 && (passed == 0 || passed == n) {
		ev.IP, ev.how = ev.possible[0], fmt.Sprintf("it is one of %s of %s, and SPF says the same of each", count.Of(n, "address"), ev.Reporter)
	}
}

// evaluated is the result of a record for an address as a measurement.
func (c *Checker) evaluated(tree *spf.Tree, ip netip.Addr, res *spf.Result) Measurement {
	return Measurement{What: fmt.Sprintf("SPF of %s for %s", tree.Domain, ip), State: "found", Values: []string{string(res.Result)}, At: c.Now().UTC(),
		Note: fmt.Sprintf("%s; %d of %s, %d of %d void", res.Why, tree.Lookups(), count.Of(spf.MaxLookups, "look-up"), len(tree.Void()), spf.MaxVoid)}
}

// spfWrong tells whether an earlier record did not authorise an address.
func (c *Checker) spfWrong(ctx context.Context, ip netip.Addr, domain string) func(Earlier) bool {
	return func(e Earlier) bool {
		var records []string
		for _, v := range e.Values {
			if spf.Is(v) {
				records = append(records, v)
			}
		}
		if len(records) != 1 {
			return e.State != "unknown"
		}
		w := &spf.Walker{Client: c.Client, At: domain, Replace: records[0]}
		r := w.Evaluate(ctx, ip, "", domain)
		return r.Unknown == "" && r.Result != "pass"
	}
}

// spfMissing is about an address that the record does not authorise.
func (c *Checker) spfMissing(ctx context.Context, ev *Evidence, w *spf.Walker, tree *spf.Tree, who whose, result string) Finding {
	domain := tree.Domain
	switch {
	case who.ours:
		id := "spf.missing_ip"
		if ev.IP.Is6() && !slices.ContainsFunc(tree.Record.Terms, func(t spf.Term) bool { return t.Name == "ip6" }) {
			id = "spf.ipv6"
		}
		f := c.finding(ev, id, Confirmed, UsDNS, "%s does not authorise %s (%s), which is yours: %s", domain, ev.IP, result, who.why)
		c.propose(ctx, &f, w, tree, spf.Wish{Authorise: append([]netip.Addr{ev.IP}, ev.possible[min(1, len(ev.possible)):]...)})
		if id == "spf.ipv6" {
			f.Steps = append(f.Steps, "Or make the mail server prefer IPv4 (Postfix: smtp_address_preference = ipv4).")
		}
		f.Recheck = recheck(tree.Answer)
		return f
	}
	if s, include := c.serviceFor(ctx, w, ev.IP, who.esp); s != nil {
		f := c.finding(ev, "spf.missing_include", Confirmed, UsDNS, "%s does not authorise %s (%s), a server of %s", domain, ev.IP, result, s.Name)
		f.Steps = append(f.Steps, "Check that you send through "+s.Name+" with a return path at "+domain+".")
		c.propose(ctx, &f, w, tree, spf.Wish{Authorise: []netip.Addr{ev.IP}, Include: include})
		f.Page, f.Recheck = s.Page, recheck(tree.Answer)
		return f
	}
	if len(tree.Records) == 0 {
		f := c.finding(ev, "spf.none", Confirmed, UsDNS, "%s has no SPF record", domain)
		f.Steps = append(f.Steps, "Publish one that names every server which sends with a return path at "+domain+".",
			fmt.Sprintf("If %s is yours, add it to [diagnose] ips; the record is then derived.", ev.IP))
		return f
	}
	f := c.finding(ev, "spf.forwarded", Confirmed, Forwarder, "%s does not authorise %s (%s), and nothing says that the address is yours: most likely a forwarder's", domain, ev.IP, result)
	f.Steps = append(f.Steps, "Never add a stranger's address to the record. DKIM in the From domain is what survives forwarding.",
		fmt.Sprintf("If %s is yours, add it to [diagnose] ips; the record is then derived.", ev.IP))
	return f
}

// serviceFor finds the service whose record authorises an address: the one
// that its name points to, else those of the table that are common.
func (c *Checker) serviceFor(ctx context.Context, w *spf.Walker, ip netip.Addr, named *service) (*service, string) {
	if named == nil {
		return nil, ""
	}
	for _, include := range named.Include {
		probe := &spf.Walker{Client: c.Client}
		if r := probe.Evaluate(ctx, ip, "", include); r.Result == "pass" {
			return named, include
		}
	}
	return nil, ""
}

// propose adds the record to publish to a finding, or says why there is none.
func (c *Checker) propose(ctx context.Context, f *Finding, w *spf.Walker, tree *spf.Tree, wish spf.Wish) {
	if !c.ours(tree.Domain) {
		return
	}
	wish.Rename = renamed()
	wish.Drop = func(name string) bool {
		s := serviceByInclude(name)
		return s != nil && s.Useless && name != wish.Include
	}
	record, why := w.Propose(ctx, tree, wish)
	if record == "" {
		f.Steps = append(f.Steps, "No record can be derived: "+why+".")
		return
	}
	ch := change(tree.Domain, "TXT", append(slices.Clone(tree.Records), tree.Almost...), record)
	for _, old := range tree.Dropped(record) {
		t := spf.Parse("v=spf1 " + old).Terms[0]
		why := "nothing can be sent by it"
		if s := serviceByInclude(t.Value); s != nil && slices.ContainsFunc(s.Include, func(name string) bool { return strings.Contains(record, "include:"+name) }) {
			continue // it has another name now
		} else if s != nil && s.Useless && wish.Drop(canonical(t.Value)) {
			why = s.Name + " has a return path of its own, so it did nothing"
		} else if t.Name == "ptr" {
			why = "it is slow, and some receivers skip it"
		} else if t.Name == "a" || t.Name == "mx" {
			why = "its addresses are written out, or it does not exist"
		}
		f.Steps = append(f.Steps, fmt.Sprintf("It leaves out %s: %s.", old, why))
	}
	f.Records = append(f.Records, ch)
	f.Steps = append(f.Steps, "Publish the record below in place of the present one. Keep the other TXT records.")
}

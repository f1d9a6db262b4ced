package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
)

// The DMARC standard since May 2026; RFC 7489 before.
const rfc9989 = "RFC 9989"

// dmarcRecord is one record, read.
type dmarcRecord struct {
	name string // of the domain, without _dmarc
	text string
	tags map[string]string
	bad  string
}

// policyTree is what the names above a domain say.
type policyTree struct {
	records  []dmarcRecord // from the longest name to the shortest
	doubled  string        // the first name that has more than one record, which then count as none
	doubles  []string
	almost   map[string]string // by name: a record that nobody reads
	org      string            // organisational domain by the tree walk
	unknown  *resolve.Answer
	measured []Measurement
	own      resolve.Answer // at the domain itself
}

// record is the one that decides for a domain: its own, else that of the
// organisational domain.
func (p *policyTree) record(domain string) *dmarcRecord {
	for _, name := range [...]string{domain, p.org} {
		for i := range p.records {
			if p.records[i].name == name {
				return &p.records[i]
			}
		}
	}
	return nil
}

// above is the record of a public suffix that decides for those below it who
// have none; nil when there is none.
func (p *policyTree) above() *dmarcRecord {
	for i := range p.records {
		if strings.EqualFold(p.records[i].tags["psd"], "y") {
			return &p.records[i]
		}
	}
	return nil
}

// walkDMARC asks along the tree (RFC 9989 §4.10): at most eight questions.
func (c *Checker) walkDMARC(ctx context.Context, domain string) policyTree {
	p := policyTree{org: domain, almost: map[string]string{}}
	labels := strings.Split(canonical(domain), ".")
	for n := 0; len(labels) > 0 && n < 8; n++ {
		name := strings.Join(labels, ".")
		a := c.Client.Ask(ctx, "_dmarc."+name, dns.TypeTXT)
		if n == 0 {
			p.own = a
		}
		p.measured = append(p.measured, measured(&a, ""))
		if a.State == resolve.Unknown {
			if _, problem := resolve.Name(a.Name); problem == "" {
				p.unknown = &a
				return p
			}
		}
		var valid []dmarcRecord
		for _, v := range a.Values {
			t, order, bad := tags(v)
			if len(order) > 0 && order[0] == "v" && t["v"] == "DMARC1" {
				valid = append(valid, dmarcRecord{name, v, t, bad})
			} else if strings.Contains(strings.ToLower(v), "dmarc1") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(v)), "p=") {
				p.almost[name] = v
			}
		}
		if len(valid) > 1 && p.doubled == "" {
			p.doubled = name
			for _, r := range valid {
				p.doubles = append(p.doubles, r.text)
			}
		}
		if len(valid) == 1 {
			p.records = append(p.records, valid[0])
			if psd := strings.ToLower(valid[0].tags["psd"]); psd == "n" || psd == "y" && n > 0 {
				break
			}
		}
		if len(labels) > 7 {
			labels = labels[len(labels)-7:]
		} else {
			labels = labels[1:]
		}
	}
	for i := len(p.records) - 1; i >= 0; i-- {
		r := &p.records[i]
		switch strings.ToLower(r.tags["psd"]) {
		case "n":
			p.org = r.name
			return p
		case "y":
			if r.name != domain {
				rest := strings.TrimSuffix(domain, "."+r.name)
				p.org = rest[strings.LastIndexByte(rest, '.')+1:] + "." + r.name
				return p
			}
		}
	}
	if n := len(p.records); n > 0 {
		p.org = p.records[n-1].name
	}
	return p
}

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
	strictD, strictS := r.tags["adkim"] == "s", r.tags["aspf"] == "s"
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
	if s == "s" {
		return "s"
	}
	return "r"
}

// relax is a record that asks for relaxed alignment.
func relax(text string) string {
	var out []string
	for part := range strings.SplitSeq(text, ";") {
		name, _, _ := strings.Cut(part, "=")
		if n := strings.TrimSpace(name); n == "adkim" || n == "aspf" || n == "" {
			continue
		}
		out = append(out, strings.TrimSpace(part))
	}
	return strings.Join(out, "; ")
}

// policyFor is what the record asks for at a domain.
func (c *Checker) policyFor(ctx context.Context, from string, p *policyTree, r *dmarcRecord) string {
	policy := known(r.tags["p"])
	if r.name != from {
		if sp := known(r.tags["sp"]); sp != "" {
			policy = sp
		}
		if np := known(r.tags["np"]); np != "" {
			if a := c.Client.Ask(ctx, from, dns.TypeA); a.State == resolve.NXDomain {
				policy = np
			}
		}
	}
	if policy == "" {
		policy = "none"
	}
	if strings.EqualFold(r.tags["t"], "y") {
		policy = map[string]string{"reject": "quarantine", "quarantine": "none", "none": "none"}[policy]
	}
	return policy
}

// known is a policy in lower case, "" for one that no receiver knows.
func known(policy string) string {
	if policy = strings.ToLower(policy); slices.Contains(policies, policy) {
		return policy
	}
	return ""
}

// policies from the mildest to the strictest.
var policies = []string{"none", "quarantine", "reject"}

// dmarcStatic is what is wrong with the records, whatever the mail was.
func (c *Checker) dmarcStatic(ctx context.Context, ev *Evidence, from string, p *policyTree) (list []Finding) {
	add := func(id string, advice bool, format string, args ...any) *Finding {
		f := c.finding(ev, "dmarc."+id, Confirmed, UsDNS, format, args...)
		f.Subject, f.Source, f.Advice, f.Recheck = Subject{Domain: from, Identity: "from"}, rfc9989, advice, recheck(p.own)
		list = append(list, f)
		return &list[len(list)-1]
	}
	r := p.record(from)
	switch {
	case p.doubled != "":
		f := add("multiple", false, "_dmarc.%s has %s, which makes all of them void", p.doubled, count.Of(len(p.doubles), "record"))
		f.Steps = append(f.Steps, "Keep one. The record below has the milder policy; choose your own.")
		f.Records = append(f.Records, change("_dmarc."+p.doubled, "TXT", p.doubles, milder(p.doubles)))
		return list
	case r == nil:
		org := registered(from)
		if text, ok := p.almost[from]; ok {
			f := add("version", false, "what stands at _dmarc.%s is read by nobody: it must begin with v=DMARC1;", from)
			f.Steps = append(f.Steps, "Publish the record below in its place.")
			f.Records = append(f.Records, change("_dmarc."+from, "TXT", []string{text}, rewrite(text, org)))
			return list
		}
		f := add("none", false, "%s has no DMARC record", org)
		if psd := p.above(); psd != nil {
			f.Answer += fmt.Sprintf("; what %s asks for holds for it (%s)", psd.name, c.policyFor(ctx, from, p, psd))
		}
		f.Steps = append(f.Steps, "Publish the record below: it asks receivers for nothing but reports. Read those before you tighten it.")
		f.Records = append(f.Records, change("_dmarc."+org, "TXT", nil, "v=DMARC1; p=none; rua=mailto:dmarc-reports@"+org))
		f.Records[0].Note = "the mailbox must exist, or name another one"
		return list
	}
	name := "_dmarc." + r.name
	policy := known(r.tags["p"])
	if _, ok := r.tags["p"]; !ok && r.tags["rua"] == "" || r.tags["p"] != "" && policy == "" {
		f := add("syntax", false, "the record at %s has no policy that receivers know (p=%s)", name, cut(r.tags["p"]))
		f.Steps = append(f.Steps, "Write p=none, p=quarantine or p=reject behind v=DMARC1.")
		f.Records = append(f.Records, change(name, "TXT", []string{r.text}, rewrite(r.text, r.name)))
	} else if r.bad != "" {
		f := add("syntax", true, "the record at %s holds what is no tag: %s", name, r.bad)
		f.Steps = append(f.Steps, "Part tags by semicolons, without quotes or backslashes.")
	}
	for _, tag := range [...]string{"sp", "np"} {
		if v := r.tags[tag]; v != "" && known(v) == "" {
			f := add("syntax", true, "the record at %s has a policy that no receiver knows (%s=%s)", name, tag, cut(v))
			f.Steps = append(f.Steps, "Write "+tag+"=none, "+tag+"=quarantine or "+tag+"=reject, or leave it out.")
		}
	}
	if sp := known(r.tags["sp"]); sp != "" && slices.Index(policies, sp) < slices.Index(policies, policy) {
		f := add("sp", true, "subdomains of %s are protected less (sp=%s) than itself (p=%s)", r.name, cut(r.tags["sp"]), policy)
		f.Steps = append(f.Steps, "Mean it, or leave sp= out.")
	}
	for _, old := range [...]string{"pct", "rf", "ri"} {
		if _, ok := r.tags[old]; ok {
			f := add("obsolete", true, "the record at %s has %s=, which the standard dropped", name, old)
			f.Steps = append(f.Steps, "Leave it out; t=y is what tests a policy now.")
			break
		}
	}
	c.reports(ctx, r, add)
	if p.org != registered(from) && c.ours(registered(from)) {
		f := add("discovery_differs", true, "receivers of the old standard take %s for the domain that counts, those of the new one %s", registered(from), p.org)
		f.Steps = append(f.Steps, "Publish a record at _dmarc."+registered(from)+": then both agree.")
	}
	return list
}

// reports checks whom the record wants reports to be sent to.
func (c *Checker) reports(ctx context.Context, r *dmarcRecord, add func(string, bool, string, ...any) *Finding) {
	for _, tag := range [...]string{"rua", "ruf"} {
		for uri := range strings.SplitSeq(r.tags[tag], ",") {
			uri = strings.TrimSpace(uri)
			if uri == "" {
				continue
			}
			address, ok := strings.CutPrefix(strings.ToLower(uri), "mailto:")
			if !ok || !strings.Contains(address, "@") {
				f := add("report_address", true, "%s=%s is no mailto: address, so no reports come", tag, cut(uri))
				f.Steps = append(f.Steps, "Write mailto: before the address.")
				continue
			}
			to := canonical(afterAt(strings.SplitN(address, "!", 2)[0]))
			if registered(to) == registered(r.name) {
				continue
			}
			permit := c.Client.Ask(ctx, r.name+"._report._dmarc."+to, dns.TypeTXT)
			if permit.State == resolve.Unknown || slices.ContainsFunc(permit.Values, func(v string) bool { t, _, _ := tags(v); return t["v"] == "DMARC1" }) {
				continue
			}
			f := add("report_permit", true, "%s has not agreed to take reports about %s, so none are sent there", to, r.name)
			f.Steps = append(f.Steps, fmt.Sprintf("Whoever runs %s publishes v=DMARC1 as TXT at %s._report._dmarc.%s.", to, r.name, to))
		}
	}
}

// milder is the record of several with the mildest policy.
func milder(list []string) string {
	for _, want := range policies {
		for _, text := range list {
			if t, _, _ := tags(text); strings.EqualFold(t["p"], want) {
				return text
			}
		}
	}
	return list[0]
}

// rewrite is a broken record as it was meant.
func rewrite(text, org string) string {
	t, _, _ := tags(strings.ReplaceAll(strings.Trim(text, "\"' "), `\`, ""))
	out := "v=DMARC1; p="
	switch p := strings.ToLower(strings.Trim(t["p"], "\"' ,")); {
	case strings.HasPrefix(p, "rej"):
		out += "reject"
	case strings.HasPrefix(p, "quar"):
		out += "quarantine"
	default:
		out += "none"
	}
	if rua := t["rua"]; strings.ContainsFunc(rua, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }) {
		return out // what no address holds is not repeated
	} else if strings.HasPrefix(strings.ToLower(rua), "mailto:") {
		out += "; rua=" + rua
	} else if strings.Contains(rua, "@") {
		out += "; rua=mailto:" + rua
	}
	return out
}

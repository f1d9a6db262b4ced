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
	for _, tag := range [...]string{"adkim", "aspf"} {
		if v := strings.ToLower(r.tags[tag]); v != "" && v != "r" && v != "s" {
			f := add("syntax", true, "the record at %s has an alignment that no receiver knows (%s=%s)", name, tag, cut(v))
			f.Steps = append(f.Steps, "Write "+tag+"=r or "+tag+"=s, or leave it out: r is meant then.")
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

// dmarcBroken tells whether an earlier answer held no single record.
func dmarcBroken(e Earlier) bool {
	n := 0
	for _, v := range e.Values {
		if t, order, _ := tags(v); len(order) > 0 && order[0] == "v" && t["v"] == "DMARC1" {
			n++
		}
	}
	return e.State != "unknown" && n != 1
}

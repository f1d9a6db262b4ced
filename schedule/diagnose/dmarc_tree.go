package diagnose

import (
	"context"
	"slices"
	"strings"

	"github.com/miekg/dns"

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

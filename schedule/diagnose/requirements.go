package diagnose

import (
	"slices"
	"strings"
)

// requirement is what the great receivers ask of everybody who sends in bulk
// from a domain, as of November 2026.
type requirement struct {
	name string
	by   string                                          // the check whose findings tell
	met  func(list []Finding, check string) (bool, bool) // met, and whether it is known
}

// provider is one of them.
type provider struct {
	id, title, page string
	unseen          []string // what no look-up shows
}

var providers = []provider{
	{"google", "Gmail", "https://support.google.com/a/answer/81126",
		[]string{"TLS on the way out", "one-click unsubscribe in marketing mail (RFC 8058), covered by the signature", "a spam rate below 0.3 % (Postmaster Tools)"}},
	{"yahoo", "Yahoo and AOL", "https://senders.yahooinc.com/best-practices/",
		[]string{"List-Unsubscribe in marketing mail, honoured within two days", "a spam rate below 0.3 % (Sender Hub)"}},
	{"microsoft", "Outlook.com", "", // its page is not linked: the address changes
		[]string{"SPF and DKIM to pass, both, not one of them", "complaints and trap hits in SNDS"}},
}

var requirements = []requirement{
	{"an SPF record that works", "spf", sound},
	{"a DKIM key of 1024 bits or more", "dkim", sound},
	{"a DMARC record with a policy", "dmarc", sound},
	{"a confirmed reverse name for each sending address", "ptr", sound},
	{"a sender's domain that takes mail", "sender", func(list []Finding, check string) (bool, bool) {
		found := of(list, check)
		return len(found) == 0, !slices.ContainsFunc(found, func(f Finding) bool { return f.Verdict == CannotTell })
	}},
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
func sound(list []Finding, check string) (met, known bool) {
	found := of(list, check)
	if len(found) == 0 {
		return false, false
	}
	for _, f := range found {
		if f.Open() {
			return false, true
		}
	}
	return true, !slices.ContainsFunc(found, func(f Finding) bool { return f.Verdict == CannotTell })
}

// checklist is which of the great receivers' rules for bulk senders a domain
// keeps, by what was found about it; nothing where nothing could be found.
func (c *Checker) checklist(domain string, list []Finding) (out []Finding) {
	var met, unmet, unseen []string
	for _, r := range requirements {
		switch ok, known := r.met(list, r.by); {
		case !known:
			unseen = append(unseen, r.name)
		case ok:
			met = append(met, r.name)
		default:
			unmet = append(unmet, r.name)
		}
	}
	if len(met)+len(unmet) == 0 {
		return nil
	}
	for _, p := range providers {
		verdict, answer := Refuted, p.title+"'s rules for bulk senders: kept, as far as can be seen"
		if len(unmet) > 0 {
			verdict, answer = Confirmed, p.title+"'s rules for bulk senders: missing is "+strings.Join(unmet, "; ")
		}
		f := c.finding(nil, "requirements."+p.id, verdict, UsDNS, "%s", answer)
		f.Advice, f.Page, f.Subject = true, p.page, Subject{Domain: domain, Identity: "from"}
		if len(met) > 0 {
			f.Steps = append(f.Steps, "Kept: "+strings.Join(met, "; ")+".")
		}
		f.Steps = append(f.Steps, "Not seen here: "+strings.Join(append(slices.Clone(unseen), p.unseen...), "; ")+".")
		out = append(out, f)
	}
	return out
}

package parse

import (
	"reflect"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dkim"
	"harvester/parse/mime"
	"harvester/parse/origin"
	"harvester/parse/view"
)

// Provenance is what shows where a notice comes from and whether the mail that
// it returns is ours. Recipients apart, nobody outside can make it up.
type Provenance struct {
	origin.Evidence
	Signature *Signature `json:"signature,omitempty"` // our own, on the header that came back
	// Taken tells that the returned mail shows how a server of ours took it from
	// outside, from nobody who signed in: it is none of ours.
	Taken bool `json:"taken,omitempty"`
	// Recipients are all addresses in To and Cc of the returned mail, where the
	// first To is not all of them. That is the notice's word.
	Recipients []string `json:"recipients,omitempty"`
}

// IsZero tells whether nothing is known.
func (p Provenance) IsZero() bool { return reflect.ValueOf(p).IsZero() }

// Signature is our own DKIM signature on the header that came back.
type Signature struct {
	Domain   string `json:"domain"`
	Selector string `json:"selector"`
	Mail     string `json:"mail,omitempty"` // names the signed mail; the same for each signature and copy of it
	// Recipients are the addresses in the To and Cc that it covers.
	Recipients []string `json:"recipients,omitempty"`
	// From and To bound the time in which the notice must have come in.
	From Time `json:"from,omitzero"`
	To   Time `json:"to,omitzero"`
	// Problem says why it proves nothing; "" when it verifies.
	Problem string `json:"problem,omitempty"`
}

// manyRecipients bounds the addresses that are kept of a returned mail.
const manyRecipients = 1000

// provenance fills in where a notice comes from. Mail that reports nothing has none.
func (p *parser) provenance(m *view.Mail, res *Result) {
	if len(res.Recipients) == 0 && p.opt.Trust == nil {
		return
	}
	res.Provenance.Evidence = origin.Read(m.Header, m.From, res.Kind == bounce.KindComplaint, p.opt.Trust)
	if len(res.Recipients) == 0 {
		return
	}
	header, raw := p.cameBack(m)
	res.Provenance.Taken = origin.Taken(header, p.opt.Trust)
	if all := addressesIn(header, "To", "Cc"); len(all) > 1 || len(all) == 1 && res.Original.To == "" {
		res.Provenance.Recipients = all[:min(len(all), manyRecipients)]
	}
	if p.opt.Keys != nil && len(raw) > 0 {
		res.Provenance.Signature = p.signature(raw)
	}
}

// cameBack is the header of the returned mail, also where it stands in the text.
func (p *parser) cameBack(m *view.Mail) (mime.Header, []byte) {
	if m.Original != nil {
		return m.Original.Header, m.Original.Raw[:min(len(m.Original.Raw), p.limits.MIME.HeaderBytes)]
	}
	raw := []byte(strings.TrimLeft(p.text, "\r\n \t"))
	return mime.ReadHeader(raw, p.limits.MIME.HeaderBytes), raw
}

// signature verifies our own signatures and tells the one that says most.
func (p *parser) signature(raw []byte) (best *Signature) {
	for _, s := range dkim.Verify(raw, p.ownDomain, p.opt.Keys) {
		one := &Signature{Domain: s.Domain, Selector: s.Selector, Mail: s.Mail}
		from, to := s.Window()
		one.From, one.To = Time{from}, Time{to}
		for _, f := range s.Signed {
			if f.Name == "to" || f.Name == "cc" {
				one.Recipients = append(one.Recipients, mime.Addresses(f.Value)...)
			}
		}
		one.Recipients = one.Recipients[:min(len(one.Recipients), manyRecipients)]
		if s.Err != nil {
			one.Problem, one.From, one.To = s.Err.Error(), Time{}, Time{}
		}
		if best == nil || best.Problem != "" && one.Problem == "" || best.Problem == "" && one.Problem == "" && len(one.Recipients) > len(best.Recipients) {
			best = one
		}
	}
	return best
}

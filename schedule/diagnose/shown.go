package diagnose

import (
	"fmt"
	"net/netip"
	"strings"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
)

// Shown is what mail of a domain of ours looked like that came back, or that
// somebody complained of: N mails that are alike in it.
type Shown struct {
	N           int
	Complaint   bool
	Reason      bounce.Reason
	MailFrom    string            // domain of the envelope sender
	Signatures  []string          // "selector._domainkey.domain"
	List        bool              // it went to a list
	Unsubscribe parse.Unsubscribe // "": the header did not come back whole
	IP          netip.Addr        // of ours, as the receiver saw it
	Reply       string            // of a refusal for want of TLS
}

// Sent is how much a domain sent, and how many complained, as far as that is
// known.
type Sent struct {
	Days, Mails, Complaints int
}

// picture sums up what the mail of a domain shows.
type picture struct {
	mails, signed, aligned  int // whose header came back; signed for From; proven for From by signature or envelope
	list, oneClick, offered int // to lists; with one click that is covered; that offer some way
	wantTLS, complaints     int
	ips                     []netip.Addr
	sent                    *Sent
}

// shows sums up what is known of the mail of a domain in the last 30 days.
func (c *Checker) shows(domain string) (p picture) {
	if c.Shown == nil {
		return p
	}
	list, sent := c.Shown(domain)
	p.sent = sent
	for i := range list {
		s := &list[i]
		if s.Complaint {
			p.complaints += s.N
		} else {
			p.add(c, domain, s)
		}
	}
	return p
}

func (p *picture) add(c *Checker, domain string, s *Shown) {
	signed := false
	for _, name := range s.Signatures {
		_, d, _ := strings.Cut(name, "._domainkey.")
		signed = signed || c.alignedWith(d, domain)
	}
	if s.Unsubscribe != "" || signed { // its header came back, not some fields of it
		p.mails += s.N
	}
	if signed {
		p.signed += s.N
	}
	if signed || s.Unsubscribe != "" && c.alignedWith(s.MailFrom, domain) {
		p.aligned += s.N
	}
	if s.Unsubscribe != "" && (s.List || s.Unsubscribe != parse.UnsubscribeNone) {
		p.list += s.N
		if s.Unsubscribe == parse.UnsubscribeOneClick {
			p.oneClick += s.N
		}
		if s.Unsubscribe != parse.UnsubscribeNone {
			p.offered += s.N
		}
	}
	if s.Reason == bounce.TLSFailed && tlsClaim(s.Reply) == "they_require" {
		p.wantTLS += s.N
	}
	if s.IP.IsValid() && !special(s.IP) && len(p.ips) < maxShownIPs {
		p.ips = append(p.ips, s.IP)
	}
}

// maxShownIPs bounds the addresses whose names are asked for a checklist.
const maxShownIPs = 20

// measurement tells it in figures.
func (p *picture) measurement(c *Checker, domain string) Measurement {
	m := c.looked("mail of "+domain+" that came back, 30 days", "", "")
	if p.mails > 0 {
		m.State = "found"
		m.Values = []string{fmt.Sprintf("%s: %d signed for From, %d aligned; %d to lists: %d with an offer to unsubscribe, %d by one click that is signed; %s for want of TLS",
			count.Of(p.mails, "mail"), p.signed, p.aligned, p.list, p.offered, p.oneClick, count.Of(p.wantTLS, "refusal"))}
	}
	if p.complaints > 0 {
		m.State, m.Values = "found", append(m.Values, count.Of(p.complaints, "complaint"))
	}
	return m
}

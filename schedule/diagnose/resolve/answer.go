package resolve

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// State says what an answer means.
type State uint8

// What a resolver can say.
const (
	Unknown  State = iota // nothing that can be relied on; Why says what happened
	Found                 // records of the type
	NoData                // the name exists, without records of the type
	NXDomain              // the name does not exist
)

// Answer is what came of one question.
type Answer struct {
	Name   string // with its final dot
	Type   string // "TXT"
	State  State
	Why    string        // of an Unknown one
	Values []string      // the records as text, the strings of a TXT joined without a blank (RFC 7208 §3.3)
	RRs    []dns.RR      // the same records
	Chain  []string      // names that CNAMEs led to
	TTL    time.Duration // for how long it holds, at most a day; of negative answers by the SOA
	AD     bool          // the resolver vouches for it (DNSSEC)
	Server string        // the resolver
	At     time.Time
}

// None tells that the records do not exist, as far as DNS can say.
func (a *Answer) None() bool { return a.State == NoData || a.State == NXDomain }

// read takes the records of the type, and the chain that leads to them.
func (a *Answer) read(in *dns.Msg, q question) {
	a.AD = in.AuthenticatedData
	ttl := uint32(longest / time.Second)
	at := q.name
	for range maxHops {
		next := ""
		for _, rr := range in.Answer {
			if cname, ok := rr.(*dns.CNAME); ok && q.typ != dns.TypeCNAME && strings.EqualFold(cname.Hdr.Name, at) {
				next, ttl = cname.Target, min(ttl, cname.Hdr.Ttl)
			}
		}
		if next == "" {
			break
		}
		a.Chain, at = append(a.Chain, next), next
	}
	for _, rr := range in.Answer {
		h := rr.Header()
		if h.Rrtype != q.typ || !strings.EqualFold(h.Name, at) || len(a.RRs) == maxValues {
			continue
		}
		text := value(rr)
		if len(text) > maxText {
			continue
		}
		ttl = min(ttl, h.Ttl)
		a.RRs, a.Values = append(a.RRs, rr), append(a.Values, text)
	}
	switch {
	case len(a.RRs) > 0:
		a.State = Found
	case in.Rcode == dns.RcodeNameError:
		a.State = NXDomain
	default:
		a.State = NoData
	}
	if a.State != Found {
		ttl = 300
		for _, rr := range in.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				ttl = min(soa.Minttl, soa.Hdr.Ttl)
			}
		}
	}
	a.TTL = min(time.Duration(ttl)*time.Second, longest)
}

// value is a record's data as text.
func value(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.TXT:
		return plain(rr.Txt)
	case *dns.SPF:
		return plain(rr.Txt)
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}

// plain joins the strings of a TXT record, whose odd bytes miekg/dns holds as
// \DDD.
func plain(parts []string) string {
	s := strings.Join(parts, "")
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && digits(s[i+1:i+4]) {
			out = append(out, (s[i+1]-'0')*100+(s[i+2]-'0')*10+(s[i+3]-'0'))
			i += 3
			continue
		}
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"harvester/parse"
	"harvester/store/policy"
	"strings"
	"time"
)

// Why what a notice encloses proves nothing.
const (
	doubtRefuted  = "our own server found neither SPF nor DKIM valid, and DMARC failing"
	doubtUntagged = "its return path has no token, as ours have"
)

// authenticity is what makes a failure authentic, beyond what anybody can write.
type authenticity struct {
	How  string // in words; "" when it is not authentic
	mail string // names the mail of ours that came back; "" when nobody knows
}

// Authentic tells whether nobody outside can have made the notice up for this
// recipient. Our own server wrote it; or it is authenticated as coming from
// who may speak about him; or our own signature on the returned header names
// him. A notice that returns the mail of others says nothing about ours, be they
// others by its sender or because a server of ours took it from outside.
func (ours *Ours) Authentic(res *parse.Result, rcpt *parse.Recipient, key string, at time.Time) authenticity {
	p := &res.Provenance
	if s := p.Signature; s != nil && s.Problem == "" && !outside(at, s) {
		for _, a := range s.Recipients {
			if policy.Key(a) == key {
				h := sha256.Sum256([]byte("dkim\x00" + s.Mail + "\x00" + key))
				return authenticity{
					How:  fmt.Sprintf("our DKIM signature (%s._domainkey.%s) on the returned header verifies, and a signed field names this recipient", s.Selector, s.Domain),
					mail: hex.EncodeToString(h[:12]),
				}
			}
		}
	}
	if p.Taken || foreign(&res.Original, ours.Domains) {
		return authenticity{}
	}
	if p.Host != "" {
		return authenticity{How: "our own server " + p.Host + " wrote the notice"}
	}
	if !ours.Trust.Ours(p.Author) && rcpt.FinalRecipient != "" && policy.Key(rcpt.FinalRecipient) != key {
		return authenticity{} // whom it failed for he knows, the rest he was told by who sent the mail
	}
	if ours.Trust.May(p.Author, policy.Domain(key), policy.DomainKey(rcpt.RemoteMTA)) {
		return authenticity{How: fmt.Sprintf("%s recorded that the notice comes from %s (%s), who may speak about this recipient", p.Server, p.Author, strings.ToUpper(p.Method))}
	}
	return authenticity{}
}

// outside tells whether a notice came in when our signature was not good, or
// not good any more.
func outside(at time.Time, s *parse.Signature) bool {
	return at.Before(s.From.Time) || !s.To.IsZero() && at.After(s.To.Time)
}

// foreign tells whether the mail that came back names a sender, and none of ours.
func foreign(o *parse.Original, own []string) bool {
	named := false
	for _, a := range [...]string{o.From, o.Sender, o.ReturnPath} {
		domain := policy.Domain(policy.Key(a))
		if policy.Own(domain, own) {
			return false
		}
		named = named || domain != ""
	}
	return named
}

// untagged tells whether a notice came to a domain of ours whose return paths
// have tokens, and the address has none.
func (ours *Ours) untagged(res *parse.Result) bool {
	domain := policy.Domain(policy.Key(res.DeliveredTo))
	for _, v := range ours.ReturnPaths {
		if v.Signs() && domain != "" && strings.EqualFold(v.Domain(), domain) {
			return true
		}
	}
	return false
}

func provenanceText(p parse.Provenance) string {
	if p.IsZero() {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and times always marshal
	}
	return string(b)
}

// ReadProvenance reads what provenanceText wrote.
func ReadProvenance(s string, p *parse.Provenance) error {
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), p)
}

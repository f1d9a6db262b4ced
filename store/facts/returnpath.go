package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"harvester/parse"
	"harvester/parse/envelope"
	"harvester/store/policy"
	"strings"
	"time"
)

// vouched is what a return path of ours, signed or to be signed, says about a
// notice that came to it.
type vouched struct {
	recipient string // whom we mailed; "" where the path does not name him (BATV)
	token     string // names the path; "" when it is not believed
	doubt     string // why it is not believed
}

// The doubts of a return path.
const (
	DoubtForged  = "the token of its return path does not verify"
	DoubtExpired = "the token of its return path is out of date"
	doubtOther   = "its return path is another recipient's"
)

// vouch reads the return path that a notice came to, or the one in the mail
// that it returns. ok is false when neither has a token.
func (ours *Ours) vouch(res *parse.Result, at time.Time) (v vouched, ok bool) {
	for _, path := range []string{res.DeliveredTo, res.Original.ReturnPath} {
		if path == "" {
			continue
		}
		if s, known := envelope.Read(ours.ReturnPaths, path); known && (s.Signed || s.Recipient == "") {
			return believe(path, s.Recipient, s.Signed, s.Fresh(at)), true
		}
		if t, known := ours.BATV.Read(path); known && policy.Own(policy.Domain(policy.Key(t.Address)), ours.Domains) {
			return believe(path, "", t.Signed, t.Fresh(at)), true
		}
	}
	return vouched{}, false
}

func believe(path, recipient string, signed, fresh bool) vouched {
	switch {
	case !signed:
		return vouched{doubt: DoubtForged}
	case !fresh:
		return vouched{recipient: recipient, doubt: DoubtExpired}
	}
	h := sha256.Sum256([]byte(strings.ToLower(path)))
	return vouched{recipient: recipient, token: hex.EncodeToString(h[:12])}
}

// apply lets a return path decide: whom a notice about one recipient concerns,
// and what proof there is. What is in doubt has none, whatever else the notice
// encloses: only somebody who made it up, or kept it, sends to such a path.
func (v vouched) apply(a *attribution, recipients int) {
	if v.doubt == "" && v.recipient != "" {
		mailed := policy.Key(v.recipient)
		if recipients == 1 {
			a.key = mailed
		}
		if a.key != mailed {
			v.doubt = doubtOther // a mail to a signed path has one recipient
		}
	}
	switch {
	case v.doubt != "":
		a.proof, a.doubt = policy.ProofNone, v.doubt
	case v.recipient != "":
		a.proof, a.token, a.doubt = policy.ProofSigned, v.token, ""
	case a.proof < policy.ProofReturned:
		// A tag is the same for all recipients of a day, and all of them know it:
		// that we mailed this one is the notice's word alone.
		a.proof, a.doubt = policy.ProofReturned, ""
	}
}

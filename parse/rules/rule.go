package rules

import (
	"regexp"
	"slices"
	"strings"

	"harvester/parse/bounce"
)

// Rule says what one phrase, token or vendor code means.
type Rule struct {
	ID       string        `toml:"id"` // stable; stored with each event
	Vendor   string        // of the file; "generic" for phrases of nobody in particular
	Remote   []string      `toml:"remote,one"`   // host patterns of which one must match the remote MTA
	Weak     bool          `toml:"weak"`         // counts only where no other phrase and no clear code speaks
	Greeting bool          `toml:"greeting"`     // how a vendor begins whatever it says: ranks below any words that name a cause
	Scoped   bool          `toml:"scoped"`       // only when the vendor itself speaks: by host or by a marker in the text
	Code     string        `toml:"code"`         // reply code, or its first digits
	Status   []string      `toml:"status,one"`   // enhanced status codes: 5.1.1, X.7.29, 5.7.606-649
	Contains []string      `toml:"contains,one"` // phrases; one is enough
	Clause   []string      `toml:"clause,one"`   // names of word lists of which a word each must stand in one clause, in any order; "!name": none
	Unless   []string      `toml:"unless,one"`   // phrases of which none may stand in the text
	IP       string        `toml:"ip"`           // "before" or "after": an IP address must stand right there beside the phrase
	Match    string        `toml:"match"`        // RE2, tried on the folded text after a phrase was found
	Reason   bounce.Reason `toml:"reason"`       // what it means
	Advice   string        `toml:"action"`       // what the operator can do
	Source   string        `toml:"source"`       // where it is documented or was seen
	Examples []string      `toml:"examples,one"` // texts that this rule must win
	Not      []string      `toml:"not,one"`      // texts that it must not win

	File         string // where it stands
	Own          bool   // from an operator's folder, not built in
	Line, Column int

	re     *regexp.Regexp
	status []statusPattern
	scope  int // of Remote, noScope for none
	vendor int // scope of the vendor, when Scoped
}

// generic is the vendor of phrases that belong to nobody in particular.
const generic = "generic"

// header is what a file says of its vendor.
type header struct {
	vendor  string
	named   bool     // the file names the vendor itself
	hosts   []string // key "remote": the vendor's hosts
	markers []string // key "marker": words of a text that prove the vendor speaks
	words   []Words
}

// codeFits reports whether a reply code begins with the digits that the rule asks for.
func (r *Rule) codeFits(code int) bool {
	want := strings.TrimRight(r.Code, "xX")
	switch len(want) {
	case 0:
		return true
	case 1:
		return code/100 == int(want[0]-'0')
	case 2:
		return code/10 == int(want[0]-'0')*10+int(want[1]-'0')
	default:
		return code == int(want[0]-'0')*100+int(want[1]-'0')*10+int(want[2]-'0')
	}
}

func (r *Rule) statusFits(class byte, subject, detail uint16) bool {
	if len(r.status) == 0 {
		return true
	}
	for _, p := range r.status {
		if p.fits(class, subject, detail) {
			return true
		}
	}
	return false
}

// standing works out where the phrases of a rule stand in the precedence.
func (r *Rule) standing() ruleStanding {
	vendor := r.Vendor != generic
	p := ruleStanding{accused: accuses(r.Reason), rank: rank(r.Reason), tier: tierGeneric, vendor: vendor, expression: r.re != nil}
	switch {
	case r.Greeting:
		p.tier, p.accused, p.rank = tierGreeting, accusesOther, rankGaveUp
	case vendor:
		p.tier = tierVendor
	case len(r.Contains) == 0:
		p.tier = tierClause
	}
	if !vendor && r.Reason == bounce.PolicyRejected && p.tier == tierGeneric {
		p.accused = accusesNobody
	}
	if r.Weak {
		p.accused, p.stage = accusesOther, stageHint
	}
	p.claims = len(r.Contains) > 0 && (vendor || !r.Weak && (r.re == nil || r.Match[0] == '^') && p.accused == accusesOther)
	p.wish = r.Reason.Fault() == bounce.FaultRecipientPolicy
	p.stands = vendor && !r.Weak && p.accused != accusesNobody && (p.wish || p.accused != accusesOther)
	for _, set := range [...]bool{len(r.Remote) > 0, r.Scoped, r.Code != "", len(r.Status) > 0, r.IP != "", r.Match != ""} {
		if set {
			p.specific++
		}
	}
	return p
}

// alone reports whether a rule reads a code without any words.
func (r *Rule) alone() bool { return len(r.Contains) == 0 && len(r.Clause) == 0 }

// private reports whether all codes of a rule are a vendor's own: their details
// have three digits, as no registered one has.
func (r *Rule) private() bool {
	return !slices.ContainsFunc(r.status, func(p statusPattern) bool { return p.lo < 100 })
}

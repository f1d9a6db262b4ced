package policy

import (
	"slices"
	"strings"

	"harvester/parse/bounce"
)

// Cause is one thing that receivers hold against us, or against one mail of
// ours, and what mends it. The recipient is not at fault: nobody is suppressed
// for it.
type Cause struct {
	ID    string   `json:"id"`    // stable: "spf", "list.spamhaus", "microsoft.5.7.515"
	Group string   `json:"group"` // spf, dkim, dmarc, ptr, auth, blocklist, reputation, vendor, account, rate, content, tls, protocol, policy, path
	Title string   `json:"title"` // what is wrong, in a few words
	Steps []string `json:"steps"` // what to do, in order, in plain sentences
	Page  string   `json:"page"`  // the list's or vendor's own page; "" when there is none
}

// CauseOf is the cause behind a failure. The named list or code in the reply
// text decides before the reason, since the same reason is mended in different
// places. It is false for failures that are nobody's fault on our side.
func CauseOf(reason bounce.Reason, vendor, status, diagnostic string) (Cause, bool) {
	if f := reason.Fault(); f != bounce.FaultSender && f != bounce.FaultMessage &&
		reason != bounce.RelayDenied && reason != bounce.RoutingFailed {
		return Cause{}, false
	}
	text := strings.ToLower(diagnostic)
	for i := range fixes {
		if f := &fixes[i]; f.matches(reason, vendor, status, text) {
			return f.Cause, true
		}
	}
	return Cause{}, false
}

// fix is one row of the table. Empty conditions hold; all that are given must.
type fix struct {
	Cause
	reasons []bounce.Reason
	vendors []string
	status  []string
	words   []string // lower case, one of them stands in the reply text
}

func (f *fix) matches(reason bounce.Reason, vendor, status, text string) bool {
	return (f.reasons == nil || slices.Contains(f.reasons, reason)) &&
		(f.vendors == nil || slices.Contains(f.vendors, vendor)) &&
		(f.status == nil || slices.Contains(f.status, status)) &&
		(f.words == nil || hasWord(text, f.words))
}

// hasWord tells whether one of the words stands in text, not as a piece of a
// longer word or number.
func hasWord(text string, words []string) bool {
	for _, w := range words {
		for rest, off := text, 0; ; {
			i := strings.Index(rest, w)
			if i < 0 {
				break
			}
			from, to := off+i, off+i+len(w)
			if (from == 0 || !inWord(text[from-1]) || !inWord(w[0])) && (to == len(text) || !inWord(text[to]) || !inWord(w[len(w)-1])) {
				return true
			}
			off = from + 1
			rest = text[off:]
		}
	}
	return false
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

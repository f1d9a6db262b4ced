package policy

import (
	"strings"

	"harvester/parse/bounce"
)

// Evidence is what of the stored events can fall under a policy line.
type Evidence struct {
	Reasons []string // of bounces
	Kinds   []string // of other notices
	Behind  bool     // failures behind the address, whatever their reason
}

// EvidenceOf tells of what evidence a line speaks, by its name; false for a name
// that is no line's. It names rather too much than too little.
func EvidenceOf(line string) (Evidence, bool) {
	complaint, unsubscribe := bounce.KindComplaint.String(), bounce.KindUnsubscribe.String()
	switch line {
	case behind:
		return Evidence{Behind: true}, true
	case "complaint":
		return Evidence{Kinds: []string{complaint}}, true
	case "unsubscribe":
		return Evidence{Kinds: []string{complaint, unsubscribe}}, true
	}
	reason, _, _ := strings.Cut(line, ".")
	var r bounce.Reason
	if r.UnmarshalText([]byte(reason)) != nil {
		return Evidence{}, false
	}
	return Evidence{Reasons: []string{reason}}, true
}

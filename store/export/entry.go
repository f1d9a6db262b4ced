package export

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"harvester/parse/bounce"
	"harvester/store/policy"
	"harvester/store/query"
)

// Kind is what a target may have a word for.
type Kind uint8

// The kinds, the weakest first: of several entries for one address the strongest
// counts.
const (
	Unsubscribe Kind = iota
	SoftBounce
	HardBounce
	Manual // the operator's decision
	Complaint
)

var kindNames = [...]string{"unsubscribe", "soft bounce", "hard bounce", "operator's decision", "complaint"}

func (k Kind) String() string { return kindNames[k] }

// KindOf is the kind of an entry of the list.
func KindOf(e *query.Suppression) Kind {
	switch {
	case e.Source == policy.SourceComplaint.String():
		return Complaint
	case e.Source == policy.SourceUnsubscribe.String():
		return Unsubscribe
	case e.Source == policy.SourceOperator.String():
		return Manual
	case e.Class == bounce.ClassHard:
		return HardBounce
	default:
		return SoftBounce
	}
}

// unwritable says why no file can hold the address, "" when one can.
func unwritable(address string) string {
	switch at := strings.LastIndexByte(address, '@'); {
	case !utf8.ValidString(address):
		return "is not valid UTF-8"
	case strings.ContainsFunc(address, unicode.IsControl):
		return "holds a control character"
	case at <= 0 || at == len(address)-1:
		return "is no address: one part beside the @ is empty"
	default:
		return ""
	}
}

package export

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"harvester/parse/bounce"
	"harvester/store"
)

// kind is what a target may have a word for.
type kind uint8

const (
	unsubscribe kind = iota
	softBounce
	hardBounce
	manual
	complaint
)

var kindNames = [...]string{"unsubscribe", "soft bounce", "hard bounce", "operator's decision", "complaint"}

func (k kind) String() string { return kindNames[k] }

func kindOf(e *store.Suppression) kind {
	switch {
	case e.Source == "complaint":
		return complaint
	case e.Source == "unsubscribe":
		return unsubscribe
	case e.Source == "operator":
		return manual
	case e.Class == bounce.ClassHard:
		return hardBounce
	default:
		return softBounce
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

package export

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Entry is one address that must not be mailed.
type Entry struct {
	Address, Key, Reason, Class, Stream string
	Since, LastSeen, Expires            time.Time
	Count                               int
	Source, Rule, Status                string
	ReplyCode                           int
	RemoteMTA, Diagnostic, Line         string
}

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

func kindOf(e *Entry) kind {
	switch {
	case e.Reason == "complaint":
		return complaint
	case e.Reason == "unsubscribe":
		return unsubscribe
	case e.Source == "operator":
		return manual
	case e.Class == "hard":
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

package envelope

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Fault says why no mail can have gone to addr over the Internet (RFC 5321
// §4.1.2, §4.5.3.1; RFC 6531), "" where it can. It says it in a few words that
// do not name the address.
//
// Dots that stand where no dot-atom has them are no fault: Japanese providers
// gave out such addresses, and they receive mail. An address literal is one:
// it names a host of today, whoever that is tomorrow.
func Fault(addr string) string {
	local, domain, ok := cut(addr)
	if !ok {
		return "without a local part or a domain"
	}
	quoted := len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"'
	for i, r := range addr {
		switch {
		case !quoted && i < len(local) && strings.ContainsRune(`()<>[],;:\"`, r):
			return "with a sign in it that needs quotes"
		case ' ' < r && r < 0x7f:
		case r == utf8.RuneError && !strings.HasPrefix(addr[i:], "\uFFFD"):
			return "with a byte that is no UTF-8"
		case r == ' ' && quoted && i < len(local):
		case unicode.IsSpace(r) || unicode.In(r, unicode.Z):
			return fmt.Sprintf("with white space in it (U+%04X)", r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) || r == utf8.RuneError || unicode.In(r, unicode.Noncharacter_Code_Point):
			return fmt.Sprintf("with a character in it that nobody sees (U+%04X)", r)
		}
	}
	switch {
	case len(local) > 64:
		return "with a local part of more than 64 octets"
	case len(addr) > 254:
		return "of more than 254 octets"
	case !quoted && strings.Contains(local, "@"):
		return "with a second @"
	case domain[0] == '[' && domain[len(domain)-1] == ']':
		return IsLiteral
	}
	return domainFault(domain)
}

// IsLiteral is the Fault of an address whose domain is an address literal (RFC
// 5321 §4.1.3) and that has no other.
const IsLiteral = "with an address literal for a domain"

func domainFault(domain string) string {
	domain = strings.TrimSuffix(domain, ".")
	if strings.ContainsAny(domain, "[]") {
		return "with half an address literal"
	}
	if !strings.Contains(domain, ".") {
		return "without a dot in its domain"
	}
	if a, err := idna.Punycode.ToASCII(domain); err == nil {
		domain = a // what goes over the wire, unless both servers know SMTPUTF8
	}
	for label := range strings.SplitSeq(domain, ".") {
		switch {
		case label == "":
			return "with an empty label in its domain"
		case len(label) > 63:
			return "with a label of more than 63 octets in its domain"
		}
	}
	return ""
}

func cut(addr string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at <= 0 || at == len(addr)-1 {
		return "", "", false
	}
	return addr[:at], addr[at+1:], true
}

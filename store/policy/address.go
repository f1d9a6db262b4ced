package policy

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"harvester/parse/domain"
	"harvester/parse/envelope"
)

// domains maps to A-labels as a look-up would, but passes what DNS tolerates
// and strict profiles refuse (underscores, leading hyphens).
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.VerifyDNSLength(false))

// Key is the form under which an address is counted: local part and domain
// lower-cased, the domain as A-label, both in NFC; quotes that a local part
// does not need are dropped. Plus tags and dots are never folded, since what
// they mean is the receiver's business. Key is total: what is no address comes
// back lower-cased, and what has no "@" has an empty domain.
func Key(address string) string {
	if isKey(address) {
		return address
	}
	a := strings.TrimSpace(address)
	a = strings.TrimSuffix(strings.TrimPrefix(a, "<"), ">")
	at := strings.LastIndexByte(a, '@')
	if at < 0 {
		return lower(a)
	}
	local, domain := a[:at], strings.TrimSuffix(a[at+1:], ".")
	return lower(unquote(local)) + "@" + DomainKey(domain)
}

// isKey tells that an address is in the form of Key already, as most of those
// are that a program asks for. It knows only the plainest.
func isKey(a string) bool {
	at := -1
	for i := range len(a) {
		switch c := a[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == '+', c == '=':
		case c == '@' && at < 0:
			at = i
		default:
			return false
		}
	}
	return at > 0 && a[len(a)-1] != '.'
}

// DomainKey is the domain half of Key.
func DomainKey(domain string) string {
	domain = strings.TrimSuffix(strings.TrimSpace(domain), ".")
	if ascii(domain) {
		return strings.ToLower(domain)
	}
	if a, err := domains.ToASCII(norm.NFC.String(domain)); err == nil {
		return strings.ToLower(a)
	}
	return lower(domain)
}

// Domain is the domain of a key, "" when there is none.
func Domain(key string) string {
	at := strings.LastIndexByte(key, '@')
	if at < 0 {
		return ""
	}
	return key[at+1:]
}

// IsAddress tells whether p is one bare address that mail can be sent to
// (envelope.Fault; an operator may mean an address literal), blanks around it and RFC 5322's other frills
// excluded: a slip of the pen must look neither like a decision nor like
// somebody who may be mailed.
func IsAddress(p string) bool {
	at := strings.LastIndexByte(p, '@')
	if fault := envelope.Fault(p); fault != "" && fault != envelope.IsLiteral {
		return false
	}
	quoted := at > 2 && p[0] == '"' && p[at-1] == '"'
	for i, r := range p {
		if r < ' ' || r == 0x7f || i != at && (i > at || !quoted) && strings.ContainsRune(` ()<>,;:\@"`, r) && !(i > at && r == ':') {
			return false
		}
	}
	key := Key(p)
	return !strings.HasPrefix(key, "@") && Domain(key) != "" && !strings.ContainsAny(Domain(key), " *?<>")
}

// Own tells whether name is a domain of ours or stands below one that is not
// exact. Both are in the form of DomainKey.
func Own(name string, own []string) bool { return domain.Below(name, own) }

// Protected says why the address behind key is never suppressed, "" when it
// may be: our own addresses, those that mail systems write from (RFC 5321
// §4.5.1, RFC 2142) and return paths that were rewritten on the way.
func Protected(key string, own []string) string {
	at := strings.LastIndexByte(key, '@')
	if at <= 0 || at == len(key)-1 {
		return "not an address"
	}
	local := key[:at]
	switch {
	case Own(key[at+1:], own):
		return "an address of our own domains"
	case local == "mailer-daemon" || local == "postmaster" || local == "abuse":
		return "a role address (RFC 2142)"
	case strings.HasPrefix(local, "srs0=") || strings.HasPrefix(local, "srs1=") || strings.HasPrefix(local, "prvs="):
		return "a rewritten return path (SRS, BATV)"
	}
	return ""
}

// Covers tells whether an override's pattern ("@domain", "@*.domain", or a
// key) covers the address behind key.
func Covers(pattern, key string) bool {
	if sub, ok := strings.CutPrefix(pattern, "@*."); ok {
		return strings.HasSuffix(Domain(key), "."+sub)
	}
	if strings.HasPrefix(pattern, "@") {
		return Domain(key) == pattern[1:]
	}
	return pattern == key
}

// unquote drops the quotes of a local part that is a dot-atom without them.
func unquote(local string) string {
	if len(local) < 3 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	in := local[1 : len(local)-1]
	for i := range len(in) {
		if c := in[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`()<>[]:;@\,"`, c) >= 0 {
			return local
		}
	}
	if in[0] == '.' || in[len(in)-1] == '.' || strings.Contains(in, "..") {
		return local
	}
	return in
}

func lower(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	// strings.ToLower makes İ an i, which is another letter and perhaps another
	// person; Unicode's full mapping keeps its dot.
	s = strings.ReplaceAll(norm.NFC.String(s), "İ", "i\u0307")
	return norm.NFC.String(strings.ToLower(s))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

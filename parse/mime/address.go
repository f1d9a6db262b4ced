package mime

import (
	"strconv"
	"strings"
	"unicode"
)

// Address reads one mailbox as real mail writes it (RFC 5322 §3.4 and far
// beyond): addr is the address without brackets, route, comments and trailing
// punctuation, "" when s holds none; name is the display name or, without one,
// the comment, decoded. Dots and quotes of the local part are never repaired,
// since `a..b@docomo.ne.jp` and `"a b"@example.org` receive mail. Words beside
// an address that nothing sets apart make it none: `john smith@example.com` is
// not smith.
func Address(s string) (addr, name string) {
	s = strings.TrimSpace(s)
	if len(s) > maxAddress {
		s = s[:maxAddress]
	}
	if plainAddress(s) { // as most are
		return s, ""
	}
	if n := len(s); n > 2 && s[0] == '<' && s[n-1] == '>' && plainAddress(s[1:n-1]) {
		return s[1 : n-1], ""
	}
	if !ascii(s) {
		s = strings.TrimFunc(fullwidth.Replace(s), func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	}
	t := scanAddress(s)
	if t.hasAngle {
		addr = cleanAddress(t.angle)
		if addr == "" {
			addr = cleanAddress(t.words) // QUIRK: `a@example.org <>`
		} else {
			name = t.words
		}
		if name == "" && addr == "" {
			name = t.words
		}
	} else if addr = cleanAddress(t.words); addr == "" {
		name = t.words
	}
	if name == "" {
		name = t.comment
	}
	return addr, DecodeWords(strings.Trim(name, " \t\"'"))
}

// plainAddress tells whether s is nothing but an address of letters, digits and
// the signs that need no second look.
func plainAddress(s string) bool {
	at := -1
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '@':
			if at >= 0 {
				return false
			}
			at = i
		case c != '.' && c != '-' && c != '_' && c != '+' && c != '=':
			return false
		case i == len(s)-1:
			return false
		}
	}
	return at > 0 && at < len(s)-1
}

// Quoted shows what was read where an address was expected, in a note.
func Quoted(v string) string {
	const most = 100
	if len(v) > most {
		return strconv.QuoteToASCII(v[:most]) + "…"
	}
	return strconv.QuoteToASCII(v)
}

// fullwidth are the signs of an address as East Asian keyboards write them.
var fullwidth = strings.NewReplacer("＠", "@", "．", ".")

// maxAddress bounds what is looked at for one mailbox.
const maxAddress = 1024

// Addresses returns the addresses of a list (RFC 5322 §3.4), in order. Group
// names and entries without an address are left out.
func Addresses(s string) []string {
	out, _ := Entries(s)
	return out
}

// Entries returns Addresses, and how many entries with an @ are none.
func Entries(s string) (out []string, odd int) {
	for len(s) > 0 {
		n := entryEnd(s)
		if addr, _ := Address(afterGroup(s[:n])); addr != "" {
			out = append(out, addr)
		} else if strings.IndexByte(s[:n], '@') >= 0 {
			odd++
		}
		if n == len(s) {
			break
		}
		s = s[n+1:]
	}
	return out, odd
}

// entryEnd returns where the first entry of a list ends. Inside quotes,
// comments and brackets a comma ends nothing, unless they are never closed.
func entryEnd(s string) int {
	quoted, angle, depth, firstComma := false, false, 0, -1
	for i := 0; i < len(s) && i < maxAddress; i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
			if c == ',' && firstComma < 0 {
				firstComma = i
			}
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' || c == ';':
			if depth == 0 && !angle {
				return i
			}
			if firstComma < 0 && !(angle && depth == 0 && strings.IndexByte(s[i:min(len(s), i+300)], '>') >= 0) {
				firstComma = i
			}
		}
	}
	if (quoted || angle || depth > 0) && firstComma >= 0 {
		return firstComma
	}
	return min(len(s), maxAddress)
}

// afterGroup drops the name of a group (`Friends: a@example.org`).
func afterGroup(s string) string {
	i := strings.IndexByte(s, ':')
	if i < 0 || strings.ContainsAny(s[:i], `@"<(`) {
		return s
	}
	return s[i+1:]
}

// tokens is what a mailbox is made of.
type tokens struct {
	words    string // outside brackets and comments, blanks folded
	angle    string // inside the brackets
	hasAngle bool
	comment  string
}

func scanAddress(s string) tokens {
	if !strings.ContainsAny(s, `<>("`) { // a bare address, as most are
		return tokens{words: s}
	}
	var t tokens
	var words, comment strings.Builder
	angleAt := -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			end := closingQuote(s, i)
			if angleAt < 0 {
				words.WriteString(s[i : end+1])
			}
			i = end
		case c == '(' && angleAt < 0:
			depth, j := 1, i+1
			for ; j < len(s) && depth > 0; j++ {
				switch s[j] {
				case '(':
					depth++
				case ')':
					depth--
				case '\\':
					j++
				}
			}
			j = min(j, len(s))
			if comment.Len() == 0 {
				comment.WriteString(strings.TrimSuffix(s[i+1:j], ")"))
			}
			i = j - 1
			words.WriteByte(' ') // what it parts is not one word
		case c == '<':
			angleAt = i + 1 // the innermost counts
		case c == '>' && angleAt >= 0:
			if !t.hasAngle || cleanAddress(t.angle) == "" {
				t.angle, t.hasAngle = s[angleAt:i], true
			}
			angleAt = -1
		case c == '>':
		case angleAt < 0:
			words.WriteByte(c)
		}
	}
	if angleAt >= 0 { // never closed
		t.angle, t.hasAngle = s[angleAt:], true
	}
	t.words, t.comment = strings.TrimSpace(words.String()), comment.String()
	return t
}

// closingQuote returns where the quoted string that begins at i ends.
func closingQuote(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '"':
			return j
		}
	}
	return i // never closed: the quote is a character like others
}

// cleanAddress takes punctuation, quotes, a mailto: and a source route off an
// address; "" when what remains is none.
func cleanAddress(s string) string {
	trim := "[]"
	if strings.Contains(s, "@[") { // an address literal keeps its brackets
		trim = ""
	}
	s = strings.Trim(s, " \t\r\n<>(),;:"+trim)
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if s != "" && s[0] == '@' { // <@relay1,@relay2:a@b> (RFC 5321 §4.1.1.3)
		if i := strings.LastIndexByte(s, ':'); i >= 0 {
			s = s[i+1:]
		}
	}
	s = strings.TrimRight(s, ".,:;>)'"+trim)
	for len(s) > 1 && s[0] == s[len(s)-1] && (s[0] == '\'' || s[0] == '"') || len(s) > 1 && s[0] == '\'' && strings.Count(s, "'") == 1 {
		s = strings.TrimSuffix(s[1:], s[:1])
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return ""
	}
	if strings.ContainsFunc(s, unicode.IsControl) { // RFC 5321 §4.1.2 has no place for them
		return ""
	}
	local, domain := s[:at], strings.TrimRight(s[at+1:], `."'`)
	if domain == "" || strings.ContainsAny(domain, "<>()[]\",;:\\") && !literal(domain) || strings.ContainsFunc(domain, unicode.IsSpace) {
		return ""
	}
	if local[0] != '"' && (strings.ContainsAny(local, "<>,;") || strings.ContainsFunc(local, unicode.IsSpace)) {
		return ""
	}
	if len(local)+1+len(domain) == len(s) {
		return s
	}
	return local + "@" + domain
}

// literal tells whether a domain is an address literal (RFC 5321 §4.1.3).
func literal(domain string) bool {
	return domain[0] == '[' && strings.IndexByte(domain, ']') == len(domain)-1 && !strings.ContainsAny(domain, " \t")
}

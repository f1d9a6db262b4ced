package export

import (
	"harvester/store/query"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// byKey spells an address in lower case with the domain as A-label, for
// targets that fold case or can't do without ASCII.
func byKey(e *query.Suppression, _ *Target) string { return e.Key }

const keySpelling = "lower case, domain as A-label (RFC 5890)"

// The refusals that several targets share. Each says why, or "".

func refuseQuoted(e *query.Suppression) string {
	if strings.HasPrefix(e.Key, `"`) {
		return "has a quoted local part, which the target does not take"
	}
	return ""
}

// unquoted refuses what stands without quotes and means something else there:
// mail servers take (x) for a comment and <x> for the address.
func unquoted(key string) string {
	if key[0] != '"' && strings.ContainsAny(key[:strings.LastIndexByte(key, '@')], "()<>") {
		return "holds brackets without quotes, which mail servers take for a comment or another address"
	}
	return ""
}

func refuseUnicode(e *query.Suppression) string {
	if strings.ContainsFunc(e.Key, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "is not ASCII (SMTPUTF8), which the target does not take"
	}
	return ""
}

func refuseHash(e *query.Suppression) string {
	if strings.HasPrefix(e.Key, "#") {
		return "begins with #, which the target takes for a comment"
	}
	return ""
}

// refuseStrict refuses what net/mail does not read back as the same address,
// as targets written in Go do.
func refuseStrict(e *query.Suppression) string {
	if a, err := mail.ParseAddress(e.Key); err != nil || a.Address != e.Key {
		return "is no address by RFC 5322, which the target insists on"
	}
	return ""
}

// refuseAny joins refusals; the first that speaks counts.
func refuseAny(fs ...func(*query.Suppression) string) func(*query.Suppression) string {
	return func(e *query.Suppression) string {
		for _, f := range fs {
			if why := f(e); why != "" {
				return why
			}
		}
		return ""
	}
}

// unicodeForm is a key with its domain as a person writes it; the same key
// when the domain is plain ASCII.
func unicodeForm(key string) string {
	at := strings.LastIndexByte(key, '@')
	if !strings.Contains(key[at+1:], "xn--") {
		return key
	}
	u, err := idna.ToUnicode(key[at+1:])
	if err != nil {
		return key
	}
	return key[:at+1] + u
}

// Why is the reason in a few ASCII words: "user_unknown 5.1.1".
func Why(e *query.Suppression) string {
	if e.Status == "" {
		return e.Reason
	}
	return e.Reason + " " + printable(e.Status)
}

// printable drops what is no printable ASCII.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// appendJSON appends s as a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0 // most texts are ASCII without anything to escape
	for plain < len(s) && s[plain] >= ' ' && s[plain] < utf8.RuneSelf && s[plain] != '"' && s[plain] != '\\' {
		plain++
	}
	b = append(b, s[:plain]...)
	for _, r := range s[plain:] {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// appendCSV appends a field, quoted only where RFC 4180 asks for it: several
// importers take quotes around an address for a part of it.
func appendCSV(b []byte, s string) []byte { return appendDelimited(b, s, ',') }

func appendDelimited(b []byte, s string, delimiter byte) []byte {
	if s == "" || strings.IndexByte(s, delimiter) < 0 && !strings.ContainsAny(s, "\"\r\n") && s[0] != ' ' && s[len(s)-1] != ' ' {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// appendTime appends RFC 3339 in UTC with whole seconds, nothing for the zero time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return t.UTC().AppendFormat(b, time.RFC3339) // package time is quick with this layout
}

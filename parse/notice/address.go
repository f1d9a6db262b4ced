package notice

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ScanAddress reads an address (RFC 5321 §4.1.2 Mailbox, and what lies beyond
// it in real mail: `a..b@`, `.a@`, SMTPUTF8) from the start of s and returns it
// with its length in s. It wants a domain with a dot or an address literal:
// "user@host" of a log line is no recipient.
func ScanAddress(s string) (addr string, n int) {
	local := 0
	if strings.HasPrefix(s, `"`) {
		for i := 1; i < len(s) && i < 130; i++ {
			if s[i] == '\\' {
				i++
			} else if s[i] == '"' {
				local = i + 1
				break
			}
		}
	} else {
		for local < len(s) && IsLocal(s[local]) {
			local++
		}
	}
	if local == 0 || local > 254 || local >= len(s) || s[local] != '@' {
		return "", 0
	}
	rest := s[local+1:]
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 3 || end > 60 {
			return "", 0
		}
		return s[:local+1+end+1], local + 1 + end + 1
	}
	end, dot := 0, false
	for end < len(rest) {
		c := rest[end]
		if c == '.' {
			if end == 0 || end+1 >= len(rest) || !isDomain(rest[end+1]) {
				break
			}
			dot = true
		} else if c == '-' || c == '_' {
			if end == 0 {
				break
			}
		} else if c >= 0x80 {
			n := foreign(rest, end)
			if n == 0 {
				break
			}
			end += n
			continue
		} else if !isDomain(c) {
			break
		}
		end++
	}
	for end > 0 && rest[end-1] == '-' {
		end--
	}
	if !dot || end < 3 || end > 255 || !utf8.ValidString(rest[:end]) {
		return "", 0
	}
	return s[:local+1+end], local + 1 + end
}

// foreign returns the length of the letter at rest[i] that an internationalised
// domain may hold there, or 0. Scripts without blanks write the next word right
// behind an address: "user@example.com으로" ends before the particle.
func foreign(rest string, i int) int {
	r, n := utf8.DecodeRuneInString(rest[i:])
	if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
		return 0
	}
	if i > 0 && rest[i-1] < 0x80 && rest[i-1] != '.' && unicode.In(r, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
		return 0
	}
	return n
}

// keys stand before an address and "=", which a local part may hold, too. The
// user of user=example.com@lists.example.org (VERP) is none of them.
var keys = map[string]bool{
	"smtp": true, "rcpt": true, "rcptto": true, "rcpt_to": true, "recipient": true, "recipients": true, "to": true, "orig_to": true, "mailto": true, "email": true, "address": true, "addr": true, "dest": true, "destination": true,
	"final-recipient": true, "original-recipient": true, "final_recipient": true, "original_recipient": true, "envelope-to": true, "from": true, "sender": true, "mailfrom": true, "mail_from": true, "envelope-from": true,
}

// keyed returns the length of the key and "=" that addr begins with, or 0.
func keyed(addr string) int {
	if key, _, ok := strings.Cut(addr, "="); ok && keys[strings.ToLower(key)] {
		return len(key) + 1
	}
	return 0
}

// FindAddress returns the first address in s, with its position.
func FindAddress(s string) (addr string, start, end int) {
	for from := 0; ; {
		at := strings.IndexByte(s[from:], '@')
		if at < 0 {
			return "", 0, 0
		}
		at += from
		start := at
		if at > 0 && s[at-1] == '"' {
			if q := strings.LastIndexByte(s[:at-1], '"'); q >= 0 {
				start = q
			}
		} else {
			for start > 0 && IsLocal(s[start-1]) {
				start--
			}
		}
		// QUIRK: prose wraps addresses in apostrophes, which are legal in a
		// local part: 'user@example.com' is user@example.com.
		for start < at && s[start] == '\'' {
			start++
		}
		if start > 0 && s[start-1] == '@' { // a@b@c: which part is whose, nobody can tell
			from = at + 1
			continue
		}
		if addr, n := ScanAddress(s[start:]); n > 0 {
			if strings.Contains(addr, "//") { // of a link
				from = at + 1
				continue
			}
			// SMTP=user@host of an X.400 or X.500 name, rcpt=user@host of a log.
			if skip := keyed(addr); skip > 0 {
				start, n = start+skip, n-skip
			}
			start, end := whole(s, start, start+n)
			return s[start:end], start, end
		}
		from = at + 1
	}
}

// whole widens an address to all that stands in its place where it is only a
// part of that: behind a control character, or between brackets that hold more,
// as in <john smith@example.com>. What comes of it is no address, which is
// better than somebody else's.
func whole(s string, start, end int) (from, to int) {
	for start > 0 && control(s[start-1]) {
		for start > 0 && (control(s[start-1]) || IsLocal(s[start-1])) {
			start--
		}
	}
	open := strings.LastIndexAny(s[:start], "<>")
	shut := strings.IndexAny(s[end:], "<>")
	if open < 0 || s[open] != '<' || shut < 0 || s[end+shut] != '>' {
		return start, end
	}
	before, behind := s[open+1:start], s[end:end+shut]
	first, last := strings.Trim(before, " \t'\"(["), strings.TrimSpace(behind)
	if first != "" && !strings.ContainsAny(first, ":=@/") ||
		last != "" && (behind[0] == ',' || behind[0] == ';') || last != "" && !strings.HasPrefix(behind, last) && !strings.ContainsAny(last, " :=@/(") {
		return open + 1, end + shut
	}
	return start, end
}

func control(c byte) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f }

// BareAddress returns the address that s consists of, without brackets, quotes, list
// marks and what else layouts put around an address that stands alone.
func BareAddress(s string) (string, bool) {
	s = strings.TrimSpace(s)
	s = strings.TrimLeft(s, "*-•·>| \t")
	s = strings.TrimSpace(strings.TrimRight(s, ".,;: \t"))
	if i := strings.Index(s, "<mailto:"); i >= 0 { // user@example.org<mailto:user@example.org>
		s = s[i+len("<mailto:"):]
		s, _, _ = strings.Cut(s, ">")
	}
	if strings.HasPrefix(s, "mailto:") { // a link, to whom it may be asked
		return "", false
	}
	if len(s) > 1 && s[0] == '<' {
		s = strings.Trim(s, "<>")
	}
	for _, q := range [...]string{`''`, "()", "[]", "‘’", "“”"} {
		open, shut := q[:len(q)/2], q[len(q)/2:]
		if strings.HasPrefix(s, open) && strings.HasSuffix(s, shut) && len(s) > len(q) {
			s = s[len(open) : len(s)-len(shut)]
		}
	}
	addr, n := ScanAddress(s)
	return addr, n > 0 && n == len(s) && keyed(addr) == 0
}

func IsLocal(c byte) bool {
	return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) >= 0
}

func isDomain(c byte) bool {
	return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// OpensWithAddress reads `<addr>: reason`, `<addr>:` and `<addr>` at the begin of a line.
func OpensWithAddress(line string) (addr, rest string, ok bool) {
	if !strings.HasPrefix(line, "<") {
		return "", "", false
	}
	addr, n := ScanAddress(line[1:])
	if n == 0 || !strings.HasPrefix(line[1+n:], ">") {
		return "", "", false
	}
	tail := strings.TrimSpace(line[n+2:])
	if tail == "" {
		return addr, "", true
	}
	if rest, ok := strings.CutPrefix(tail, ":"); ok {
		return addr, strings.TrimSpace(rest), true
	}
	return "", "", false
}

package mime

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how many bytes of one part are decoded to text. No notice is as
// long; a mail that was returned inside one may be.
const MaxText = 4 << 20

// Text returns the body as UTF-8 with LF line ends: transfer encoding and
// charset undone, byte order mark, NUL and invisible characters dropped,
// leading blanks kept. HTML stays HTML.
func (p *Part) Text() string {
	s, _ := p.Decode()
	return s
}

// Decode returns Text and what had to be repaired for it.
func (p *Part) Decode() (text string, notes []string) {
	raw, enc := p.body, p.encoding()
	if len(raw) > MaxText {
		raw, notes = raw[:MaxText], append(notes, "text limit reached, rest not read")
	}
	b := raw
	switch {
	case enc != "":
		b = decodeTransfer(b, enc)
		if enc == "base64" && (len(b) == len(raw) || garbled(b)) && !garbled(raw) {
			b, notes = raw, append(notes, "text was not in the transfer encoding that it declares")
		}
	case blob(b):
		if out, ok := decodeBase64(b); ok && !garbled(out) {
			b, notes = out, append(notes, "undeclared base64 decoded")
		}
	case softBreaks(b):
		b, notes = decodeQP(b), append(notes, "undeclared quoted-printable decoded")
	}
	label := ""
	if p.ctype != "" {
		label = p.Param("charset")
	}
	if p.Type == "text/html" && !known(label) {
		label = metaCharset(b)
	}
	if bytes.IndexByte(b, 0) >= 0 {
		notes = append(notes, "NUL bytes dropped")
	}
	if ascii(b) && bytes.IndexByte(b, 0x1b) < 0 && !sevenBit(label) {
		return toLF(b), notes
	}
	s := toLF([]byte(decodeCharset(b, label)))
	if p.Type != "text/html" && strings.ContainsFunc(s, invisible) {
		return visibleButInAddresses(s), notes
	}
	return visible(s), notes
}

// garbled tells whether b is nothing that a person reads: more than 30 %
// controls.
func garbled(b []byte) bool {
	b = b[:min(len(b), 4096)]
	controls := 0
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != 0 || c == 0x7f {
			controls++
		}
	}
	return controls*10 > len(b)*3
}

// blob tells whether a body without a transfer encoding is one block of base64.
func blob(b []byte) bool {
	line, _ := cutLine(bytes.TrimLeft(b, " \t\r\n"))
	if len(line) < 40 || len(line)%4 != 0 {
		return false
	}
	digits, upper, lower := 0, 0, 0
	for _, c := range line {
		switch {
		case b64[c] > b64Pad:
			return false
		case c >= 'a':
			lower++
		case c >= 'A':
			upper++
		default:
			digits++
		}
	}
	if digits == 0 || upper == 0 || lower == 0 {
		return false
	}
	for _, c := range b {
		if b64[c] == b64Foreign {
			return false
		}
	}
	return true
}

// softBreaks tells whether a body without a transfer encoding is
// quoted-printable all the same: two long lines that end in a single `=`.
func softBreaks(b []byte) bool {
	if bytes.IndexByte(b, '=') < 0 {
		return false
	}
	n := 0
	for len(b) > 0 && n < 2 {
		var line []byte
		line, b = cutLine(b)
		if l := len(line); l >= 60 && l < 78 && line[l-1] == '=' && line[l-2] != '=' && line[l-2] > ' ' {
			n++
		}
	}
	return n >= 2
}

// toLF turns CRLF, doubled CR and lone CR into LF and drops NUL.
func toLF(b []byte) string {
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0}, nil)
	}
	i := bytes.IndexByte(b, '\r')
	if i < 0 {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	for i >= 0 {
		out.Write(b[:i])
		for i < len(b) && b[i] == '\r' {
			i++
		}
		if i == len(b) || b[i] != '\n' {
			out.WriteByte('\n')
		}
		b = b[i:]
		i = bytes.IndexByte(b, '\r')
	}
	out.Write(b)
	return out.String()
}

// visible drops the characters that nobody sees and writes blanks and the at
// sign in their ASCII form, so that addresses and codes can be read.
func visible(s string) string {
	if ascii(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r < 0xa0:
			return r
		case r == 0xa0 || r == 0x2007 || r == 0x202f || r == 0x3000:
			return ' '
		case r == '＠':
			return '@'
		case r == '．':
			return '.'
		case invisible(r):
			return -1
		}
		return r
	}, s)
}

func invisible(r rune) bool {
	return r == 0xad || r == 0x2060 || r == 0xfeff || 0x200b <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// visibleButInAddresses is visible but for what stands within an address: HTML
// has hints there where a line may break, elsewhere they are a part of it, and
// without them it is somebody else's.
func visibleButInAddresses(s string) string {
	var out strings.Builder
	part := func(r rune) bool { return inAddress(r) || invisible(r) }
	for s != "" {
		n := strings.IndexFunc(s, part)
		if n < 0 {
			n = len(s)
		}
		out.WriteString(visible(s[:n]))
		s = s[n:]
		if n = strings.IndexFunc(s, func(r rune) bool { return !part(r) }); n < 0 {
			n = len(s)
		}
		if core := strings.TrimFunc(s[:n], invisible); strings.IndexByte(core, '@') >= 0 {
			out.WriteString(core)
		} else {
			out.WriteString(visible(core))
		}
		s = s[n:]
	}
	return out.String()
}

func inAddress(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r < 0x80 && strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.@\"", r)
}

func ascii[T string | []byte](s T) bool {
	for len(s) >= 8 {
		if (s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7])&utf8.RuneSelf != 0 {
			return false
		}
		s = s[8:]
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// metaCharset returns the charset that HTML states about itself.
func metaCharset(b []byte) string {
	head := strings.ToLower(string(b[:min(len(b), 2048)]))
	_, rest, ok := strings.Cut(head, "charset=")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, `"' `)
	if end := strings.IndexAny(rest, "\"' />;"); end >= 0 {
		return rest[:end]
	}
	return ""
}

package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"harvester/parse/status"
)

// maxText bounds the work on one reply text, in bytes. Real ones stay below
// two kilobytes.
const maxText = 16 << 10

// repair undoes what transport and logging did to a reply text: it decodes
// what is left of quoted-printable, UTF-8 that was read as Latin-1 and written
// out line ends, and drops the codes that a multi-line reply repeats on each
// line. A sound text comes back as it is.
func repair(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	if strings.IndexByte(s, '\\') >= 0 {
		s = escapes.Replace(s)
	}
	if strings.IndexByte(s, '=') >= 0 && quoted(s) {
		s = unquote(s)
	}
	if mojibake(s) {
		s = unmojibake(s)
	}
	return dropRepeatedCodes(s)
}

var escapes = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\r`, "\n")

// quoted reports whether s surely holds quoted-printable remains (RFC 2045
// §6.7): a soft line break, an encoded blank or equal sign, or an encoded
// character of UTF-8. A lone =5A can be an id.
func quoted(s string) bool {
	for _, sure := range [...]string{"=\n", "=\r\n", "=20", "=3D", "=3d", "=C2=", "=C3=", "=E2=", "=D0=", "=D1="} {
		if strings.Contains(s, sure) {
			return true
		}
	}
	return false
}

func unquote(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			out = append(out, s[i])
			continue
		}
		if strings.HasPrefix(s[i+1:], "\n") {
			i++
			continue
		}
		if strings.HasPrefix(s[i+1:], "\r\n") {
			i += 2
			continue
		}
		if i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
		}
		out = append(out, '=')
	}
	return string(out)
}

// mojibake reports whether s holds a lead byte of UTF-8 that was read as
// Latin-1 or Windows-1252, followed by what a second byte becomes.
func mojibake(s string) bool {
	for i := strings.IndexByte(s, 0xc3); i >= 0 && i+1 < len(s); i++ {
		// Ã..ô are C3 82 to C3 B4 in UTF-8; nobody writes a sign of the upper
		// half of Latin-1 behind them.
		if s[i] == 0xc3 && s[i+1] >= 0x82 && s[i+1] <= 0xb4 && i+2 < len(s) && s[i+2] >= 0xc2 {
			if r, _ := utf8.DecodeRuneInString(s[i+2:]); second(r) != 0 {
				return true
			}
		}
	}
	return false
}

// second returns the byte that r was before Windows-1252 or Latin-1 was
// assumed, if it can continue a character of UTF-8, else 0.
func second(r rune) byte {
	b, ok := charmap.Windows1252.EncodeRune(r)
	if !ok && r >= 0x80 && r <= 0xbf {
		b, ok = byte(r), true
	}
	if ok && b >= 0x80 && b <= 0xbf {
		return b
	}
	return 0
}

func unmojibake(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= 0xc2 && r <= 0xf4 {
			raw, j := []byte{byte(r)}, i+n
			for j < len(s) && len(raw) < 4 && !utf8.FullRune(raw) {
				r, n := utf8.DecodeRuneInString(s[j:])
				b := second(r)
				if b == 0 {
					break
				}
				raw, j = append(raw, b), j+n
			}
			if r, _ := utf8.DecodeRune(raw); r != utf8.RuneError {
				out.WriteRune(r)
				i = j
				continue
			}
		}
		out.WriteString(s[i : i+n])
		i += n
	}
	return out.String()
}

// dropRepeatedCodes drops the reply code, and the enhanced code after it, that each line of
// a multi-line reply repeats (RFC 5321 §4.2.1, RFC 2034 §4).
func dropRepeatedCodes(s string) string {
	_, start, end, ok := status.FindReply(s, 0)
	if !ok || end >= len(s) || s[end] != '-' && strings.IndexByte(s, '\n') < 0 {
		return s
	}
	reply, enhanced := s[start:end], ""
	if a, b, ok := status.FindEnhanced(s, end); ok && a == end+1 {
		enhanced = s[a:b]
	}
	if !strings.Contains(s[end:], reply) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s))
	out.WriteString(s[:end])
	at := end
	if s[end] == '-' {
		out.WriteByte(' ')
		at++
	}
	for i := end; i < len(s); {
		k := strings.Index(s[i:], reply)
		if k < 0 {
			break
		}
		k += i
		i = k + len(reply)
		if s[k-1] != ' ' && s[k-1] != '\n' && s[k-1] != '\r' {
			continue
		}
		rest := s[i:]
		if rest == "" || rest[0] != '-' && rest[0] != ' ' {
			continue
		}
		dash, lineStart := rest[0] == '-', s[k-1] != ' '
		rest = rest[1:]
		if enhanced != "" && strings.HasPrefix(rest, enhanced) {
			rest = rest[len(enhanced):]
		} else if enhanced != "" && !dash && !lineStart {
			continue
		}
		out.WriteString(s[at:k])
		rest = strings.TrimPrefix(rest, " ")
		at = len(s) - len(rest)
		i = at
	}
	out.WriteString(s[at:])
	return out.String()
}

package dsn

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"harvester/parse/mime"
)

// address reads a typed address (RFC 3464 §2.3.1): type, brackets, quotes and
// comments taken off, RFC 6533 and, for Original-Recipient, xtext undone. It is
// "" for what is no SMTP address: a program, a file, a word, X.400, X.500, or
// odd, one that has an @ and is none.
func (r *Report) address(f mime.Field, fromEnvelope bool) (addr string, odd bool) {
	typ, v := splitType(f.Value)
	if strings.IndexByte(v, fold) >= 0 {
		v = r.unfold(f.Name, v)
	}
	if typ == "" && v != "" {
		r.addNote(f.Name + " without an address type")
	}
	if strings.Contains(v, `\x{`) {
		v = unitext(v)
	}
	if at := strings.IndexByte(v, '+'); at >= 0 && (fromEnvelope || strings.IndexByte(v, '@') < 0 || strings.HasPrefix(typ, "utf")) {
		v = r.orcpt(v)
	}
	if gateway(typ, v) {
		if addr = Decapsulate(v); addr == "" {
			r.addNote(f.Name + " is no SMTP address")
		} else {
			r.addNote(f.Name + " decapsulated")
		}
		return addr, false
	}
	addr, _ = mime.Address(v)
	if addr == "" {
		if odd = strings.IndexByte(v, '@') >= 0; odd {
			r.addNote(f.Name + " is no address: " + mime.Quoted(v))
		} else {
			r.addNote(f.Name + " is no address")
		}
	} else if v[0] == '|' || v[0] == '/' {
		r.addNote(f.Name + " is a program or a file")
		return "", false
	}
	return addr, odd
}

// unfold joins the lines of an address. QUIRK: Courier, Domino and Exchange 5.5
// fold long addresses in mid-word. Lines are joined without a blank only where
// the first one is no whole address.
func (r *Report) unfold(name, v string) string {
	whole, rest, _ := strings.Cut(v, string(fold))
	for whole != "" && rest != "" {
		var next string
		next, rest, _ = strings.Cut(rest, string(fold))
		if strings.ContainsAny(whole, " \t") || strings.ContainsAny(next, " \t(") {
			break
		}
		if at := strings.IndexByte(whole, '@'); at >= 0 {
			open := strings.IndexByte(whole[at:], '.') < 0 || strings.HasSuffix(whole, ".") || strings.HasSuffix(whole, "-") || next[0] == '.'
			if strings.IndexByte(next, '@') >= 0 || !open && strings.IndexByte(next, '.') < 0 {
				break
			}
		}
		whole += next
		r.addNote(name + " folded inside the address")
	}
	if whole == "" {
		return unmark(rest)
	}
	return whole
}

// unmark turns the marks of folds into blanks.
func unmark(v string) string {
	if strings.IndexByte(v, fold) < 0 {
		return v
	}
	return strings.TrimSpace(strings.ReplaceAll(v, string(fold), " "))
}

// splitType cuts the type off `rfc822; a@b`. QUIRK: Mimecast and CommuniGate
// write `rfc822:` or no type.
func splitType(v string) (typ, rest string) {
	i := strings.IndexAny(v, ";:")
	if i < 0 || strings.ContainsAny(v[:i], `@<"/`) && !strings.EqualFold(strings.TrimSpace(v[:i]), "rfc/822") {
		return "", strings.TrimSpace(v)
	}
	typ = strings.ToLower(strings.TrimSpace(v[:i]))
	if typ == "mailto" {
		typ = ""
	}
	return typ, strings.TrimSpace(v[i+1:])
}

// unitext undoes `\x{HEX}` (RFC 6533 §3). An impossible code point stays.
func unitext(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		hex, tail, ok := strings.Cut(rest[:min(len(rest), 7)], "}")
		n, err := strconv.ParseUint(hex, 16, 32)
		if !ok || err != nil || len(hex) < 2 || !utf8.ValidRune(rune(n)) {
			b.WriteString(`\x{`)
			s = rest
			continue
		}
		b.WriteRune(rune(n))
		s = rest[len(rest[:min(len(rest), 7)])-len(tail):]
	}
}

// orcpt undoes the xtext (RFC 3461 §4) of an ORCPT that was copied as it came.
// A `+HH` that no encoder would write is a plus tag and stays.
func (r *Report) orcpt(v string) string {
	out := decodeXtext(v, func(c byte) bool { return c <= ' ' || c >= 0x7f || !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') })
	if out == v || !utf8.ValidString(out) {
		return v
	}
	// A blank is possible in a quoted local part alone.
	if strings.Count(out, " ") > strings.Count(v, " ") && strings.IndexByte(v, '"') < 0 {
		return v
	}
	if addr, _ := mime.Address(out); addr == "" {
		return v
	}
	r.addNote("xtext decoded")
	return out
}

// xtext undoes RFC 3461 §4 wholly, for an envelope id.
func xtext(v string) string {
	out := decodeXtext(v, func(byte) bool { return true })
	if !utf8.ValidString(out) {
		return v
	}
	return out
}

func decodeXtext(v string, accept func(byte) bool) string {
	if strings.IndexByte(v, '+') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '+' && i+2 < len(v) && upperHex(v[i+1]) && upperHex(v[i+2]) {
			if n, err := strconv.ParseUint(v[i+1:i+3], 16, 8); err == nil && accept(byte(n)) {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, v[i])
	}
	return string(out)
}

func upperHex(c byte) bool { return digit(c) || c >= 'A' && c <= 'F' }

// gateway tells whether an address belongs to another mail world.
func gateway(typ, v string) bool {
	switch typ {
	case "x400", "x500", "x-ex", "ex":
		return true
	}
	return len(v) > 5 && strings.EqualFold(v[:5], "IMCEA") ||
		len(v) > 2 && v[0] == '/' && strings.Contains(v, "=") && strings.Contains(v[1:], "/")
}

// Decapsulate finds the SMTP address that an X.400 or IMCEA address carries
// (RFC 2156 §4.3, Exchange's IMCEASMTP); "" when it carries none.
func Decapsulate(v string) string {
	upper := strings.ToUpper(v)
	if strings.HasPrefix(upper, "IMCEASMTP-") {
		local := v[len("IMCEASMTP-"):]
		if at := strings.LastIndexByte(local, '@'); at >= 0 {
			local = local[:at]
		}
		addr, _ := mime.Address(decodeXtext(strings.ReplaceAll(local, "_", "/"), func(byte) bool { return true }))
		return addr
	}
	for _, attribute := range []string{"RFC-822=", "RFC822=", "SMTP=", "SMTP:"} {
		i := strings.Index(upper, attribute)
		if i < 0 || len(upper) != len(v) {
			continue
		}
		rest := v[i+len(attribute):]
		if end := strings.IndexAny(rest, "/;"); end >= 0 {
			rest = rest[:end]
		}
		addr, _ := mime.Address(strings.NewReplacer("(a)", "@", "(A)", "@", "(u)", "_", "(U)", "_", "(p)", "%").Replace(rest))
		if addr != "" {
			return addr
		}
	}
	return ""
}

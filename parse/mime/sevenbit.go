package mime

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// decodeSevenBit undoes the charsets that hide in ASCII, told by their escapes
// first and by their label second.
func decodeSevenBit(s, label string) string {
	if strings.IndexByte(s, 0x1b) >= 0 {
		switch {
		case strings.Contains(s, "\x1b$)C"):
			return decodeISO2022KR(s)
		case strings.Contains(s, "\x1b$"), strings.Contains(s, "\x1b("):
			if out, err := japanese.ISO2022JP.NewDecoder().String(s); err == nil {
				return out
			}
		}
		return s
	}
	if !sevenBit(label) {
		return s
	}
	switch cleanLabel(label) {
	case "utf-7", "unicode-1-1-utf-7", "utf7", "x-unicode-2-0-utf-7":
		return decodeUTF7(s)
	case "hz-gb-2312", "hz":
		if out, err := simplifiedchinese.HZGB2312.NewDecoder().String(s); err == nil {
			return out
		}
	case "iso-2022-jp":
		// QUIRK: filters drop the ESC byte and leave `$B...(B`.
		if strings.Contains(s, "$B") && strings.Contains(s, "(B") {
			fixed := strings.NewReplacer("$B", "\x1b$B", "$@", "\x1b$@", "(B", "\x1b(B", "(J", "\x1b(J").Replace(s)
			if out, err := japanese.ISO2022JP.NewDecoder().String(fixed); err == nil {
				return out
			}
		}
	}
	return s
}

// sevenBit tells whether a label means a charset that may look like ASCII.
func sevenBit(label string) bool {
	switch label {
	case "", "us-ascii", "utf-8", "UTF-8", "iso-8859-1":
		return false
	}
	switch label = cleanLabel(label); label {
	case "utf-7", "unicode-1-1-utf-7", "utf7", "x-unicode-2-0-utf-7", "hz-gb-2312", "hz", "iso-2022-jp":
		return true
	}
	return false
}

// decodeISO2022KR undoes RFC 1557: SO and SI enclose the characters of EUC-KR
// without their high bits.
func decodeISO2022KR(s string) string {
	b := []byte(strings.ReplaceAll(s, "\x1b$)C", ""))
	out := b[:0]
	shifted := false
	for _, c := range b {
		switch {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == '\n':
			shifted = false
			out = append(out, c)
		case shifted && c > ' ':
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	text, err := korean.EUCKR.NewDecoder().Bytes(out)
	if err != nil {
		return s
	}
	return string(text)
}

// decodeUTF7 undoes RFC 2152. A broken run stays as it is.
func decodeUTF7(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for {
		before, rest, ok := strings.Cut(s, "+")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		n := 0
		for n < len(rest) && b64[rest[n]] < 64 {
			n++
		}
		if n == 0 { // "+-" is a plus sign
			b.WriteByte('+')
			s = strings.TrimPrefix(rest, "-")
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(rest[:n])
		if err != nil || len(raw) < 2 {
			b.WriteByte('+')
			s = rest
			continue
		}
		b.WriteString(decodeUTF16(raw, binary.BigEndian))
		s = strings.TrimPrefix(rest[n:], "-")
	}
}

// utf16Order tells the byte order of UTF-16 text by its mark or, without one,
// by more than 20 % NUL in its beginning; nil for any other text.
func utf16Order(b []byte) binary.ByteOrder {
	if len(b) < 4 {
		return nil
	}
	switch {
	case b[0] == 0xff && b[1] == 0xfe:
		return binary.LittleEndian
	case b[0] == 0xfe && b[1] == 0xff:
		return binary.BigEndian
	}
	even, odd := 0, 0
	head := b[:min(len(b), 1024)]
	for i, c := range head {
		if c == 0 {
			if i%2 == 0 {
				even++
			} else {
				odd++
			}
		}
	}
	switch {
	case (even+odd)*5 <= len(head):
		return nil
	case odd > 4*even:
		return binary.LittleEndian
	case even > 4*odd:
		return binary.BigEndian
	}
	return nil
}

func decodeUTF16(b []byte, order binary.ByteOrder) string {
	var out strings.Builder
	out.Grow(len(b) / 2)
	for len(b) >= 2 {
		r := rune(order.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) && len(b) >= 2 {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(b))); pair != 0xFFFD {
				r, b = pair, b[2:]
			}
		}
		if r != 0xFEFF {
			out.WriteRune(r)
		}
	}
	return out.String()
}

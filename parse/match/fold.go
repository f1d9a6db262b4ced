// Package match finds many phrases in one pass over a text, whatever its
// case, accents, quotes, dashes and line breaks. It knows nothing of mail: the
// meaning of reply texts and the recognition of layouts are both built on it.
package match

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ascii maps an ASCII byte to its folded form: letters to lower case, quotes
// to ', control characters to a blank. All other bytes are 0.
var ascii = func() (t [256]byte) {
	for c := range utf8.RuneSelf {
		switch {
		case 'A' <= c && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A'
		case c <= ' ' || c == 0x7f:
			t[c] = ' '
		case c == '`':
			t[c] = '\''
		default:
			t[c] = byte(c)
		}
	}
	return t
}()

// Fold appends the form of s that phrases are compared in: lower case
// (Unicode, locale independent), compatibility forms resolved, accents
// removed, typographic quotes and dashes as their ASCII kin, invisible
// characters dropped, each run of blanks and line ends one blank, none at the
// start. Text that is not UTF-8 keeps its bytes.
func Fold(dst []byte, s string) []byte { return fold(dst, len(dst), s) }

// Extend appends the form of s as the rest of a text whose begin is folded in
// dst: pieces give what Fold gives for all of them joined.
func Extend(dst []byte, s string) []byte { return fold(dst, 0, s) }

func fold(dst []byte, start int, s string) []byte {
	dst = slices.Grow(dst, len(s))
	for i := 0; i < len(s); {
		// ASCII, which is nearly all, without the checks of append: a third of the time.
		out, n := dst[:cap(dst)], len(dst)
		blank := n == start || out[n-1] == ' '
		for i < len(s) && n < len(out) {
			c := ascii[s[i]]
			if c == 0 {
				break
			}
			i++
			out[n] = c
			if c != ' ' {
				blank = false
				n++
			} else if !blank {
				blank = true
				n++
			}
		}
		if dst = out[:n]; i == len(s) {
			break
		}
		if s[i] < utf8.RuneSelf { // decomposed letters took the room
			dst = slices.Grow(dst, len(s)-i)
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		dst = foldRune(dst, start, r, s[i:i+size])
		i += size
	}
	return dst
}

// FoldString is Fold for the few texts that are folded once, such as the
// phrases of a rule.
func FoldString(s string) string { return string(Fold(nil, s)) }

// Unfold returns the part of s whose folded form stands at [from, to) in the
// result of Fold(nil, s): the words of a match as they were written.
func Unfold(s string, from, to int) string {
	var buf [64]byte
	first, last, at := -1, len(s), 0
	blank := true
	i := 0
	for i < len(s) && at < from { // most of what stands before is ASCII
		c := ascii[s[i]]
		if c == 0 {
			break
		}
		i++
		if c != ' ' || !blank {
			at++
		}
		blank = c == ' '
	}
	for i < len(s) {
		n, add := 1, 1
		if c := ascii[s[i]]; c != 0 {
			if c == ' ' && blank {
				i++
				continue
			}
			blank = c == ' '
		} else {
			_, n = utf8.DecodeRuneInString(s[i:])
			// A blank in front tells the step that another would be doubled.
			dst := append(buf[:0], 'x', 'x')
			if blank {
				dst[1] = ' '
			}
			dst = foldOne(dst, s[i:i+n])
			if add = len(dst) - 2; add > 0 {
				blank = dst[len(dst)-1] == ' '
			}
		}
		if add > 0 {
			if first < 0 && at+add > from {
				first = i
			}
			if at += add; at >= to {
				last = i + n
				break
			}
		}
		i += n
	}
	if first < 0 || first > last {
		return ""
	}
	return s[first:last]
}

// foldOne appends the folded form of the one character in s.
func foldOne(dst []byte, s string) []byte {
	if s[0] < utf8.RuneSelf {
		c := ascii[s[0]]
		if c == ' ' && dst[len(dst)-1] == ' ' {
			return dst
		}
		return append(dst, c)
	}
	r, _ := utf8.DecodeRuneInString(s)
	return foldRune(dst, 0, r, s)
}

func foldRune(dst []byte, start int, r rune, raw string) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return append(dst, raw...)
	case r == 'ß':
		return append(dst, "ss"...)
	case r == 'ł' || r == 'Ł':
		return append(dst, 'l')
	case r == 'ø' || r == 'Ø':
		return append(dst, 'o')
	case r == 'đ' || r == 'Đ':
		return append(dst, 'd')
	case r == 'ı' || r == 'İ': // Turkish: one i for all, whatever the table of the writer
		return append(dst, 'i')
	case r == 'æ' || r == 'Æ':
		return append(dst, "ae"...)
	case r == 'œ' || r == 'Œ':
		return append(dst, "oe"...)
	case r == '´' || r == 'ʼ' || r == '‘' || r == '’' || r == '‚' || r == '‛' || r == '′' || r == '‹' || r == '›':
		return append(dst, '\'')
	case r == '“' || r == '”' || r == '„' || r == '‟' || r == '«' || r == '»' || r == '「' || r == '」' || r == '″':
		return append(dst, '"')
	case r == '−' || unicode.Is(unicode.Pd, r):
		return append(dst, '-')
	case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
		if len(dst) == start || dst[len(dst)-1] == ' ' {
			return dst
		}
		return append(dst, ' ')
	case r == '\u0640' || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r):
		return dst
	}
	if d := norm.NFKD.PropertiesString(raw).Decomposition(); d != nil {
		for len(d) > 0 {
			r, n := utf8.DecodeRune(d)
			if c := d[0]; n == 1 && c < utf8.RuneSelf {
				if c = ascii[c]; c != ' ' || len(dst) > start && dst[len(dst)-1] != ' ' {
					dst = append(dst, c)
				}
			} else if !unicode.Is(unicode.Mn, r) {
				dst = utf8.AppendRune(dst, lower(r))
			}
			d = d[n:]
		}
		return dst
	}
	return utf8.AppendRune(dst, lower(r))
}

// lower is the simple case folding of r, by way of the upper case so that the
// forms of a letter such as ς and σ compare equal.
func lower(r rune) rune {
	if r == 'ς' {
		return 'σ'
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

package mime

import "strings"

// Text returns the first field called name with its RFC 2047 words and raw
// 8-bit characters decoded.
func (h Header) Text(name string) string {
	v := h.Get(name)
	if ascii(v) && strings.IndexByte(v, 0x1b) < 0 {
		return DecodeWords(v)
	}
	// Raw 8-bit: the charset of the body is the likeliest.
	return DecodeWords(decodeCharset([]byte(v), param(h.Get("Content-Type"), "charset")))
}

// DecodeWords decodes the encoded words of RFC 2047 wherever they stand, also
// inside quotes, with blanks inside or with characters split over two words.
// What cannot be decoded stays as it is. The result is UTF-8.
func DecodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		if ascii(s) && strings.IndexByte(s, 0x1b) < 0 {
			return s
		}
		return visible(decodeCharset([]byte(s), ""))
	}
	var out strings.Builder
	var run []byte // bytes of words that follow each other in one charset
	charset := ""
	flush := func() {
		if len(run) > 0 {
			out.WriteString(decodeCharset(run, charset))
			run = run[:0]
		}
	}
	f := wordFinder{s: s}
	for pos := 0; ; {
		w, ok := f.next(pos)
		if !ok {
			flush()
			out.WriteString(s[pos:])
			break
		}
		gap := s[pos:w.start]
		if len(run) == 0 || strings.Trim(gap, " \t") != "" {
			flush()
			out.WriteString(gap)
		} else if !strings.EqualFold(charset, w.charset) {
			flush()
		}
		charset = w.charset
		run = append(run, w.text...)
		pos = w.end
	}
	text := out.String()
	if ascii(text) {
		return text
	}
	return visible(decodeCharset([]byte(text), ""))
}

type word struct {
	start, end int
	charset    string
	text       []byte // as the charset has it
}

// wordFinder finds encoded words. It keeps the place of the last "?=" found,
// so that a text full of beginnings costs no more than its length.
type wordFinder struct {
	s    string
	stop int // where a "?=" stands, valid when it lies ahead
	none bool
}

func (f *wordFinder) next(pos int) (word, bool) {
	s := f.s
	for !f.none {
		i := strings.Index(s[pos:], "=?")
		if i < 0 {
			break
		}
		start := pos + i
		pos = start + 2
		// The charset is short; a long stretch is no word.
		q := strings.IndexByte(s[pos:min(len(s), pos+80)], '?')
		if q < 1 || pos+q+3 > len(s) || s[pos+q+2] != '?' {
			continue
		}
		charset, kind, text := s[pos:pos+q], s[pos+q+1]|0x20, pos+q+3
		if f.stop < text {
			j := strings.Index(s[text:], "?=")
			if j < 0 {
				f.none = true
				break
			}
			f.stop = text + j
		}
		w := word{start: start, end: f.stop + 2, charset: charset}
		ok := true
		switch kind {
		case 'q':
			w.text = decodeQWord(s[text:f.stop])
		case 'b':
			// A '?' before the end means that the end is another word's.
			if ok = strings.IndexByte(s[text:], '?') == f.stop-text; ok {
				w.text, ok = decodeBase64([]byte(s[text:f.stop]))
			}
		default:
			ok = false
		}
		if ok {
			return w, true
		}
	}
	return word{}, false
}

func decodeQWord(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s):
			if c, ok := unhex(s[i+1], s[i+2]); ok {
				out = append(out, c)
				i += 2
				continue
			}
			out = append(out, '=')
		default:
			out = append(out, s[i])
		}
	}
	return out
}

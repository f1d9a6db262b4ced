package mime

import (
	"strconv"
	"strings"
)

// contentType picks the Content-Type field that holds and returns its media
// type and its value. Of several the first whose boundary stands in the body.
func contentType(h Header, body []byte, def string) (typ, value string) {
	seen := 0
	for i := range h {
		if len(h[i].Name) != 12 || !strings.EqualFold(h[i].Name, "Content-Type") {
			continue
		}
		if seen++; seen > 4 { // each costs a search through the body
			break
		}
		if typ == "" {
			typ, value = mediaType(h[i].Value), h[i].Value
			if !strings.HasPrefix(typ, "multipart/") && typ != "" {
				// A second field can still be the one that fits.
				continue
			}
			continue
		}
		second := mediaType(h[i].Value)
		b := param(h[i].Value, "boundary")
		if strings.HasPrefix(second, "multipart/") && b != "" && present(body, b) &&
			!(strings.HasPrefix(typ, "multipart/") && present(body, param(value, "boundary"))) {
			typ, value = second, h[i].Value
		}
	}
	if typ == "" {
		typ = def
	}
	return typ, value
}

// mediaType reads `type/subtype` off the beginning of a value that may be
// broken behind it; "" when there is none.
func mediaType(v string) string {
	v = strings.TrimLeft(v, " \t\"';")
	end := strings.IndexAny(v, "; \t(\",'")
	if end < 0 {
		end = len(v)
	}
	v = strings.ToLower(v[:end])
	switch v {
	case "text":
		return "text/plain"
	case "multipart":
		return "multipart/mixed"
	}
	slash := strings.IndexByte(v, '/')
	if slash <= 0 || slash == len(v)-1 {
		return ""
	}
	return v
}

// param finds a parameter in a structured field whose grammar may be broken:
// missing or doubled semicolons, missing quotes, special characters unquoted.
func param(v, name string) string {
	i := strings.IndexAny(v, "; \t")
	if i < 0 {
		return ""
	}
	var pieces []string // of an RFC 2231 value, by number
	extended := false
	for i < len(v) {
		for i < len(v) && strings.IndexByte("; \t", v[i]) >= 0 {
			i++
		}
		start := i
		for i < len(v) && strings.IndexByte("=; \t", v[i]) < 0 {
			i++
		}
		key := strings.Trim(v[start:i], `"'`)
		j := i
		for j < len(v) && (v[j] == ' ' || v[j] == '\t') {
			j++
		}
		if j >= len(v) || v[j] != '=' {
			continue
		}
		i = j + 1
		for i < len(v) && (v[i] == ' ' || v[i] == '\t') {
			i++
		}
		var value string
		value, i = paramValue(v, i)
		if strings.EqualFold(key, name) && value != "" {
			return value
		}
		if len(key) <= len(name) || key[len(name)] != '*' || !strings.EqualFold(key[:len(name)], name) {
			continue
		}
		number, star := strings.CutSuffix(key[len(name)+1:], "*")
		if number == "" { // name*=
			return decodeExtended(value, true)
		}
		if n, err := strconv.Atoi(number); err == nil && n == len(pieces) && n < 100 {
			extended = extended || star && n == 0
			pieces = append(pieces, value)
		}
	}
	return decodeExtended(strings.Join(pieces, ""), extended)
}

// paramValue reads the value that begins at i and returns where it ended.
func paramValue(v string, i int) (string, int) {
	if i < len(v) && v[i] == '"' {
		if end := strings.IndexByte(v[i+1:], '"'); end >= 0 && strings.IndexByte(v[i+1:i+1+end], '\\') < 0 {
			return v[i+1 : i+1+end], i + end + 2
		}
		var b strings.Builder
		for j := i + 1; j < len(v); j++ {
			switch {
			case v[j] == '"':
				return b.String(), j + 1
			case v[j] == '\\' && j+1 < len(v):
				j++
				b.WriteByte(v[j])
			default:
				b.WriteByte(v[j])
			}
		}
		i++ // the closing quote is missing
	}
	end := strings.IndexAny(v[i:], "; \t")
	if end < 0 {
		end = len(v) - i
	}
	return strings.Trim(v[i:i+end], `"`), i + end
}

// decodeExtended undoes `charset'language'%XX` (RFC 2231 §4).
func decodeExtended(v string, extended bool) string {
	if !extended {
		return v
	}
	charset, rest, ok := strings.Cut(v, "'")
	if ok {
		_, rest, ok = strings.Cut(rest, "'")
	}
	if !ok {
		charset, rest = "utf-8", v
	}
	return decodeCharset(percentDecode(rest), charset)
}

func percentDecode(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, ok := unhex(s[i+1], s[i+2]); ok {
				out = append(out, c)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

package origin

import "strings"

// result is one method's result in Authentication-Results (RFC 8601 §2.2).
type result struct {
	method, value string            // lower case
	props         map[string]string // "header.d" → "example.net", lower case
}

// maxResults bounds one field.
const (
	maxField   = 16 << 10 // bytes of an Authentication-Results
	maxResults = 50       // in one field
)

// readResults reads one Authentication-Results field. ok is false where it
// breaks the grammar: addresses that the sender chose stand in it, so what is
// not clear is not guessed. Comments and quoted strings are never taken apart,
// which authres of go-msgauth v0.7 does not keep to.
func readResults(value string) (id string, out []result, ok bool) {
	if len(value) > maxField {
		return "", nil, false
	}
	parts, ok := statements(value)
	if len(parts) == 0 {
		return "", nil, false
	}
	head := strings.Fields(strings.ToLower(parts[0]))
	if len(head) == 0 {
		return "", nil, false
	}
	if !ok {
		return head[0], nil, false
	}
	if len(head) > 1 && head[1] != "1" && !strings.HasPrefix(head[1], "from=") || len(parts) > maxResults {
		return head[0], nil, false // QUIRK: Yahoo writes "from=…" behind its name
	}
	for _, p := range parts[1:] {
		r := result{props: map[string]string{}}
		for i, f := range strings.Fields(p) {
			k, v, has := strings.Cut(strings.ToLower(f), "=")
			v = strings.Trim(v, `"`)
			if i == 0 {
				k, _, _ = strings.Cut(k, "/") // a version
				if r.method, r.value = k, v; !has {
					break // "none"
				}
				continue
			}
			if !has {
				continue // words that are no property: QUIRK, Microsoft's "action=none" is one, "reason" may not be
			}
			if old, twice := r.props[k]; twice && old != v {
				return head[0], nil, false
			}
			r.props[k] = v
		}
		if r.value != "" {
			out = append(out, r)
		}
	}
	return head[0], out, true
}

// statements splits a field at its semicolons, without its comments. Blanks in
// quoted strings become underscores, so that words stay words.
func statements(s string) (out []string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			end, closed := closing(s, i)
			if !closed {
				return out, false
			}
			b.WriteString(strings.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n=;", r) {
					return '_'
				}
				return r
			}, s[i:end]))
			i = end - 1
		case '(':
			end, closed := commentEnd(s, i)
			if !closed {
				return out, false
			}
			b.WriteByte(' ')
			i = end - 1
		case ')':
			return out, false
		case ';':
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	if rest := strings.TrimSpace(b.String()); rest != "" {
		out = append(out, rest)
	}
	return out, true
}

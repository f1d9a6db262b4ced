package diagnose

import "strings"

// tags reads a tag list (RFC 6376 §3.2), the first of each name; bad says what
// is no tag.
func tags(s string) (list map[string]string, order []string, bad string) {
	list = map[string]string{}
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(name, " \t\"\\") {
			if bad == "" {
				bad = cut(part)
			}
			continue
		}
		if _, twice := list[name]; twice {
			bad = name + "= stands there twice"
			continue
		}
		list[name] = strings.TrimSpace(value)
		order = append(order, name)
	}
	return list, order, bad
}

// bare drops all white space.
func bare(s string) string { return strings.Join(strings.Fields(s), "") }

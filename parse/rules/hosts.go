package rules

import (
	"path"
	"strings"
)

const noScope = -1

// hosts finds which scopes a host name falls into.
type hosts struct {
	patterns [][]string       // of each scope
	names    []string         // vendor of each scope, "" for a rule's own
	bySuffix map[string][]int // "google.com" for *.google.com and google.com
	globs    []glob           // patterns of any other form
	same     map[string]int   // scopes by their patterns
}

type glob struct {
	pattern string
	scope   int
}

func (h *hosts) open(name string) int {
	h.patterns, h.names = append(h.patterns, nil), append(h.names, name)
	return len(h.patterns) - 1
}

// add returns the scope of a rule's own patterns.
func (h *hosts) add(patterns []string) int {
	if len(patterns) == 0 {
		return noScope
	}
	key := strings.Join(patterns, " ")
	if i, ok := h.same[key]; ok {
		return i
	}
	if h.same == nil {
		h.same = map[string]int{}
	}
	i := h.open("")
	h.same[key] = i
	h.extend(i, patterns)
	return i
}

func (h *hosts) extend(scope int, patterns []string) {
	if h.bySuffix == nil {
		h.bySuffix = map[string][]int{}
	}
	h.patterns[scope] = append(h.patterns[scope], patterns...)
	for _, p := range patterns {
		p = strings.ToLower(p)
		if suffix := strings.TrimPrefix(p, "*."); !strings.ContainsAny(suffix, "*?[") {
			h.bySuffix[suffix] = append(h.bySuffix[suffix], scope)
		} else {
			h.globs = append(h.globs, glob{p, scope})
		}
	}
}

// longestHost is the limit of RFC 1035 §2.3.4: a longer name is nobody's, and
// asking for each of its ends would take its length squared.
const longestHost = 255

// find calls in for each scope that the host is in. The host may come with the
// address type of RFC 3464 in front and an address behind it.
func (h *hosts) find(host string, in func(scope int)) {
	start, end, upper := 0, len(host), false
name:
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case c == ';':
			start, upper = i+1, false
		case c == ' ' || c == '\t':
			if i > start {
				end = i
				break name
			}
			start = i + 1
		case c == '[' || c == '(' || c == ',' || c == ':':
			end = i
			break name
		case 'A' <= c && c <= 'Z':
			upper = true
		}
	}
	host = strings.TrimSuffix(host[start:end], ".")
	if upper {
		host = strings.ToLower(host)
	}
	if host == "" || len(host) > longestHost {
		return
	}
	for rest := host; ; {
		for _, scope := range h.bySuffix[rest] {
			in(scope)
		}
		_, after, more := strings.Cut(rest, ".")
		if !more {
			break
		}
		rest = after
	}
	for _, g := range h.globs {
		if ok, err := path.Match(g.pattern, host); ok && err == nil {
			in(g.scope)
		}
	}
}

// sample is a host name that the scope's first pattern matches.
func (h *hosts) sample(scope int) string {
	if scope == noScope || len(h.patterns[scope]) == 0 {
		return ""
	}
	return strings.NewReplacer("*", "mx", "?", "1").Replace(h.patterns[scope][0])
}

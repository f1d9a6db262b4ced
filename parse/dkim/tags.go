package dkim

import (
	"errors"
	"fmt"
	"strings"
)

// maxTags bounds a tag list; known ones have a dozen.
const maxTags = 64

// tags reads a tag list (§3.2): "name=value;" with blanks and folds around
// names and values. A name that stands twice makes all of it void.
func tags(list string) (map[string]string, error) {
	out := map[string]string{}
	for t := range strings.SplitSeq(list, ";") {
		t = strings.Trim(t, " \t\r\n")
		if t == "" {
			continue // a last semicolon; doubled ones are harmless
		}
		name, value, ok := strings.Cut(t, "=")
		name = strings.TrimRight(name, " \t\r\n")
		if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") {
			return nil, errors.New("it has a tag without a value")
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("tag %s= stands twice", short(name))
		}
		if len(out) == maxTags {
			return nil, errors.New("it has too many tags")
		}
		out[name] = strings.TrimLeft(value, " \t\r\n")
	}
	return out, nil
}

// dense is s without blanks and folds.
func dense(s string) string {
	if !strings.ContainsAny(s, " \t\r\n") {
		return s
	}
	return strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(s)
}

// list splits a colon-separated value; names in lower case.
func list(s string) []string {
	return strings.Split(strings.ToLower(dense(s)), ":")
}

// short keeps what a mail says from flooding an error.
func short(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

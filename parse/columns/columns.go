// Package columns measures and breaks text as a terminal shows it.
package columns

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Of is how many columns s takes.
func Of(s string) int {
	n := 0
	for _, r := range s {
		n += ofRune(r)
	}
	return n
}

func ofRune(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0 // it stands on the one before
	}
	if r >= 0x1100 {
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			return 2
		}
	}
	return 1
}

// Fit is the length in bytes of the longest beginning of s that takes at most n
// columns.
func Fit(s string, n int) int {
	for i, r := range s {
		if n -= ofRune(r); n < 0 {
			return i
		}
	}
	return len(s)
}

// Wrap breaks s at blanks into lines of at most n columns. A longer word is broken
// where its line ends; a longer link never, so that it can be copied: it has a
// line of its own.
func Wrap(s string, n int) []string {
	n = max(n, 2) // the widest character
	var out []string
	line := ""
	for _, w := range strings.Fields(s) {
		for Of(w) > n {
			if line != "" {
				out, line = append(out, line), ""
			}
			if IsLink(w) {
				out, w = append(out, w), ""
				break
			}
			k := Fit(w, n)
			out, w = append(out, w[:k]), w[k:]
		}
		switch {
		case w == "":
		case line == "":
			line = w
		case Of(line)+1+Of(w) > n:
			out, line = append(out, line), w
		default:
			line += " " + w
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// IsLink tells whether a word is the address of a page.
func IsLink(w string) bool {
	return strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://")
}

package origin

import "strings"

// word is a token of a structured field: an atom or a quoted string, or a
// comment without its brackets.
type word struct {
	text    string
	comment bool
}

// maxOpen bounds the brackets and quotes that nothing closes.
const maxOpen = 8

// scan splits at blanks. Comments nest, and brackets in quoted strings are text
// (RFC 5322 §3.2.2). So are a bracket and a quote that nothing closes: somebody
// greeted with them.
func scan(s string) (out []word) {
	out = make([]word, 0, 1+strings.Count(s, " "))
	start := 0 // of the word that is open
	open := 0
	flush := func(end int) {
		if end > start {
			out = append(out, word{text: s[start:end]})
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			flush(i)
			start = i + 1
		case '"':
			if end, ok := closing(s, i); ok {
				i = end - 1
			}
		case '(':
			if open == maxOpen {
				continue
			}
			end, ok := commentEnd(s, i)
			if !ok {
				open++
				continue
			}
			flush(i)
			out = append(out, word{text: strings.TrimSpace(s[i+1 : end-1]), comment: true})
			start, i = end, end-1
		}
	}
	flush(len(s))
	return out
}

// closing is where the quoted string that begins at i ends; ok is false where
// nothing closes it.
func closing(s string, i int) (end int, ok bool) {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '"':
			return j + 1, true
		}
	}
	return len(s), false
}

// commentEnd is where the comment that begins at i ends; ok is false where
// nothing closes it.
func commentEnd(s string, i int) (end int, ok bool) {
	depth := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1, true
			}
		}
	}
	return len(s), false
}

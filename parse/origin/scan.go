package origin

import "strings"

// word is a token of a structured field: an atom or a quoted string, or a
// comment without its brackets.
type word struct {
	text    string
	comment bool
}

// scan splits at blanks. Comments nest, and brackets in quoted strings are text
// (RFC 5322 §3.2.2). What is left open runs to the end.
func scan(s string) (out []word) {
	out = make([]word, 0, 1+strings.Count(s, " "))
	start := 0 // of the word that is open
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
			i = closing(s, i) - 1
		case '(':
			flush(i)
			end := commentEnd(s, i)
			out = append(out, word{text: strings.TrimSpace(strings.TrimSuffix(s[i+1:end], ")")), comment: true})
			start, i = end, end-1
		}
	}
	flush(len(s))
	return out
}

// closing is where the quoted string that begins at i ends.
func closing(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(s)
}

// commentEnd is where the comment that begins at i ends.
func commentEnd(s string, i int) int {
	depth := 0
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return j + 1
			}
		}
	}
	return len(s)
}

package rules

import (
	"bytes"
	"slices"
	"sort"
)

// clause is a stretch of a reply in which one thing is said: a sentence, a
// bracket, what stands between commas, behind a colon, an arrow, a semicolon or
// a word such as "because".
type clause struct {
	start, end  int
	cut         cut
	spoke       bool   // a phrase or a clause rule was found in it
	has         uint64 // bits of the word lists of which a word stands in it, or that it inherits
	own         uint64 // of these, the ones that stand in it
	first, last int    // where the words of these stand
}

// cut is what a clause begins with.
type cut uint8

const (
	sentenceCut cut = iota
	commaCut        // "possible reasons: a, b, c" are three possibilities
	colonCut        // "sender rejected: unknown" speaks of the sender still
	bracketCut
	openerCut // "because"
)

// links are the words of a text that are addresses, URLs or host names, in
// order. What stands in them is no phrase of prose.
type links []link

type link struct {
	span
	address bool // or quoted words
}

// read finds the links of the folded text and cuts it into clauses.
func (c *scratch) read() {
	f, l := c.folded, c.links[:0]
	c.clauses = append(c.clauses[:0], clause{})
	start, signs := 0, 0 // of the word, and how many signs of a link stand in it
	for i := 0; i <= len(f); i++ {
		for i < len(f) && inWord[f[i]] == letter {
			i++
		}
		if i < len(f) && inWord[f[i]] == mark {
			signs++
			continue
		}
		if i < len(f) && inWord[f[i]] == wide {
			if f[i] == ':' {
				if i > 0 && f[i-1] >= 0x80 || i+1 < len(f) && f[i+1] >= 0x80 {
					c.cutAt(i+1, colonCut)
				}
			} else if n := wideCut(f[i:]); n > 0 {
				c.cutAt(i+n, commaCut)
			}
			continue
		}
		if signs > 0 {
			w := f[start:i]
			if at := bytes.IndexByte(w, '@'); at >= 0 {
				if start+at+1 < i {
					a, b := bare(w, at)
					l = append(l, link{span{start + a, start + b}, true})
					if a > 0 || b < len(w) { // "not found:x@example.com", "x@example.com:unknown"
						c.cutAt(start+b, colonCut)
					}
				}
			} else if isLink(w) {
				l = append(l, link{span{start, i}, false})
			}
		}
		if i < len(f) {
			if f[i] == '"' && quoting(f[:i]) {
				if n := bytes.IndexByte(f[i+1:], '"'); n >= 0 && n <= maxGap {
					l = append(l, link{span{i, i + n + 2}, true})
					i += n + 1
				}
			}
			if f[i] != ' ' || start < i && !isLetter(f[i-1]) { // most words end in a letter and a blank
				c.cutBehind(f, start, i)
			}
		}
		start, signs = i+1, 0
	}
	c.clauses[len(c.clauses)-1].end = len(f)
	c.links = l
}

// bare is where the address of a word stands, whose at sign is at: servers glue
// their words to it with a colon or, as sendmail's kin do, with dots.
func bare(w []byte, at int) (from, to int) {
	if i := bytes.LastIndexByte(w[:at], ':'); i >= 0 {
		from = i + 1
	}
	to = len(w)
	if i := bytes.IndexByte(w[at:], ':'); i >= 0 {
		to = at + i
	}
	if i := bytes.Index(w[at:to], dots); i >= 0 {
		to = at + i
	}
	return from, to
}

// quoting reports whether quoted words behind f are an example of something:
// a subject, a word that is forbidden.
func quoting(f []byte) bool {
	f = bytes.TrimRight(f, " :")
	for _, w := range [...]string{"subject", "contains", "containing", "word", "words", "phrase", "string", "text", "keyword", "header", "file", "line", "pattern", "matches", "betreff", "asunto", "objet", "тема", "主题"} {
		if bytes.HasSuffix(f, []byte(w)) {
			return true
		}
	}
	return false
}

// cutBehind cuts at the sign f[i] that ends the word f[start:i].
func (c *scratch) cutBehind(f []byte, start, i int) {
	switch f[i] {
	case ' ':
		if start == i {
			return
		}
		switch f[i-1] {
		case '.', '!', '?':
			c.cutAt(i, sentenceCut)
		case ':':
			c.cutAt(i, colonCut)
		case '-', '>', '=':
			if i-start <= 3 && (start == 0 || f[start-1] == ' ') { // " - ", " -> ", " => "
				c.cutAt(i, colonCut)
			}
		}
	case '>':
		if i+1 < len(f) && f[i+1] == ' ' && i > 0 && (f[i-1] == '-' || f[i-1] == '=') {
			c.cutAt(i+1, colonCut)
		}
	case ',':
		if i+1 < len(f) && f[i+1] == ' ' || i+1 < len(f) && f[i+1] >= 0x80 || i > 0 && f[i-1] >= 0x80 {
			c.cutAt(i+1, commaCut)
		}
	case ';':
		c.cutAt(i+1, sentenceCut)
	case '(', '[':
		if !apposed(f[i+1:]) {
			c.cutAt(i, bracketCut)
		}
	case ')', ']':
		if last := c.clauses[len(c.clauses)-1]; last.cut == bracketCut && last.start > 0 {
			c.cutAt(i, bracketCut)
		}
	}
}

// apposed reports whether a bracket that opens before f holds an address alone:
// "user (kate@example.com) not found" is one clause.
func apposed(f []byte) bool {
	at := false
	for _, c := range f {
		switch c {
		case ' ', '(', '[':
			return false
		case ')', ']':
			return at
		case '@':
			at = true
		}
	}
	return false
}

// wideCut is the length of the stop or comma of Chinese and Japanese at the
// beginning of f, 0 for any other letter.
func wideCut(f []byte) int {
	if len(f) >= 3 && f[1] == 0x80 && (f[2] == 0x81 || f[2] == 0x82) {
		return 3
	}
	return 0
}

const mostClauses = 512 // what comes behind them is one clause

func (c *scratch) cutAt(at int, by cut) {
	n := len(c.clauses) - 1
	if c.clauses[n].start >= at {
		c.clauses[n].cut = by
		return
	}
	if n+1 >= mostClauses || at >= len(c.folded) {
		return
	}
	c.clauses[n].end = at
	c.clauses = append(c.clauses, clause{start: at, cut: by})
}

// split cuts at the words that open a clause, and where a quoted reply begins.
func (c *scratch) split() {
	if len(c.levels) == 1 && len(c.openers) == 0 {
		return
	}
	for i := 1; i < len(c.levels); i++ {
		c.openers = append(c.openers, c.levels[i].start)
	}
	for _, at := range c.openers {
		i := c.clauseAt(at)
		if x := c.clauses[i]; x.start < at && len(c.clauses) < mostClauses {
			c.clauses[i].end = at
			c.clauses = slices.Insert(c.clauses, i+1, clause{start: at, end: x.end, cut: openerCut})
		}
	}
}

// clauseAt returns the index of the clause in which position at stands.
func (c *scratch) clauseAt(at int) int {
	if len(c.clauses) <= 8 {
		i := len(c.clauses) - 1
		for i > 0 && at < c.clauses[i].start {
			i--
		}
		return i
	}
	return sort.Search(len(c.clauses), func(i int) bool { return c.clauses[i].start > at }) - 1
}

// isLink tells URLs, host names of three parts, and host names with a hyphen.
func isLink(word []byte) bool {
	if bytes.Contains(word[1:], slashes) {
		return true
	}
	dots := 0
	for i := 1; i+1 < len(word); i++ {
		if word[i] == '.' && isLetter(word[i+1]) {
			dots++
		}
	}
	return dots >= 2 || dots == 1 && bytes.IndexByte(word, '-') > 0
}

var slashes, dots = []byte("//"), []byte("..")

// around reports whether f[start:end] touches an address or another link. next
// is the first link that ends at end or behind it.
func (l links) around(next, start, end int) (address, other bool) {
	if next < len(l) && l[next].start < end {
		address, other = l[next].address, !l[next].address
	}
	for i := next - 1; i >= 0 && l[i].end > start; i-- {
		address, other = address || l[i].address, other || !l[i].address
	}
	return address, other
}

// What a byte is for the bounds of words.
const (
	bound = iota
	letter
	mark // of which a link has some
	wide // the first byte of what may be a stop where no blanks part the words
)

var inWord = func() (t [256]uint8) {
	for c := range t {
		t[c] = letter
	}
	for _, c := range []byte(` <>()[]"',;`) {
		t[c] = bound
	}
	for _, c := range []byte("@./") {
		t[c] = mark
	}
	t[0xe3], t[':'] = wide, wide
	return t
}()

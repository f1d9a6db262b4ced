package rules

import (
	"bytes"
	"sort"
)

// links are the words of a text that are addresses, URLs or host names, in
// order. What stands in them is no phrase of prose.
type links []link

type link struct {
	span
	address bool
}

// findLinks puts the links of folded text into l.
func findLinks(f []byte, l links) links {
	l = l[:0]
	start, signs := 0, 0 // of the word, and how many signs of a link stand in it
	for i := 0; i <= len(f); i++ {
		for i < len(f) && inWord[f[i]] == letter {
			i++
		}
		if i < len(f) && inWord[f[i]] == mark {
			signs++
			continue
		}
		if signs > 0 {
			w := f[start:i]
			if address := bytes.IndexByte(w, '@') >= 0; address || isLink(w) {
				l = append(l, link{span{start, i}, address})
			}
		}
		start, signs = i+1, 0
	}
	return l
}

// isLink tells URLs, and host names of three parts.
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
	return dots >= 2
}

var slashes = []byte("//")

// at reports whether f[start:end] touches an address or another link.
func (l links) at(start, end int) (address, other bool) {
	if len(l) == 0 {
		return false, false
	}
	for _, w := range l[sort.Search(len(l), func(i int) bool { return l[i].end > start }):] {
		if w.start >= end {
			break
		}
		address, other = address || w.address, other || !w.address
	}
	return address, other
}

// What a byte is for the bounds of links.
const (
	bound = iota
	letter
	mark // of which a link has some
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
	return t
}()

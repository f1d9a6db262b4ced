package autoreply

import (
	"bytes"
	"strings"

	"harvester/parse/match"
)

// Bounds of what is read of a text: answers say what they are at the top.
const (
	maxOwn = 4 << 10 // bytes of one's own text
	gap    = 60      // bytes that a "*" in a phrase may stand for
)

// phrase is a folded phrase, split where it has a "*".
type phrase struct {
	parts []string
	sign  int // place in signs.texts
}

func (s *signs) indexTexts() {
	var firsts []string
	for i := range s.texts {
		foldAll(s.texts[i].Phrases)
		for _, p := range s.texts[i].Phrases {
			parts := strings.Split(p, " * ")
			firsts = append(firsts, parts[0])
			s.phrases = append(s.phrases, phrase{parts, i})
		}
	}
	s.scan = match.New(firsts)
}

// in tells whether folded holds p.
func (p phrase) in(folded string) bool {
	rest := folded
	for i, part := range p.parts {
		k := strings.Index(rest, part)
		if k < 0 || i > 0 && k > gap {
			return false
		}
		rest = rest[k+len(part):]
	}
	return true
}

// finding is what the phrases of a text say.
type finding struct {
	sign  *textSign
	words string // the first phrase that was found
	end   int    // where it ends in the folded text
}

// matchText looks for phrases in own, which is text above any quote. The answer is
// the kind that is shown by one phrase in the first three lines, by one with a
// hint, or by two different ones; the earliest phrase of it is returned.
func (s *signs) matchText(own string) (finding, bool) {
	folded, head := foldHead(own)
	var first, hinted finding
	seen := 0
	decided := false
	s.scan.Scan(folded, func(i, end int) {
		p := &s.phrases[i]
		start := end - len(p.parts[0])
		if start > 0 && isWordByte(folded[start-1]) && isWordByte(folded[start]) {
			return
		}
		for _, part := range p.parts[1:] {
			near := folded[end:min(len(folded), end+gap+len(part))]
			k := bytes.Index(near, []byte(part))
			if k < 0 {
				return
			}
			end += k + len(part)
		}
		f := finding{&s.texts[p.sign], strings.Join(p.parts, " ... "), end}
		if f.sign.Kind == unsubscribe {
			return
		}
		if f.sign.Hint != "" && hinted.sign == nil {
			hinted = f
		}
		switch {
		case first.sign == nil:
			first, seen = f, 1
		case first.words != f.words && first.sign.Kind == f.sign.Kind:
			seen++
		}
		decided = decided || start < head
	})
	if hinted.sign != nil {
		return hinted, true
	}
	return first, first.sign != nil && (decided || seen > 1)
}

// foldHead folds the start of a text; head is where its third line ends.
func foldHead(text string) (folded []byte, head int) {
	if len(text) > maxOwn {
		text = text[:maxOwn]
	}
	rest := text
	for lines := 0; lines < 3 && rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	folded = match.Fold(nil, text[:len(text)-len(rest)])
	head = len(folded)
	return match.Fold(folded, rest), head
}

func isWordByte(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

package rules

import (
	"bytes"

	"harvester/parse/status"
)

// level is the part of a text in which one host speaks. A reply often quotes
// the reply of the next host: "host mx.example.net said: 550 5.1.1 ...",
// "550 5.4.300 Message expired -> 451 ...", "5.1.0 - Unknown address error
// 550-'5.7.1 ...'". The last speaker knows best.
type level struct {
	start, end int
	code       int // 0 for none
	enhanced   span
	ok         bool // enhanced is set
	vague      bool // and says x.0.0
}

type span struct{ start, end int }

const maxLevels = 8 // stages are counted from it

// unwrap splits folded text at each quoted reply, outermost first, and reads
// each level's own codes.
func unwrap(f []byte, levels []level) []level {
	levels = append(levels[:0], level{})
	cut := func(at int) {
		if n := len(levels); n < maxLevels && !ofSender(f[levels[n-1].start:at]) {
			levels[n-1].end = at
			levels = append(levels, level{start: at})
		}
	}
	first := &levels[0]
	code, r, _, isReply := status.FindReply(f, 0)
	e, end, isEnhanced := status.FindEnhanced(f, 0)
	first.code = code
	for isReply || isEnhanced {
		if isReply && (!isEnhanced || r < e) {
			if quotes(f, r, true) && worded(f[r:]) {
				cut(r)
			}
			_, r, _, isReply = status.FindReply(f, r+3)
			continue
		}
		first.states(f, e, end)
		if quotes(f, e, false) && worded(f[e:]) {
			cut(e)
		}
		e, end, isEnhanced = status.FindEnhanced(f, e+5)
	}
	levels[len(levels)-1].end = len(f)
	if len(levels) > 1 { // else the codes are those that were just found
		for i := range levels {
			levels[i].read(f)
		}
	}
	return levels
}

// quotes reports whether what begins at i is introduced as somebody else's words.
func quotes(f []byte, i int, reply bool) bool {
	k := i - 1
	blank := k >= 0 && f[k] == ' '
	if blank {
		k--
	}
	if k < 0 {
		return false
	}
	switch f[k] {
	case ':':
		return true
	case ';', '(':
		return reply
	case '.': // QUIRK: Sendmail 5 writes `554 <addr>... 550 Host unknown`
		return reply && k > 1 && f[k-1] == '.' && f[k-2] == '.'
	case '\'', '"':
		return !blank
	case '>':
		return k > 0 && (f[k-1] == '-' || f[k-1] == '=' || f[k-1] == '>')
	case '<': // "<<< 550" of a transcript; SES puts the last reply into brackets
		return k > 0 && f[k-1] == '<' || reply && !blank
	}
	return false
}

// ofSender reports whether the words before a quoted reply say that it is
// about the sender. What such a reply says of an unknown user is no word on
// the recipient, so it is not taken out of its context.
func ofSender(before []byte) bool {
	for _, words := range [...]string{"sender address rejected", "after mail from:", "sender verify failed", "verifying sender"} {
		if bytes.Contains(before, []byte(words)) {
			return true
		}
	}
	return false
}

// worded reports whether f holds at least a short word.
func worded(f []byte) bool {
	n := 0
	for _, c := range f {
		if 'a' <= c && c <= 'z' || c >= 0x80 {
			if n++; n == 4 {
				return true
			}
		} else {
			n = 0
		}
	}
	return false
}

// read finds the codes of a level: its first reply code, and its first
// enhanced code that says more than x.0.0.
func (l *level) read(f []byte) {
	l.code, l.enhanced, l.ok, l.vague = 0, span{}, false, false
	part := f[l.start:l.end]
	if c, _, _, ok := status.FindReply(part, 0); ok {
		l.code = c
	}
	for from := 0; !l.ok || l.vague; {
		a, b, ok := status.FindEnhanced(part, from)
		if !ok {
			return
		}
		l.states(f, l.start+a, l.start+b)
		from = b
	}
}

// states notes an enhanced code that stands in a level.
func (l *level) states(f []byte, start, end int) {
	if vague := bytes.HasSuffix(f[start:end], vagueCode); !l.ok || l.vague && !vague {
		l.enhanced, l.ok, l.vague = span{start, end}, true, vague
	}
}

var vagueCode = []byte(".0.0")

// speaker returns the host that the text names as the one that it quotes.
func speaker(f []byte) []byte {
	for _, word := range [...]string{"host", "talking to", "server"} {
		if i := lastBefore(f, word); i >= 0 {
			rest := f[i:]
			if end := bytes.IndexAny(rest, " [(:,"); end >= 0 {
				rest = rest[:end]
			}
			if bytes.IndexByte(rest, '.') > 0 {
				return rest
			}
		}
	}
	return nil
}

// lastBefore is where the last blank behind a word ends in f, -1 for nowhere.
func lastBefore(f []byte, word string) int {
	for k := bytes.LastIndexByte(f, ' '); k >= len(word); k = bytes.LastIndexByte(f[:k], ' ') {
		if string(f[k-len(word):k]) == word {
			return k + 1
		}
	}
	return -1
}

package dialect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is read as prose, in bytes: notices that have sentences are
// short.
const (
	maxSentence = 2 << 10  // what is more of a paragraph begins another
	maxProse    = 32 << 10 // bytes of a text without a form that are read
)

// prose returns the one address that sentences of a text name as failed. Where
// two could be meant, and not just one of them in a sentence that speaks of a
// failure, it names nobody.
func prose(ls []string, words lineWords, own func(string) bool) (found candidate, ok bool) {
	unsure := false // another address stands in a sentence of the same kind
	sentences(ls, func(s string, first, last int) {
		c := ofSentence(s, own)
		if c.rank == rankNone {
			return
		}
		for c.line = first; c.line < last && !strings.Contains(ls[c.line], c.addr); {
			c.line++
		}
		c.rest = strings.TrimSpace(ls[c.line])
		switch {
		case !c.failing && !(c.introduced && words.near(c.line, wordFailure|wordDelay|wordCode)):
		case !ok, c.failing && !found.failing:
			found, ok, unsure = c, true, false
		case c.failing == found.failing && !strings.EqualFold(c.addr, found.addr):
			unsure = true
		}
	})
	return found, ok && !unsure
}

// sentences calls f for each sentence that holds an address, with the lines it
// begins and ends in. A line with a label, or with a reply, stands for itself.
func sentences(ls []string, f func(s string, first, last int)) {
	open, first := "", 0
	flush := func(last int) {
		if strings.IndexByte(open, '@') >= 0 {
			f(open, first, last)
		}
		open = ""
	}
	read := 0
	for i, l := range ls {
		if read += len(l); read > maxProse {
			flush(i)
			return
		}
		t := strings.TrimSpace(l)
		if t == "" || t[0] == '>' {
			flush(i)
			continue
		}
		reply := codeAt(t) == 0
		apart := hasLabel(t) && !(open != "" && startsLower(t)) || reply
		if apart || len(open) > maxSentence {
			flush(i)
		}
		for t != "" {
			if open == "" {
				first = i
			}
			end := min(len(t), maxSentence)
			if !reply {
				end = sentenceEnd(t)
			}
			open = appendLine(open, t[:end])
			if t = strings.TrimSpace(t[end:]); t != "" || ended(open) {
				flush(i)
			}
		}
		if apart || hasLabel(open) {
			flush(i)
		}
	}
	flush(len(ls) - 1)
}

// hasLabel tells whether a line is `label: value`.
func hasLabel(t string) bool {
	k, _, ok := strings.Cut(t, ":")
	return ok && len(k) < 40 && strings.IndexByte(k, '@') < 0 && strings.Count(k, " ") < 4
}

// startsLower tells whether t goes on with a sentence.
func startsLower(t string) bool {
	r, _ := utf8.DecodeRuneInString(t)
	return unicode.IsLower(r)
}

// sentenceEnd returns where the first sentence of t ends, or maxSentence.
func sentenceEnd(t string) int {
	for i := 0; i < len(t) && i < maxSentence; i++ {
		switch t[i] {
		case '.', '!', '?':
			if i+1 < len(t) && t[i+1] == ' ' {
				return i + 1
			}
		case 0xe3: // 。
			if strings.HasPrefix(t[i:], "。") {
				return i + len("。")
			}
		}
	}
	return min(len(t), maxSentence)
}

func ended(s string) bool {
	return strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "。")
}

// ofSentence reads whom a sentence is about. Sentences also say whom to ask or
// who sent a mail.
func ofSentence(s string, own func(string) bool) (c candidate) {
	said := "" // what it says beside addresses, which may hold such words, too
	label := ""
	for rest := s; ; {
		addr, start, end := findAddress(rest)
		if addr == "" {
			said += rest
			break
		}
		before := strings.TrimRight(rest[:start], "<[('\" \t")
		switch {
		case own(addr), strings.EqualFold(addr, c.addr):
		case c.rank != rankNone: // of two, either could be meant
			return candidate{}
		case contact(addr) || ofSomebodyElse(before):
			return candidate{}
		default:
			c = candidate{addr: addr, rank: rankSentence}
			if k, ok := strings.CutSuffix(before, ":"); ok && said == "" {
				label = asLabel(k)
			}
		}
		said += rest[:start]
		rest = rest[end:]
	}
	w := wordsIn(said)
	c.failing = w&(wordFailure|wordDelay) != 0 || codeAt(said) >= 0
	c.introduced = w&(wordList|wordMail|wordDelay) != 0
	if label != "" {
		c.introduced = directions()[label]
	}
	if senders()[label] || !c.failing && w&wordContact != 0 {
		return candidate{}
	}
	return c
}

// ofSomebodyElse tells whether the words before an address make it a sender's,
// or that of whom to ask.
func ofSomebodyElse(before string) bool {
	last := before[max(0, len(before)-40):]
	w := strings.Fields(last)
	if len(w) == 0 {
		return false
	}
	switch strings.ToLower(w[len(w)-1]) {
	case "from", "von", "от", "moderator", "administrator", "owner":
		return true
	case "by":
		return len(w) > 1 && strings.EqualFold(w[len(w)-2], "sent")
	}
	return wordsIn(last)&wordContact != 0
}

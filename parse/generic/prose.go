package generic

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"harvester/parse/notice"
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
func prose(ls []string, words lineWords, own func(string) bool) (found notice.Mention, ok bool) {
	unsure := false // another address stands in a sentence of the same kind
	sentences(ls, func(s string, first, last int) {
		c := ofSentence(s, own)
		if c.Rank == notice.RankNone {
			return
		}
		for c.Line = first; c.Line < last && !strings.Contains(ls[c.Line], c.Addr); {
			c.Line++
		}
		c.Rest = strings.TrimSpace(ls[c.Line])
		switch {
		case !c.Failing && !(c.Introduced && words.near(c.Line, notice.WordFailure|notice.WordDelay|wordCode)):
		case !ok, c.Failing && !found.Failing:
			found, ok, unsure = c, true, false
		case c.Failing == found.Failing && !strings.EqualFold(c.Addr, found.Addr):
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
		reply := notice.CodeAt(t) == 0
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
			open = notice.AppendLine(open, t[:end])
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
func ofSentence(s string, own func(string) bool) (c notice.Mention) {
	said := "" // what it says beside addresses, which may hold such words, too
	label := ""
	for rest := s; ; {
		addr, start, end := notice.FindAddress(rest)
		if addr == "" {
			said += rest
			break
		}
		before := strings.TrimRight(rest[:start], "<[('\" \t")
		switch {
		case own(addr), strings.EqualFold(addr, c.Addr):
		case c.Rank != notice.RankNone: // of two, either could be meant
			return notice.Mention{}
		case notice.Contact(addr) || ofSomebodyElse(before):
			return notice.Mention{}
		default:
			c = notice.Mention{Addr: addr, Rank: notice.RankSentence}
			if k, ok := strings.CutSuffix(before, ":"); ok && said == "" {
				label = notice.AsLabel(k)
			}
		}
		said += rest[:start]
		rest = rest[end:]
	}
	w := notice.WordsIn(said)
	c.Failing = w&(notice.WordFailure|notice.WordDelay) != 0 || notice.CodeAt(said) >= 0
	c.Introduced = w&(notice.WordList|notice.WordMail|notice.WordDelay) != 0
	if label != "" {
		c.Introduced = notice.Directions()[label]
	}
	if notice.Senders()[label] || !c.Failing && w&notice.WordContact != 0 {
		return notice.Mention{}
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
	return notice.WordsIn(last)&notice.WordContact != 0
}

package autoreply

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"harvester/parse/bounce"
)

// subjectPhrase is one phrase and the place of its sign in signs.subjects.
type subjectPhrase struct {
	text string
	sign int
}

func (s *signs) indexSubjects() error {
	s.starts, s.wholes = map[byte][]subjectPhrase{}, map[string]int{}
	for i := range s.subjects {
		x := &s.subjects[i]
		foldAll(x.Start, x.Whole, x.Any)
		for _, p := range x.Start {
			s.starts[p[0]] = append(s.starts[p[0]], subjectPhrase{p, i})
		}
		for _, p := range x.Whole {
			s.wholes[p] = i
		}
		for _, p := range x.Any {
			s.anys = append(s.anys, subjectPhrase{p, i})
		}
		if x.Pattern != "" {
			re, err := regexp.Compile(x.Pattern)
			if err != nil {
				return fmt.Errorf("reading the pattern of subjects (%s, %s): %w", x.Kind, x.Lang, err)
			}
			x.re = re
		}
	}
	for _, list := range s.starts {
		slices.SortStableFunc(list, func(a, b subjectPhrase) int { return len(b.text) - len(a.text) })
	}
	return nil
}

// matchSubject returns the sign that a folded subject carries and the words that
// showed it; nil when it carries none. A sign behind tags such as [EXTERNAL]
// counts, one behind another prefix does not: in "Undeliverable: Automatic
// reply: ..." the outer one tells what the mail is.
func (s *signs) matchSubject(folded string) (*subjectSign, string) {
	if folded == "" {
		return nil, ""
	}
	for _, p := range s.anys {
		if strings.Contains(folded, p.text) && !s.isReply(folded) {
			return &s.subjects[p.sign], p.text
		}
	}
	for i := range s.subjects {
		if x := &s.subjects[i]; x.re != nil && x.re.MatchString(folded) {
			return x, x.re.FindString(folded)
		}
	}
	for rest := folded; ; {
		if x, p := s.subjectStart(rest); x != nil {
			return x, p
		}
		tag, after, ok := stripTag(rest)
		if !ok {
			return nil, ""
		}
		if x, p := s.subjectStart(tag + ":"); x != nil && x.Kind == bounce.KindAutoReply { // "[Auto-Reply] news"
			return x, p
		}
		rest = after
	}
}

func (s *signs) subjectStart(folded string) (*subjectSign, string) {
	if folded == "" {
		return nil, ""
	}
	for _, p := range s.starts[folded[0]] {
		if strings.HasPrefix(folded, p.text) && wordEnds(p.text, folded[len(p.text):]) {
			return &s.subjects[p.sign], p.text
		}
	}
	whole := strings.TrimRight(folded, " .!")
	if i, ok := s.wholes[whole]; ok {
		return &s.subjects[i], whole
	}
	// "unsubscribe 7f3a9c", "unsubscribe:7f3a9c": the token of a mailto link.
	if cut := strings.LastIndexAny(whole, " :-_="); cut > 0 && strings.ContainsAny(whole[cut:], "0123456789") {
		word := strings.TrimRight(whole[:cut], " :-_=")
		if i, ok := s.wholes[word]; ok && !s.subjects[i].Exact {
			return &s.subjects[i], word
		}
	}
	return nil, ""
}

// wordEnds tells whether phrase ends where a word ends, given what follows it.
// Scripts without blanks between words have no such ends.
func wordEnds(phrase, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(phrase)
	next, n := utf8.DecodeRuneInString(after)
	if n == 0 || !unicode.IsLetter(last) || unicode.In(last, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai) {
		return true
	}
	return !unicode.IsLetter(next) && !unicode.IsDigit(next)
}

// tagPairs are the brackets that gateways and lists put their tags in.
var tagPairs = [...][2]string{{"[", "]"}, {"{", "}"}, {"(", ")"}, {"***", "***"}, {"【", "】"}}

// stripTag takes one leading tag off a folded subject.
func stripTag(s string) (tag, rest string, ok bool) {
	for _, p := range tagPairs {
		if !strings.HasPrefix(s, p[0]) {
			continue
		}
		if i := strings.Index(s[len(p[0]):], p[1]); i >= 0 && i <= 40 {
			return strings.Trim(s[len(p[0]):len(p[0])+i], " "), strings.TrimLeft(s[len(p[0])+i+len(p[1]):], " "), true
		}
	}
	return "", "", false
}

// isReply tells whether a folded subject begins with the mark of an answer or
// a forward, such as "Re:", "AW:", "Re[2]:", "转发:".
func (s *signs) isReply(folded string) bool {
	for rest, more := folded, true; more; _, rest, more = stripTag(rest) {
		word, _, ok := strings.Cut(rest, ":")
		if !ok || len(word) > 40 {
			continue
		}
		word = strings.TrimRight(word, "0123456789[]()^* ")
		if slices.Contains(s.quote.Reply, word) {
			return true
		}
	}
	return false
}

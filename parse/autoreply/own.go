package autoreply

import (
	"strings"
)

// maxLines bounds how far a text is searched for the start of a quote.
const maxLines = 200

// cutQuote returns the part of text that its writer wrote: what stands above the
// first quote, forward mark or block of header labels. quoted tells whether
// there was one.
func (s *signs) cutQuote(text string) (own string, quoted bool) {
	at := 0
	block := 0 // lines since a "From:" label, 0 for none
	blockAt := 0
	for lines := 0; at < len(text) && lines < maxLines; lines++ {
		line, _, _ := strings.Cut(text[at:], "\n")
		next := min(len(text), at+len(line)+1)
		folded := ""
		if len(line) <= 200 && strings.ContainsAny(line, ":-_=*：—–─") {
			folded = fold(line)
		}
		switch {
		case strings.HasPrefix(strings.TrimLeft(line, " "), ">"):
			return text[:at], true
		case folded == "":
		case s.separates(folded):
			return text[:at], true
		case hasSuffixAny(folded, s.quote.Wrote) && at > 0 && strings.HasPrefix(strings.TrimLeft(text[next:], " \n"), ">"):
			return text[:at], true
		case block > 0 && labelled(folded, s.quote.Subject):
			return text[:blockAt], true
		case labelled(folded, s.quote.From) && strings.Contains(line, "@"):
			block, blockAt = 1, at
		}
		if block > 0 {
			if block++; block > 8 {
				block = 0
			}
		}
		at = next
	}
	return text, false
}

// separates tells whether a folded line begins a quote or forward. The words
// may stand in a sentence too, so they count only between dashes or alone.
func (s *signs) separates(folded string) bool {
	bare := strings.Trim(folded, "-_=* :")
	if bare == folded && len(folded) > 60 {
		return false
	}
	p, ok := startsAny(bare, s.quote.Separator)
	return ok && (bare != folded || bare == p)
}

// labelled tells whether a folded line is a header label and its value.
func labelled(folded string, labels []string) bool {
	name, _, ok := strings.Cut(folded, ":")
	if !ok || len(name) > 30 {
		return false
	}
	name = strings.Trim(name, "* ")
	for _, l := range labels {
		if name == l {
			return true
		}
	}
	return false
}

func hasSuffixAny(s string, suffixes []string) bool {
	for _, x := range suffixes {
		if strings.HasSuffix(s, x) {
			return true
		}
	}
	return false
}

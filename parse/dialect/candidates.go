package dialect

import (
	"slices"
	"strings"
	"sync"
)

// How surely a line names a failed recipient, best first.
type rank uint8

const (
	rankNone     rank = iota
	rankSentence      // in a sentence that speaks of a failure
	rankReason        // `addr: reason`, `addr (reason)`
	rankListed        // in a list whose heading speaks of addresses
	rankLabelled      // `Recipient: addr`
	rankAlone         // `<addr>` alone on its line
	rankOpens         // `<addr>: reason`
)

type candidate struct {
	addr string
	rest string // of the line, behind the address
	line int
	rank rank

	failing    bool // its sentence speaks of a failure
	introduced bool // its sentence speaks of mail or recipients
}

// candidates returns the lines of the best rank found that can be told to name
// failed recipients.
func candidates(subject word, ls []string, own func(string) bool) []candidate {
	var all []candidate
	best := rankNone
	heading := false // the last paragraph that did not consist of addresses heads a list
	failing := false // words of failure stood above
	asking := false  // the last paragraph says whom to ask
	above := false   // a line of a paragraph stands right above
	words := lineWords{ls: ls, known: make([]word, len(ls))}
	take := func(c candidate) {
		if c.rank > best {
			best, all = c.rank, all[:0]
		}
		if c.rank == best {
			all = append(all, c)
		}
	}
	inProse := sync.OnceValues(func() (candidate, bool) { return prose(ls, words, own) })
	for i, l := range ls {
		t := strings.TrimSpace(l)
		if t == "" {
			above = false
			continue
		}
		if strings.HasPrefix(t, ">") { // quoted: what somebody else wrote
			heading = false
			continue
		}
		w := words.at(i)
		if w&(wordFailure|wordDelay) != 0 {
			failing = true
		}
		if several := listed(t, heading, w); failing && len(several) > 1 {
			for _, a := range several {
				if !own(a) {
					take(candidate{addr: a, line: i, rank: rankListed})
				}
			}
			continue
		}
		c := rankLine(l, t, heading)
		if c.rank == rankNone {
			asking = w&wordContact != 0 || asking && above
			above = true
			heading = strings.HasSuffix(t, ":") && w&(wordList|wordFailure) != 0 || heading && !strings.HasSuffix(t, ":") && !strings.HasSuffix(t, ".") && len(t) < 60 && w&wordList != 0
			continue
		}
		if own(c.addr) {
			continue
		}
		if c.rank < rankOpens && !failing && !words.near(i, wordFailure|wordDelay|wordCode) && (c.rank != rankLabelled || subject&(wordFailure|wordDelay) == 0) {
			continue
		}
		c.line = i
		if best == rankListed && c.rank == rankReason && c.rest == "" && !above && !asking && !contact(c.addr) && opensLike(ls, all[0].line, i) {
			c.rank = rankListed // the list goes on: each of its addresses has words below it
		}
		if lone := c.rest == "" && (c.rank == rankReason || c.rank == rankAlone && t[0] != '<' && !heading); lone && !coded(ls[i:min(len(ls), i+6)]) {
			if said, ok := inProse(); asking || contact(c.addr) || ok && said.failing && said.line < i {
				continue // it is where to ask
			}
		}
		take(c)
	}
	if len(all) == 0 {
		if said, ok := inProse(); ok {
			return []candidate{said}
		}
		if c, ok := inEnvelope(ls, own); ok && (failing || subject&wordFailure != 0) {
			return []candidate{c}
		}
	}
	return distinct(ls, all, best)
}

// opensLike tells whether lines i and j open a paragraph alike: both have words below them.
func opensLike(ls []string, i, j int) bool {
	return indent(ls[i]) == indent(ls[j]) && i+1 < len(ls) && ls[i+1] != "" && j+1 < len(ls) && ls[j+1] != ""
}

// inEnvelope returns the recipient of a mail that the notice tells in rows:
// "From: us", "To: kate@example.com". Two of them name nobody.
func inEnvelope(ls []string, own func(string) bool) (found candidate, ok bool) {
	fromUs := false
	for i, l := range ls {
		label, value, is := strings.Cut(l, ":")
		if l == "" || !is {
			fromUs = fromUs && l != ""
			continue
		}
		addr, _, _ := findAddress(value)
		switch label = asLabel(label); {
		case addr == "":
		case senders()[label]:
			fromUs = own(addr)
		case !directions()[label] || !fromUs || own(addr):
		case ok && !strings.EqualFold(addr, found.addr):
			return candidate{}, false
		default:
			found, ok = candidate{addr: addr, line: i, rank: rankSentence}, true
		}
	}
	return found, ok
}

// listed returns the addresses of a line that is a list of them, under a
// heading or behind words and a colon that head one.
func listed(t string, heading bool, w word) (out []string) {
	if !heading {
		at := strings.LastIndex(t, ": ")
		if at < 0 || w&wordList == 0 || w&wordFailure == 0 {
			return nil
		}
		t = t[at+2:]
	}
	if strings.Count(t, "@") < 2 {
		return nil
	}
	for _, f := range strings.FieldsFunc(t, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' }) {
		a, ok := bareAddress(f)
		switch {
		case ok && len(out) < maxFailures:
			out = append(out, a)
		case f != "and" && f != "&":
			return nil
		}
	}
	return out
}

// distinct drops repetitions. Several addresses with words behind them are a
// list only where each has a reply.
func distinct(ls []string, all []candidate, best rank) []candidate {
	out := all[:0:0]
	known := map[string]bool{}
	for _, c := range all {
		if key := strings.ToLower(c.addr); !known[key] && len(out) < maxFailures {
			known[key] = true
			out = append(out, c)
		}
	}
	if best == rankReason {
		out = slices.DeleteFunc(out, func(c candidate) bool { return arrived(c.rest) })
	}
	if len(out) < 2 || best > rankReason {
		return out
	}
	for i, c := range out {
		end := len(ls)
		if i+1 < len(out) {
			end = out[i+1].line
		}
		if codeAt(c.rest) < 0 && (c.rest != "" || !coded(ls[c.line:min(end, c.line+3)])) {
			return nil
		}
	}
	return out
}

// arrived tells whether what stands behind an address says that its mail went
// through.
func arrived(rest string) bool {
	if codeAt(rest) >= 0 {
		return false
	}
	f := strings.ToLower(strings.TrimLeft(rest, ".:-|([ \t"))
	for _, ok := range [...]string{"ok", "delivered", "sent", "success", "accepted", "250", "2.0.0", "2.1.5"} {
		if strings.HasPrefix(f, ok) {
			return true
		}
	}
	return false
}

// unsigned leaves out a signature, behind "--" (RFC 3676 §4.3) or the greeting
// of a letter: whom it names is to be asked, and did not fail. Rules of two hyphens that a layout draws have more behind
// them, or what failed.
func unsigned(ls []string) []string {
	const most = 8
	for i := len(ls) - 1; i > 0 && i >= len(ls)-most; i-- {
		if t := strings.TrimSpace(ls[i]); t == "--" || len(t) < 60 && wordsIn(t) == wordGreeting {
			return ls[:i]
		}
		if codeAt(ls[i]) >= 0 || Failing(ls[i]) {
			break
		}
	}
	return ls
}

// lineWords are the words of each line, looked at once.
type lineWords struct {
	ls    []string
	known []word
}

const (
	wordSeen word = 1 << 14
	wordCode word = 1 << 15 // a reply code stands in the line
)

func (w lineWords) at(i int) word {
	if w.known[i] == 0 {
		w.known[i] = wordsIn(strings.TrimSpace(w.ls[i])) | wordSeen
		if codeAt(w.ls[i]) >= 0 {
			w.known[i] |= wordCode
		}
	}
	return w.known[i]
}

// near looks for such words in the lines around i.
func (w lineWords) near(i int, which word) bool {
	for j := max(0, i-3); j < min(len(w.ls), i+6); j++ {
		if w.ls[j] != "" && w.at(j)&which != 0 {
			return true
		}
	}
	return false
}

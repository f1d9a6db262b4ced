package generic

import (
	"slices"
	"strings"
	"sync"

	"harvester/parse/notice"
)

// candidates returns the lines of the best rank found that can be told to name
// failed recipients.
func candidates(subject notice.Word, ls []string, own func(string) bool) []notice.Mention {
	var all []notice.Mention
	best := notice.RankNone
	heading := false // the last paragraph that did not consist of addresses heads a list
	failing := false // words of failure stood above
	asking := false  // the last paragraph says whom to ask
	above := false   // a line of a paragraph stands right above
	words := lineWords{ls: ls, known: make([]notice.Word, len(ls))}
	take := func(c notice.Mention) {
		if c.Rank > best {
			best, all = c.Rank, all[:0]
		}
		if c.Rank == best {
			all = append(all, c)
		}
	}
	inProse := sync.OnceValues(func() (notice.Mention, bool) { return prose(ls, words, own) })
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
		if w&(notice.WordFailure|notice.WordDelay) != 0 {
			failing = true
		}
		if several := listed(t, heading, w); failing && len(several) > 1 {
			for _, a := range several {
				if !own(a) {
					take(notice.Mention{Addr: a, Line: i, Rank: notice.RankListed})
				}
			}
			continue
		}
		c := rankLine(l, t, heading)
		if c.Rank == notice.RankNone {
			asking = w&notice.WordContact != 0 || asking && above
			above = true
			heading = strings.HasSuffix(t, ":") && w&(notice.WordList|notice.WordFailure) != 0 || heading && !strings.HasSuffix(t, ":") && !strings.HasSuffix(t, ".") && len(t) < 60 && w&notice.WordList != 0
			continue
		}
		if own(c.Addr) {
			continue
		}
		if c.Rank < notice.RankOpens && !failing && !words.near(i, notice.WordFailure|notice.WordDelay|wordCode) && (c.Rank != notice.RankLabelled || subject&(notice.WordFailure|notice.WordDelay) == 0) {
			continue
		}
		c.Line = i
		if best == notice.RankListed && c.Rank == notice.RankReason && c.Rest == "" && !above && !asking && !notice.Contact(c.Addr) && opensLike(ls, all[0].Line, i) {
			c.Rank = notice.RankListed // the list goes on: each of its addresses has words below it
		}
		if lone := c.Rest == "" && (c.Rank == notice.RankReason || c.Rank == notice.RankAlone && t[0] != '<' && !heading); lone && !notice.Coded(ls[i:min(len(ls), i+6)]) {
			if said, ok := inProse(); asking || notice.Contact(c.Addr) || ok && said.Failing && said.Line < i {
				continue // it is where to ask
			}
		}
		take(c)
	}
	if len(all) == 0 {
		if said, ok := inProse(); ok {
			return []notice.Mention{said}
		}
		if c, ok := inEnvelope(ls, own); ok && (failing || subject&notice.WordFailure != 0) {
			return []notice.Mention{c}
		}
	}
	return distinct(ls, all, best)
}

// opensLike tells whether lines i and j open a paragraph alike: both have words below them.
func opensLike(ls []string, i, j int) bool {
	return notice.Indent(ls[i]) == notice.Indent(ls[j]) && i+1 < len(ls) && ls[i+1] != "" && j+1 < len(ls) && ls[j+1] != ""
}

// inEnvelope returns the recipient of a mail that the notice tells in rows:
// "From: us", "To: kate@example.com". Two of them name nobody.
func inEnvelope(ls []string, own func(string) bool) (found notice.Mention, ok bool) {
	fromUs := false
	for i, l := range ls {
		label, value, is := strings.Cut(l, ":")
		if l == "" || !is {
			fromUs = fromUs && l != ""
			continue
		}
		addr, _, _ := notice.FindAddress(value)
		switch label = notice.AsLabel(label); {
		case addr == "":
		case notice.Senders()[label]:
			fromUs = own(addr)
		case !notice.Directions()[label] || !fromUs || own(addr):
		case ok && !strings.EqualFold(addr, found.Addr):
			return notice.Mention{}, false
		default:
			found, ok = notice.Mention{Addr: addr, Line: i, Rank: notice.RankSentence}, true
		}
	}
	return found, ok
}

// listed returns the addresses of a line that is a list of them, under a
// heading or behind words and a colon that head one.
func listed(t string, heading bool, w notice.Word) (out []string) {
	if !heading {
		at := strings.LastIndex(t, ": ")
		if at < 0 || w&notice.WordList == 0 || w&notice.WordFailure == 0 {
			return nil
		}
		t = t[at+2:]
	}
	if strings.Count(t, "@") < 2 {
		return nil
	}
	for _, f := range strings.FieldsFunc(t, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' }) {
		a, ok := notice.BareAddress(f)
		switch {
		case ok && len(out) < notice.MaxFailures:
			out = append(out, a)
		case f != "and" && f != "&":
			return nil
		}
	}
	return out
}

// distinct drops repetitions. Several addresses with words behind them are a
// list only where each has a reply.
func distinct(ls []string, all []notice.Mention, best notice.Rank) []notice.Mention {
	out := all[:0:0]
	known := map[string]bool{}
	for _, c := range all {
		if key := strings.ToLower(c.Addr); !known[key] && len(out) < notice.MaxFailures {
			known[key] = true
			out = append(out, c)
		}
	}
	if best == notice.RankReason {
		out = slices.DeleteFunc(out, func(c notice.Mention) bool { return arrived(c.Rest) })
	}
	if len(out) < 2 || best > notice.RankReason {
		return out
	}
	for i, c := range out {
		end := len(ls)
		if i+1 < len(out) {
			end = out[i+1].Line
		}
		if notice.CodeAt(c.Rest) < 0 && (c.Rest != "" || !notice.Coded(ls[c.Line:min(end, c.Line+3)])) {
			return nil
		}
	}
	return out
}

// arrived tells whether what stands behind an address says that its mail went
// through.
func arrived(rest string) bool {
	if notice.CodeAt(rest) >= 0 {
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
		if t := strings.TrimSpace(ls[i]); t == "--" || len(t) < 60 && notice.WordsIn(t) == notice.WordGreeting {
			return ls[:i]
		}
		if notice.CodeAt(ls[i]) >= 0 || notice.Failing(ls[i]) {
			break
		}
	}
	return ls
}

// lineWords are the words of each line, looked at once.
type lineWords struct {
	ls    []string
	known []notice.Word
}

const (
	wordSeen notice.Word = 1 << 14
	wordCode notice.Word = 1 << 15 // a reply code stands in the line
)

func (w lineWords) at(i int) notice.Word {
	if w.known[i] == 0 {
		w.known[i] = notice.WordsIn(strings.TrimSpace(w.ls[i])) | wordSeen
		if notice.CodeAt(w.ls[i]) >= 0 {
			w.known[i] |= wordCode
		}
	}
	return w.known[i]
}

// near looks for such words in the lines around i.
func (w lineWords) near(i int, which notice.Word) bool {
	for j := max(0, i-3); j < min(len(w.ls), i+6); j++ {
		if w.ls[j] != "" && w.at(j)&which != 0 {
			return true
		}
	}
	return false
}

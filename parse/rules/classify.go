package rules

import (
	"cmp"

	"harvester/parse/bounce"
	"harvester/parse/match"
)

// Query is what a mail says of one recipient's failure.
type Query struct {
	Text         string        // reply text, diagnostic code or the notice's own sentence
	RemoteMTA    string        // host that refused, "" where unknown
	ReportingMTA string        // host that reports
	Status       string        // the field of RFC 3464 §2.3.4
	Action       bounce.Action // of RFC 3464 §2.3.3, ActionNone for a bare reply
	Recipient    string        // whom it is about, "" where unknown
	Ours         []string      // our domains, and addresses that sent the mail, lower case: what is said of these accuses the sender
}

// Answer is what it means.
type Answer struct {
	Reason     bounce.Reason
	Confidence bounce.Confidence
	Vendor     string // who spoke, "" where nobody is recognised
	Rule       string // id of the rule, "" where a code decided
	Evidence   string // the words or the code that decided, as they stand in Diagnostic
	Status     string // enhanced status code that the mail states, "" for none
	ReplyCode  int    // reply code that the mail states, 0 for none
	Diagnostic string // the text, repaired

	// Certainty tells how much of the text speaks for the reason, from 0 to 1:
	// see certainty.
	Certainty float64
	Unread    string // clauses with a strong word that nothing understood, one a line
}

const noRule = -1

// candidate is one thing that could decide.
type candidate struct {
	standing
	reason  bounce.Reason
	by      bounce.Confidence
	at      span   // in the folded text
	word    string // evidence that is not in the text
	code    int    // as is a reply code
	refused string // why it does not apply, for Why
}

// seen is the levels in which something of a rule stands, in one classification.
type seen struct {
	generation uint32
	levels     uint8
}

func (s *seen) add(generation uint32, level int) {
	if s.generation != generation {
		*s = seen{generation: generation}
	}
	s.levels |= 1 << level
}

func (s *seen) has(generation uint32, level int) bool {
	return s.generation == generation && s.levels&(1<<level) != 0
}

// scratch is the memory of one classification, reused by the next.
type scratch struct {
	folded     []byte
	hits       []match.Found
	levels     []level
	links      links
	clauses    []clause
	openers    []int  // where words that begin a clause stand
	covers     []span // words in which no others count
	topics     uint64 // lists of which a word stands anywhere
	states     []partState
	reached    []uint64 // bits of the states that hold something
	goesOn     []uint64 // bits of the places where a phrase ends that goes on behind one blank
	inScope    []uint32 // generation in which the scope was entered
	unless     []seen
	matched    []seen     // levels in which the expression of a rule matches
	unmatched  []seen     // and in which it does not
	whole      []complete // phrases that were found
	heard      []heard    // words of lists that were found
	claims     []claim
	generation uint32
	host       string // that was looked up last: many replies in a row are of one
	ofHost     []int  // its scopes

	set    *Set
	query  Query
	text   string
	same   bool // folding moved nothing: offsets in text and folded agree
	vendor string
	best   candidate
	trace  func(candidate)
}

// Classify says what a reply text means.
func (s *Set) Classify(q Query) Answer { return s.decide(q, nil) }

// decide runs the precedence. trace, where given, sees every candidate.
func (s *Set) decide(q Query, trace func(candidate)) Answer {
	c := s.pool.Get().(*scratch)
	defer s.pool.Put(c)
	if c.generation++; c.generation == 0 { // wrapped round: old marks would look new
		clear(c.inScope)
		clear(c.unless)
		clear(c.matched)
		clear(c.unmatched)
		c.generation = 1
	}
	c.set, c.query, c.trace, c.vendor = s, q, trace, ""
	c.text = repair(q.Text)
	c.folded = match.Fold(c.folded[:0], c.text)
	c.same = len(c.folded) == len(c.text) && ascii(c.text)
	c.levels = unwrap(c.folded, c.levels)
	c.read()
	c.best = candidate{standing: coded(stageAction + 1)}
	c.openers, c.whole, c.heard, c.claims, c.covers, c.topics = c.openers[:0], c.whole[:0], c.heard[:0], c.claims[:0], c.covers[:0], 0
	clear(c.reached)
	c.scopes()
	c.scan()
	c.split()
	c.ours()
	c.phrases()
	c.offerPhrases()
	c.combine()
	c.codes()
	c.action()
	a := c.answer()
	c.set, c.trace, c.query, c.text = nil, nil, Query{}, ""
	return a
}

// scopes enters the scopes of the hosts that speak.
func (c *scratch) scopes() {
	in := func(scope int) {
		c.inScope[scope] = c.generation
		if name := c.set.hosts.names[scope]; name != "" && c.vendor == "" {
			c.vendor = name
		}
	}
	if n := len(c.levels); n > 1 {
		if h := speaker(c.folded[:c.levels[n-1].start]); h != nil {
			c.set.hosts.find(string(h), in)
		}
	}
	host := cmp.Or(c.query.RemoteMTA, c.query.ReportingMTA)
	if host != c.host {
		c.host, c.ofHost = host, c.ofHost[:0]
		c.set.hosts.find(host, func(scope int) { c.ofHost = append(c.ofHost, scope) })
	}
	for _, scope := range c.ofHost {
		in(scope)
	}
}

// scan finds all literals, in order of their ends and the longest first where
// several end, and enters the scopes of markers and exceptions.
func (c *scratch) scan() {
	f, set := c.folded, c.set
	c.hits = set.index.Find(c.hits[:0], f)
	hits := c.hits[:0]
	for _, h := range c.hits {
		lit := &set.literals[h.Literal]
		if end := int(h.End); end < len(f) && (lit.digit && isDigit(f[end]) || lit.short && isLetter(f[end])) {
			continue
		}
		hits = append(hits, h)
		for k := len(hits) - 1; k > 0 && hits[k-1].End > h.End; k-- {
			hits[k-1], hits[k] = h, hits[k-1]
		}
	}
	c.hits = hits
	for _, h := range c.hits {
		lit := &set.literals[h.Literal]
		for _, u := range set.uses[lit.at : lit.at+lit.proofs] {
			switch u.role {
			case exception:
				c.unless[u.of].add(c.generation, c.level(int(h.End)-1))
				continue
			case opener:
				c.openers = append(c.openers, int(h.Start))
				continue
			}
			c.inScope[u.of] = c.generation
			if c.vendor == "" {
				c.vendor = set.hosts.names[u.of]
			}
		}
	}
}

// level returns the index of the level in which position at stands.
func (c *scratch) level(at int) int {
	i := len(c.levels) - 1
	for i > 0 && at < c.levels[i].start {
		i--
	}
	return i
}

func (c *scratch) offer(cand candidate) {
	if c.trace != nil {
		c.trace(cand)
	}
	if cand.refused == "" && cand.beats(&c.best.standing) {
		c.best = cand
	}
}

// words returns what stands at a span of the folded text, as it was written.
func (c *scratch) words(at span) string {
	if c.same {
		return c.text[at.start:at.end]
	}
	return match.Unfold(c.text, at.start, at.end)
}

// digits returns a code that stands at a span of the folded text.
func (c *scratch) digits(at span) string {
	if c.same {
		return c.text[at.start:at.end]
	}
	return string(c.folded[at.start:at.end])
}

func ascii(s string) bool {
	var all uint64
	for ; len(s) >= 8; s = s[8:] { // one load each
		all |= uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	}
	for i := range len(s) {
		all |= uint64(s[i])
	}
	return all&0x8080808080808080 == 0
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

package rules

import (
	"bytes"

	"harvester/parse/bounce"
	"harvester/parse/match"
	"harvester/parse/status"
)

// Query is what a mail says of one recipient's failure.
type Query struct {
	Text         string        // reply text, diagnostic code or the notice's own sentence
	RemoteMTA    string        // host that refused, "" where unknown
	ReportingMTA string        // host that reports
	Status       string        // the field of RFC 3464 §2.3.4
	Action       bounce.Action // of RFC 3464 §2.3.3, ActionNone for a bare reply
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
}

// The stages of the precedence, strongest first. Each level of an unwrapped
// text has its own first six, the innermost level first; the Status field
// speaks at the innermost.
const (
	stageToken = iota
	stageVendor
	stageGeneric
	stageCode
	stageField
	stageHint // weak phrases

	stagesPerLevel
	stageWeak   = stagesPerLevel * maxLevels // codes that stand for many things
	stageReply  = stageWeak + maxLevels + 1
	stageAction = stageReply + maxLevels
)

const noRule = -1

// candidate is one thing that could decide.
type candidate struct {
	standing
	reason  bounce.Reason
	by      bounce.Confidence
	at      span   // in the folded text
	word    string // evidence that is not in the text
	refused string // why it does not apply, for Why
}

// standing is a candidate's place in the precedence.
type standing struct {
	stage    int
	rank     uint8
	length   int
	specific uint8
	rule     int // noRule for a code's own meaning
}

// beats reports whether a decides against b.
func (a *standing) beats(b *standing) bool {
	switch {
	case a.stage != b.stage:
		return a.stage < b.stage
	case a.rank != b.rank:
		return a.rank < b.rank
	case a.length != b.length:
		return a.length > b.length
	case a.specific != b.specific:
		return a.specific > b.specific
	default:
		return a.rule < b.rule
	}
}

type hit struct{ literal, end int32 }

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

// unproven is a whole phrase of a rule that its expression has to confirm.
type unproven struct {
	rule, level int
	phrase      partState
	token       bool
}

// partState is the last place where a phrase was found up to this part.
type partState struct{ start, end, length int32 }

// scratch is the memory of one classification, reused by the next.
type scratch struct {
	folded     []byte
	hits       []hit
	levels     []level
	links      links
	states     []partState
	reached    []uint64 // bits of the states that hold something
	inScope    []uint32 // generation in which the scope was entered
	unless     []seen
	unmatched  []seen     // levels in which the expression of a rule does not match
	later      []unproven // phrases of rules with an expression
	generation uint32

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
		clear(c.unmatched)
		c.generation = 1
	}
	c.set, c.query, c.trace, c.vendor = s, q, trace, ""
	c.text = repair(q.Text)
	c.folded = match.Fold(c.folded[:0], c.text)
	c.same = len(c.folded) == len(c.text) && ascii(c.text)
	c.levels = unwrap(c.folded, c.levels)
	c.links = findLinks(c.folded, c.links)
	c.best = candidate{standing: standing{stage: stageAction + 1, rule: noRule}}
	c.later = c.later[:0]
	clear(c.reached)
	c.scopes()
	c.scan()
	c.phrases()
	for _, l := range c.later { // most are beaten by now, and cost nothing
		c.offerPhrase(l.rule, l.level, l.phrase, l.token)
	}
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
	if c.query.RemoteMTA != "" {
		c.set.hosts.find(c.query.RemoteMTA, in)
	} else {
		c.set.hosts.find(c.query.ReportingMTA, in)
	}
}

// scan finds all literals, and enters the scopes of markers and exceptions.
func (c *scratch) scan() {
	c.hits = c.hits[:0]
	f := c.folded
	c.set.automaton.Scan(f, func(i, end int) {
		lit := &c.set.literals[i]
		if end < len(f) && (lit.digit && isDigit(f[end]) || lit.short && isLetter(f[end])) {
			return
		}
		c.hits = append(c.hits, hit{int32(i), int32(end)})
		for _, u := range c.set.uses[lit.proofs:lit.phrases] {
			if u.role == exception {
				c.unless[u.of].add(c.generation, c.level(end-1))
				continue
			}
			c.inScope[u.of] = c.generation
			if c.vendor == "" {
				c.vendor = c.set.hosts.names[u.of]
			}
		}
	})
}

// maxGap is how far a * in a phrase reaches, in bytes of folded text.
const maxGap = 80

// phrases assembles literals into phrases and offers each that is complete.
func (c *scratch) phrases() {
	for _, h := range c.hits {
		lit := &c.set.literals[h.literal]
		now := partState{h.end - lit.length, h.end, lit.length}
		address, link := c.links.at(int(now.start), int(now.end))
		if address && !lit.address {
			continue
		}
		lv := c.level(int(now.start))
		if int(h.end) > c.levels[lv].end {
			continue
		}
		skip := link && lit.plain
		uses := c.set.uses[lit.phrases:lit.end]
		for i := range uses {
			u := &uses[i]
			if u.role == further && !c.isReached(u.state-1) || skip && c.set.places[u.of].generic {
				continue
			}
			switch u.role {
			case whole:
				c.found(int(u.of), lv, now, lit.token)
			case begin:
				c.reach(u.state, now)
			case further:
				c.extend(u, lv, now, lit.token)
			}
		}
	}
}

// extend goes on with a phrase that was found up to the part before.
func (c *scratch) extend(u *use, lv int, now partState, token bool) {
	before := &c.states[u.state-1]
	if int(before.start) < c.levels[lv].start || !c.bridges(int(before.end), int(now.start), u.near) {
		return
	}
	now.start, now.length = before.start, before.length+now.length
	if u.near {
		now.length++
	}
	if u.last {
		c.found(int(u.of), lv, now, token)
	} else {
		c.reach(u.state, now)
	}
}

// reach notes that a phrase was found up to a part.
func (c *scratch) reach(state uint32, now partState) {
	if old := &c.states[state]; !c.isReached(state) || old.end != now.end {
		*old = now
		c.reached[state>>6] |= 1 << (state & 63)
	}
}

func (c *scratch) isReached(state uint32) bool { return c.reached[state>>6]>>(state&63)&1 != 0 }

// bridges reports whether the next part of a phrase may follow at to after a
// part that ended at from.
func (c *scratch) bridges(from, to int, near bool) bool {
	if near {
		return to == from+1 && c.folded[from] == ' '
	}
	return from <= to && to-from <= maxGap && !bytes.Contains(c.folded[from:to], sentence)
}

var sentence = []byte(". ")

// level returns the index of the level in which position at stands.
func (c *scratch) level(at int) int {
	i := len(c.levels) - 1
	for i > 0 && at < c.levels[i].start {
		i--
	}
	return i
}

// found takes a whole phrase. Expressions are dear: they wait until all that
// needs none has spoken.
func (c *scratch) found(rule, lv int, p partState, token bool) {
	if c.set.places[rule].expression {
		c.later = append(c.later, unproven{rule, lv, p, token})
	} else {
		c.offerPhrase(rule, lv, p, token)
	}
}

func (c *scratch) offerPhrase(rule, lv int, p partState, token bool) {
	its := &c.set.places[rule]
	at := standing{stage: its.stage, rank: its.rank, length: int(p.length), specific: its.specific, rule: rule}
	if token && at.stage == stageVendor {
		at.stage = stageToken
	}
	at.stage += stagesPerLevel * (len(c.levels) - 1 - lv)
	if c.trace == nil && !at.beats(&c.best.standing) {
		return
	}
	r := &c.set.rules[rule]
	cand := candidate{standing: at, reason: r.Reason, by: bounce.ByRule, at: span{int(p.start), int(p.end)}}
	cand.refused = c.refuse(rule, lv, cand.at)
	if cand.refused == "" && r.re != nil {
		cand.at = c.widened(r, lv, cand.at)
	}
	c.offer(cand)
}

// widened is what the expression of a rule matched around its phrase: "OFR_416"
// around "_416"; the phrase itself where the expression matched elsewhere.
func (c *scratch) widened(r *Rule, lv int, at span) span {
	l := &c.levels[lv]
	if m := r.re.FindIndex(c.folded[l.start:l.end]); m != nil && l.start+m[0] <= at.start && l.start+m[1] >= at.end {
		return span{l.start + m[0], l.start + m[1]}
	}
	return at
}

// refuse says which condition of a rule is not met, "" when all are.
func (c *scratch) refuse(rule, lv int, at span) string {
	r := &c.set.rules[rule]
	if why := c.outOfScope(r); why != "" {
		return why
	}
	l := &c.levels[lv]
	if r.Code != "" && !r.codeFits(c.codeAt(lv)) {
		return "the reply code is not " + r.Code
	}
	if len(r.status) > 0 {
		class, subject, detail, ok := status.Split(c.statusAt(l))
		if !ok || !r.statusFits(class, subject, detail) {
			return "the enhanced status code is another"
		}
	}
	if c.unless[rule].has(c.generation, lv) {
		return "an exception stands in the text"
	}
	if r.IP != "" && !touchesIP(c.folded[:l.end], at, r.IP == "before") {
		return "no IP address stands " + r.IP + " it"
	}
	if r.re != nil && !c.matches(rule, lv) {
		return "match does not match"
	}
	return ""
}

// matches reports whether a rule's expression matches in a level. It is asked
// once, however often the rule's phrases stand there.
func (c *scratch) matches(rule, lv int) bool {
	if c.unmatched[rule].has(c.generation, lv) {
		return false
	}
	l := &c.levels[lv]
	if c.set.rules[rule].re.Match(c.folded[l.start:l.end]) {
		return true
	}
	c.unmatched[rule].add(c.generation, lv)
	return false
}

func (c *scratch) outOfScope(r *Rule) string {
	if r.scope != noScope && c.inScope[r.scope] != c.generation {
		return "the host is not one of the rule's"
	}
	if r.Scoped && (r.vendor == noScope || c.inScope[r.vendor] != c.generation) {
		return "nothing shows that " + r.Vendor + " speaks"
	}
	return ""
}

// codeAt is the reply code of a level, else of the nearest level around it.
func (c *scratch) codeAt(lv int) int {
	for ; lv >= 0; lv-- {
		if c.levels[lv].code != 0 {
			return c.levels[lv].code
		}
	}
	return 0
}

// statusAt is the enhanced code of a level, else that of the Status field.
func (c *scratch) statusAt(l *level) string {
	if l.ok {
		return string(c.folded[l.enhanced.start:l.enhanced.end])
	}
	return c.query.Status
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

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

package rules

import (
	"bytes"
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/status"
)

// complete is a whole phrase of a rule.
type complete struct {
	rule, level int
	phrase      partState
	token       bool
	refused     string // of one that claims its words: why it does not apply
}

// partState is the last place where a phrase was found up to this part.
type partState struct{ start, end, length int32 }

// maxGap is how far a * in a phrase reaches, in bytes of folded text.
const maxGap = 80

// phrases assembles literals into phrases and keeps each that is complete. A
// literal is the further part of many phrases of which few have begun. It goes
// on with those that ended a blank before it only where one did, and of the
// others the state that each waits for is all that is looked at.
func (c *scratch) phrases() {
	set := c.set
	n := len(c.folded)>>6 + 1
	c.goesOn = slices.Grow(c.goesOn[:0], n)[:n]
	clear(c.goesOn)
	next := 0 // link that ends behind the literal: both come in order of their ends
	for _, h := range c.hits {
		lit := &set.literals[h.Literal]
		now := partState{h.Start, h.End, h.End - h.Start}
		var address, link bool
		if len(c.links) > 0 {
			for next < len(c.links) && c.links[next].end < int(h.End) {
				next++
			}
			address, link = c.links.around(next, int(now.start), int(now.end))
		}
		if address && !lit.address {
			continue
		}
		lv := 0
		if len(c.levels) > 1 {
			lv = c.level(int(now.start))
		}
		if int(h.End) > c.levels[lv].end {
			continue
		}
		skip := link && lit.plain
		uses := set.uses[lit.at : lit.at+lit.words]
		for i := lit.proofs; i < lit.phrases; i++ {
			u := &uses[i]
			if skip && !set.standings[u.of].vendor {
				continue
			}
			if u.role == whole {
				c.whole = append(c.whole, complete{int(u.of), lv, now, lit.token, ""})
			} else {
				c.reach(u, now)
			}
		}
		from := lit.phrases
		if at := now.start - 1; lit.near > from && (at < 0 || c.goesOn[at>>6]>>(at&63)&1 == 0) {
			from = lit.near
		}
		if from < lit.gaps {
			for i, state := range set.awaits[lit.at+from : lit.at+lit.gaps] {
				if !c.isReached(state) {
					continue
				}
				if u := &uses[int(from)+i]; !skip || set.standings[u.of].vendor {
					c.extend(u, lv, now, lit.token)
				}
			}
		}
		if skip {
			continue
		}
		for _, u := range uses[lit.gaps:] {
			c.heard = append(c.heard, heard{uint32(u.of), span{int(now.start), int(now.end)}})
		}
	}
}

// extend goes on with a phrase that was found up to the part before.
func (c *scratch) extend(u *use, lv int, now partState, token bool) {
	before := &c.states[u.state-1]
	if int(before.start) < c.levels[lv].start || !c.bridges(int(before.end), int(now.start), u.near, c.set.standings[u.of].vendor) {
		return
	}
	now.start, now.length = before.start, before.length+now.length
	if u.near {
		now.length++
	}
	if u.last {
		c.whole = append(c.whole, complete{int(u.of), lv, now, token, ""})
	} else {
		c.reach(u, now)
	}
}

// reach notes that a phrase was found up to a part.
func (c *scratch) reach(u *use, now partState) {
	if u.goesOn {
		c.goesOn[now.end>>6] |= 1 << (now.end & 63)
	}
	word, bit := &c.reached[u.state>>6], uint64(1)<<(u.state&63)
	if old := &c.states[u.state]; *word&bit == 0 || old.end != now.end {
		*old = now
		*word |= bit
	}
}

func (c *scratch) isReached(state uint32) bool { return c.reached[state>>6]>>(state&63)&1 != 0 }

// bridges reports whether the next part of a phrase may follow at to after a
// part that ended at from: within a clause, or within a sentence in the words
// of a vendor.
func (c *scratch) bridges(from, to int, near, vendor bool) bool {
	switch {
	case near:
		return to == from+1 && c.folded[from] == ' '
	case from > to || to-from > maxGap:
		return false
	case vendor:
		return !bytes.Contains(c.folded[from:to], sentence)
	}
	return c.clauseAt(max(from-1, 0)) == c.clauseAt(to)
}

var sentence = []byte(". ")

// claim is the words of a phrase that says what they mean together. They are
// read once: "blocked by the recipient" is not also "blocked", a vendor's own
// sentence is not also what its words mean elsewhere.
type claim struct {
	span
	length int32
	its    *ruleStanding
}

// claimed reports whether a longer or a vendor's claim reads the words of a phrase.
func (c *scratch) claimed(at span, length int32, its *ruleStanding) bool {
	for i := range c.claims {
		k := &c.claims[i]
		if k.start >= at.end || at.start >= k.end || k.its == its {
			continue
		}
		within := k.start <= at.start && at.end <= k.end
		switch {
		case its == &listed && k.its.rank == rankFull && (at.start == k.start || at.end == k.end || within && k.end-k.start <= int(k.length)+1):
			return true // "too many messages in the mailbox" tells of no rate
		case k.its.vendor:
			gapless := k.end-k.start == int(k.length)
			if !its.vendor && (gapless || at.start == k.start) || within && k.length > length {
				return true
			}
		case k.length <= length || its.vendor:
		case within && its.accused == accusesOther, k.its.wish && its.accused == accusesNobody:
			return true
		}
	}
	return false
}

// mostClaims bounds the claims of a text, and the words that cover others.
const mostClaims = 64

// claim takes the words of the phrases that apply, those of vendors first: what
// is claimed already claims nothing.
func (c *scratch) claim(vendor bool) {
	for i := range c.whole {
		w := &c.whole[i]
		its := &c.set.standings[w.rule]
		if !its.claims || its.vendor != vendor || len(c.claims) == mostClaims {
			continue
		}
		at := span{int(w.phrase.start), int(w.phrase.end)}
		if w.refused = c.refuse(w.rule, w.level, at); w.refused == "" && (vendor || !c.claimed(at, w.phrase.length, its)) {
			c.claims = append(c.claims, claim{at, w.phrase.length, its})
		}
	}
}

// offerPhrases offers all whole phrases: those that claim their words first.
func (c *scratch) offerPhrases() {
	c.claim(true)
	c.claim(false)
	c.listen()
	c.inherit()
	for _, expression := range [...]bool{false, true} { // expressions are dear: most are beaten by then
		for i := range c.whole {
			if w := &c.whole[i]; c.set.standings[w.rule].expression == expression {
				c.offerPhrase(w)
			}
		}
	}
}

// listed is the standing of a single word, for claims.
var listed = ruleStanding{accused: accusesNobody}

func (c *scratch) offerPhrase(w *complete) {
	its := &c.set.standings[w.rule]
	p := &w.phrase
	x := &c.clauses[c.clauseAt(int(p.start))]
	at := standing{accused: its.accused, rank: its.rank, tier: its.tier, specific: its.specific, stage: its.stage, length: p.length, rule: w.rule}
	if w.token && at.tier == tierVendor {
		at.tier = tierToken
		if its.stands {
			at.accused, at.rank = accusesSender, rankCause
		}
	}
	if c.set.rules[w.rule].Reason == bounce.MailboxDisabled && its.rank == rankDead && at.tier < tierClause && c.class() == '5' && x.has&c.set.late == 0 {
		at.rank = rankFull // "is suspended, try later" is no word on tomorrow
	}
	at.stage += int32(stagesPerLevel * (len(c.levels) - 1 - w.level))
	if c.trace == nil && !at.beats(&c.best.standing) {
		x.spoke = x.spoke || !its.expression
		return
	}
	r := &c.set.rules[w.rule]
	cand := candidate{standing: at, reason: r.Reason, by: bounce.ByRule, at: span{int(p.start), int(p.end)}}
	switch {
	case its.claims && w.refused != "":
		cand.refused = w.refused
	case its.tier != tierClause && c.claimed(cand.at, p.length, its):
		cand.refused = "a phrase that knows better reads these words"
	case !its.claims:
		cand.refused = c.refuse(w.rule, w.level, cand.at)
	}
	if cand.refused == "" && (!its.vendor || r.Scoped && !w.token) { // a vendor's own sentence needs no second look
		cand.refused = c.excused(x, r.Reason)
	}
	if cand.refused == "" {
		x.spoke = true
		if r.re != nil && (c.trace != nil || at.beats(&c.best.standing)) {
			cand.at = c.widened(r, w.level, cand.at)
		}
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
		return c.because("the reply code is not ", r.Code)
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
		return c.because("no IP address stands ", r.IP, " it")
	}
	if r.re != nil && !c.matches(rule, lv) {
		return "match does not match"
	}
	return ""
}

// matches reports whether a rule's expression matches in a level. It is asked
// once, however often the rule's phrases stand there.
func (c *scratch) matches(rule, lv int) bool {
	switch {
	case c.unmatched[rule].has(c.generation, lv):
		return false
	case c.matched[rule].has(c.generation, lv):
		return true
	}
	l := &c.levels[lv]
	if c.set.rules[rule].re.Match(c.folded[l.start:l.end]) {
		c.matched[rule].add(c.generation, lv)
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
		return c.because("nothing shows that ", r.Vendor, " speaks")
	}
	return ""
}

// because is why something does not apply. Only Why asks for the words.
func (c *scratch) because(words ...string) string {
	if c.trace == nil {
		return words[0]
	}
	return strings.Join(words, "")
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
		return c.digits(l.enhanced)
	}
	return c.query.Status
}

package rules

import (
	"bytes"

	"harvester/parse/bounce"
	"harvester/parse/status"
)

// unproven is a whole phrase of a rule that its expression has to confirm.
type unproven struct {
	rule, level int
	phrase      partState
	token       bool
}

// partState is the last place where a phrase was found up to this part.
type partState struct{ start, end, length int32 }

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
	if int(before.start) < c.levels[lv].start || !c.bridges(int(before.end), int(now.start), u.near, c.set.places[u.of].clause) {
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
// part that ended at from, within a sentence or a clause of it.
func (c *scratch) bridges(from, to int, near, clause bool) bool {
	if near {
		return to == from+1 && c.folded[from] == ' '
	}
	if from > to || to-from > maxGap {
		return false
	}
	between := c.folded[from:to]
	if clause && bytes.Contains(between, comma) && bytes.IndexByte(between, '@') < 0 {
		return false
	}
	return !bytes.Contains(between, sentence)
}

var sentence, comma = []byte(". "), []byte(", ")

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

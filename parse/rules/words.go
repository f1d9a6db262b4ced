package rules

import (
	"bytes"
	"math/bits"

	"harvester/parse/bounce"
)

// Words is a list of words that mean one thing in all languages of the pack:
// who is spoken of, or what is said.
type Words struct {
	Name     string   `toml:"name"`
	Contains []string `toml:"contains,one"` // the words
	Excuses  []string `toml:"excuses,one"`  // "recipient", "sender", "message", "codes": whom a clause that holds one of them does not accuse
	Covers   bool     `toml:"covers"`       // no other word counts within one of these: "returned to sender"
	Opens    bool     `toml:"opens"`        // each begins a clause: "because"
	Strong   bool     `toml:"strong"`       // a clause with one of them says something; it should not be left over

	File         string
	Line, Column int
}

// mostWords bounds the lists: a clause keeps a bit of each.
const mostWords = 64

// excuse is what word lists excuse, each as the bits of the lists.
type excuse struct{ recipient, sender, message, codes uint64 }

// combination is one alternative of a rule's "clause": lists of which a word
// each must stand in one clause, and lists of which none may.
type combination struct {
	all, none uint64
	rule      int
}

// heard is a word of a list.
type heard struct {
	list uint32
	span
}

// listen hears the words of lists, but those that stand within other words:
// "ip address" is no address, "returned to sender" speaks of no sender.
func (c *scratch) listen() {
	for i := range c.heard {
		if h := &c.heard[i]; len(c.covers) < mostClaims && bytes.IndexByte(c.folded[h.start:h.end], ' ') > 0 {
			c.covers = append(c.covers, h.span)
		}
	}
	for i := range c.heard {
		h := &c.heard[i]
		if !c.covered(h.span) && !c.claimed(h.span, int32(h.end-h.start), &listed) {
			c.hear(h.list, h.start, h.end)
		}
	}
}

// covered reports whether longer words stand where a word does.
func (c *scratch) covered(at span) bool {
	for _, k := range c.covers {
		if k.start <= at.start && at.end <= k.end && k != at {
			return true
		}
	}
	return false
}

// hear notes a word of a list in its clause.
func (c *scratch) hear(list uint32, start, end int) {
	bit := uint64(1) << list
	if c.set.covers&bit != 0 {
		return
	}
	c.note(c.clauseAt(start), bit, start, end)
}

// note gives a clause the bit of a list, for what stands from start to end.
func (c *scratch) note(i int, bit uint64, start, end int) {
	x := &c.clauses[i]
	if x.own == 0 {
		x.first, x.last = start, end
	}
	x.own |= bit
	x.first, x.last = min(x.first, start), max(x.last, end)
}

// inherit hands on what a clause takes over from the one before it: behind a
// colon whom it speaks of, behind "because" too where nothing was said of him
// yet, and in a list of possibilities that it is one.
func (c *scratch) inherit() {
	set := c.set
	for i := range c.clauses {
		x := &c.clauses[i]
		x.has = x.own
		if i == 0 {
			continue
		}
		before := c.clauses[i-1].has
		switch x.cut {
		case colonCut:
			x.has |= before & set.carried
		case commaCut:
			x.has |= before & set.maybe
		case openerCut:
			if c.clauses[i-1].own&set.strong == 0 { // "Ihre IP wurde wegen Spam gesperrt" has its verb behind the cause
				x.has |= before & set.carried &^ set.maybe
			}
		}
		c.topics |= x.has
	}
	c.topics |= c.clauses[0].has
}

// combine offers the rules whose words stand together in one clause.
func (c *scratch) combine() {
	for i := range c.clauses {
		x := &c.clauses[i]
		for left := x.own; left != 0; left &= left - 1 {
			for _, k := range c.set.combinations[bits.TrailingZeros64(left)] {
				if x.has&k.all == k.all && x.has&k.none == 0 {
					c.offerPhrase(&complete{k.rule, c.level(x.first), partState{int32(x.first), int32(x.last), int32(bits.OnesCount64(k.all))}, false, ""})
				}
			}
		}
	}
}

// excused says why what stands in a clause accuses nobody, "" if it may.
func (c *scratch) excused(x *clause, r bounce.Reason) string {
	set := c.set
	switch guilt := accuses(r); {
	case x.has&set.maybe != 0:
		return "its clause says what may be"
	case guilt == accusesSender && x.has&set.excuse.sender != 0:
		return "its clause is about " + c.named(x.has&set.excuse.sender)
	case guilt == accusesMessage && x.has&set.excuse.message != 0:
		return "its clause is about " + c.named(x.has&set.excuse.message)
	case r.Fault() == bounce.FaultRecipient && x.has&set.excuse.recipient != 0:
		return "its clause is about " + c.named(x.has&set.excuse.recipient)
	}
	return ""
}

func (c *scratch) named(lists uint64) string {
	return c.set.words[bits.TrailingZeros64(lists)].Name
}

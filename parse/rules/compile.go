package rules

import (
	"cmp"
	"slices"
	"strings"

	"harvester/parse/match"
)

// code is a vendor's enhanced status code.
type code struct {
	class           byte
	subject, detail uint16
}

// literal is what the trie finds. It is small, as each reply touches
// dozens of the many thousand.
type literal struct {
	at uint32 // its first use
	// Where its kinds of uses end, counted from the first: of what it proves, of
	// phrases that it is or begins, of those that it goes on with after one blank,
	// of those that it goes on with after a gap, and of lists.
	proofs, phrases, near, gaps, words uint32
	sign
}

// sign is what a literal looks like.
type sign struct {
	token   bool // a vendor's mark
	plain   bool // a single word without signs: not looked for in links and host names
	address bool // holds an @ itself
	digit   bool // ends in one: no other may follow
	short   bool // a word of up to four letters, or ends in one of two: no other may follow
}

// use is one thing that a literal is found for.
type use struct {
	role   role
	near   bool   // further: follows the part before after one blank, else after a gap
	last   bool   // further: completes the phrase
	goesOn bool   // begin, further: the next part follows after one blank
	of     int32  // rule; scope of a marker; word list
	state  uint32 // index of the part's state; that of the part before is one less
}

type role uint8

// The roles of literals, in the order in which they are looked at.
const (
	marker    role = iota // proves a scope
	opener                // begins a clause
	exception             // of a rule
	whole                 // phrase of one part
	begin                 // first part of a phrase
	further               // any other part
	word                  // of a list
)

// ruleStanding is what of a rule's standing is known before it is found.
type ruleStanding struct {
	accused              accusation
	stage                int32
	rank, tier, specific uint8
	vendor               bool // not of nobody in particular
	expression           bool // has one
	claims               bool // no shorter phrase of less standing reads its words again
	wish                 bool // tells what the recipient wants
	stands               bool // a token of it says what the whole reply means
}

// compiler collects literals and their uses.
type compiler struct {
	*Set
	index map[string]int
	texts []string
	found []literalUse
}

type literalUse struct {
	literal int
	use
}

func (s *Set) compile() {
	slices.SortStableFunc(s.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	s.codes = map[code][]int{}
	s.standings = make([]ruleStanding, len(s.rules))
	c := compiler{Set: s, index: map[string]int{}}
	c.lists()
	vendors := c.scopes()
	for i := range s.rules {
		r := &s.rules[i]
		r.vendor = noScope
		if v, ok := vendors[r.Vendor]; ok && r.Scoped {
			r.vendor = v
		}
		r.scope = s.hosts.add(r.Remote)
		s.standings[i] = r.standing()
		if r.alone() {
			c.code(i)
		} else {
			c.rule(i)
			c.combination(i)
		}
	}
	c.layUses()
	s.index = match.NewWords(c.texts)
	s.pool.New = func() any {
		return &scratch{
			states: make([]partState, s.states), reached: make([]uint64, (s.states+63)/64),
			inScope: make([]uint32, len(s.hosts.patterns)), unless: make([]seen, len(s.rules)), matched: make([]seen, len(s.rules)), unmatched: make([]seen, len(s.rules)),
		}
	}
}

func (c *compiler) add(text string, u use) {
	i, ok := c.index[text]
	if !ok {
		i = len(c.texts)
		c.index[text] = i
		c.texts = append(c.texts, text)
		c.literals = append(c.literals, literal{sign: signOf(text)})
	}
	c.found = append(c.found, literalUse{i, u})
}

// scopes gives each vendor that says how it is known a scope.
func (c *compiler) scopes() map[string]int {
	vendors := map[string]int{}
	for _, h := range c.heads {
		if len(h.hosts) == 0 && len(h.markers) == 0 {
			continue
		}
		v, ok := vendors[h.vendor]
		if !ok {
			v = c.hosts.open(h.vendor)
			vendors[h.vendor] = v
		}
		c.hosts.extend(v, h.hosts)
		for _, m := range h.markers {
			if text := strings.TrimSpace(match.FoldString(m)); text != "" {
				c.add(text, use{role: marker, of: int32(v)})
			}
		}
	}
	return vendors
}

// code enters a rule that goes by its status codes alone.
func (c *compiler) code(rule int) {
	for _, p := range c.rules[rule].status {
		for detail := p.lo; detail <= p.hi; detail++ {
			for _, class := range []byte("245") {
				if p.class == 0 || p.class == class {
					at := code{class, p.subject, detail}
					c.codes[at] = append(c.codes[at], rule)
				}
			}
		}
	}
}

func (c *compiler) rule(rule int) {
	r := &c.rules[rule]
	for _, phrase := range r.Contains {
		parts, _ := parsePhrase(phrase) // checked when it was read
		parts = multiply(parts)
		for n, p := range parts {
			u := use{role: further, near: p.near, last: n == len(parts)-1, goesOn: n+1 < len(parts) && parts[n+1].near, of: int32(rule), state: uint32(c.states + n)}
			switch {
			case len(parts) == 1:
				u.role = whole
			case n == 0:
				u.role = begin
			}
			for _, a := range p.alternatives {
				c.add(a, u)
			}
		}
		c.states += len(parts) - 1
	}
	for _, phrase := range r.Unless {
		parts, _ := parsePhrase(phrase)
		for _, p := range parts {
			for _, a := range p.alternatives {
				c.add(a, use{role: exception, of: int32(rule)})
			}
		}
	}
}

// layUses lays the uses of each literal side by side.
func (c *compiler) layUses() {
	slices.SortStableFunc(c.found, func(a, b literalUse) int {
		return cmp.Or(cmp.Compare(a.literal, b.literal), cmp.Compare(a.role, b.role), cmp.Compare(afterGap(a.use), afterGap(b.use)))
	})
	c.uses, c.awaits = make([]use, 0, len(c.found)), make([]uint32, 0, len(c.found))
	for _, f := range c.found {
		lit := &c.literals[f.literal]
		if lit.words == 0 {
			lit.at = uint32(len(c.uses))
		}
		n := uint32(len(c.uses)) - lit.at + 1
		switch {
		case f.role <= exception:
			lit.proofs, lit.phrases, lit.near, lit.gaps = n, n, n, n
		case f.role <= begin:
			lit.phrases, lit.near, lit.gaps = n, n, n
		case f.role == further && f.near:
			lit.near, lit.gaps = n, n
		case f.role == further:
			lit.gaps = n
		}
		lit.words = n
		awaits := uint32(0)
		if f.role == further {
			awaits = f.state - 1
		}
		c.uses, c.awaits = append(c.uses, f.use), append(c.awaits, awaits)
	}
}

// afterGap is 1 for a part of a phrase that follows after a gap.
func afterGap(u use) int {
	if u.role == further && !u.near {
		return 1
	}
	return 0
}

// lists enters the words of all lists.
func (c *compiler) lists() {
	c.combinations = make([][]combination, len(c.words))
	for i := range c.words {
		w := &c.words[i]
		bit := uint64(1) << i
		for _, whom := range w.Excuses {
			switch whom {
			case "recipient":
				c.excuse.recipient |= bit
			case "sender":
				c.excuse.sender |= bit
			case "message":
				c.excuse.message |= bit
			case "codes":
				c.excuse.codes |= bit
			}
		}
		if w.Covers {
			c.covers |= bit
		}
		if w.Strong {
			c.strong |= bit
		}
		switch w.Name {
		case "verb":
			c.verb(w)
			continue
		case "sender":
			c.sender = bit
		case "person":
			c.person = bit
		case "later":
			c.late = bit
		}
		for _, phrase := range w.Contains {
			words, _ := expand(phrase) // checked when it was read
			for _, a := range words {
				if w.Opens {
					c.add(a, use{role: opener})
				} else {
					c.add(a, use{role: word, of: int32(i)})
				}
			}
		}
	}
	c.maybe = c.excuse.recipient & c.excuse.sender
	c.carried = c.excuse.recipient
}

// verb enters the words behind an address that is the subject of its clause.
// They are looked for there alone: most clauses have one.
func (c *compiler) verb(w *Words) {
	for _, phrase := range w.Contains {
		words, _ := expand(phrase) // checked when it was read
		for _, a := range words {
			c.verbs = append(c.verbs, []byte(a+" "))
		}
	}
}

// combination enters the alternatives of a rule's clause, each by its first list.
func (c *compiler) combination(rule int) {
	for _, alternative := range c.rules[rule].Clause {
		k := combination{rule: rule}
		first := -1
		for name := range strings.FieldsSeq(alternative) {
			name, none := strings.CutPrefix(name, "!")
			bit := uint64(1) << c.list(name)
			switch {
			case none:
				k.none |= bit
				continue
			case first < 0:
				first = c.list(name)
			}
			k.all |= bit
		}
		c.combinations[first] = append(c.combinations[first], k)
	}
}

// list is the index of the word list of a name, -1 for none.
func (s *Set) list(name string) int {
	return slices.IndexFunc(s.words, func(w Words) bool { return w.Name == name })
}

package rules

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"harvester/parse/match"
)

//go:embed *.toml
var builtin embed.FS

// Builtin returns the rules that come with the program, compiled once.
var Builtin = sync.OnceValue(func() *Set {
	s, err := Load(nil, builtin)
	if err != nil {
		panic(fmt.Sprintf("built-in rules: %v", err)) // a test loads them; no user can cause it
	}
	return s
})

// Set is a compiled rule pack. It is immutable and safe for concurrent use.
type Set struct {
	rules   []Rule // in order of id
	heads   []header
	version string

	automaton *match.Automaton
	literals  []literal
	states    int // of all phrases together
	codes     map[code][]int
	hosts     hosts
	scopes    int
	pool      sync.Pool
}

// code is a vendor's enhanced status code.
type code struct {
	class           byte
	subject, detail uint16
}

// literal is what the automaton finds, and what it is found for.
type literal struct {
	sign
	length int32
	wholes []int32   // rules of which it is a whole phrase
	begins []partUse // phrases that it begins
	goesOn []partUse // phrases that it is a further part of

	markers []int // scopes that it proves
	unless  []int // rules whose exception it is
}

// sign is what a literal looks like.
type sign struct {
	token   bool // a vendor's mark
	plain   bool // a single word without signs: not looked for in links and host names
	address bool // holds an @ itself
	digit   bool // ends in one: no other may follow
	short   bool // a word of up to four letters, or ends in one of two: no other may follow
}

// partUse is one part of one phrase.
type partUse struct {
	rule  int32
	state uint32 // index of the part's state; that of the part before is one less
	near  bool   // follows the part before after one blank, else after a gap
	last  bool
}

// Load reads the rule files of dir (*.toml, in its root) and lays them over
// base: a rule with the id of one in base replaces it. The error holds every
// fault of all files as Problems; base may be nil.
func Load(base *Set, dir fs.FS) (*Set, error) {
	names, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("listing rule files: %w", err)
	}
	slices.Sort(names)
	s := &Set{}
	sum := sha256.New()
	if base != nil {
		s.rules, s.heads = slices.Clone(base.rules), slices.Clone(base.heads)
		fmt.Fprintln(sum, base.version)
	}
	var problems Problems
	known := map[string]int{}
	for i := range s.rules {
		known[s.rules[i].ID] = i
	}
	fresh := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("reading rule file %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data)
		head, rules, faults := decode(name, data)
		problems = append(problems, faults...)
		s.heads = append(s.heads, head)
		for _, r := range rules {
			if first, twice := fresh[r.ID]; twice && r.ID != "" {
				problems = append(problems, Problem{r.File, r.Line, r.Column, r.ID, "the id is taken by a rule at " + first, "choose another id"})
				continue
			}
			fresh[r.ID] = fmt.Sprintf("%s:%d", r.File, r.Line)
			if i, replaces := known[r.ID]; replaces {
				if !head.named {
					r.Vendor = s.rules[i].Vendor
				}
				s.rules[i] = r
			} else {
				s.rules = append(s.rules, r)
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	s.version = hex.EncodeToString(sum.Sum(nil))[:12]
	s.compile()
	return s, nil
}

// Version is a short hash of the rules' content.
func (s *Set) Version() string { return s.version }

// Rules returns all rules in order of id.
func (s *Set) Rules() []Rule { return slices.Clone(s.rules) }

func (s *Set) compile() {
	slices.SortStableFunc(s.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	s.codes = map[code][]int{}
	index := map[string]int{}
	var texts []string
	add := func(text string) *literal {
		i, ok := index[text]
		if !ok {
			i = len(s.literals)
			index[text] = i
			texts = append(texts, text)
			s.literals = append(s.literals, literal{length: int32(len(text)), sign: signOf(text)})
		}
		return &s.literals[i]
	}
	vendors := s.compileScopes(add)
	for i := range s.rules {
		r := &s.rules[i]
		r.vendor = noScope
		if v, ok := vendors[r.Vendor]; ok && r.Scoped {
			r.vendor = v
		}
		r.scope = s.hosts.add(r.Remote)
		r.place()
		s.compileRule(i, add)
	}
	s.scopes = len(s.hosts.patterns)
	s.automaton = match.NewWords(texts)
	s.pool.New = func() any {
		return &scratch{
			states: make([]partState, s.states), reached: make([]uint64, (s.states+63)/64),
			inScope: make([]uint32, s.scopes), unless: make([]seen, len(s.rules)),
		}
	}
}

// compileScopes gives each vendor that says how it is known a scope.
func (s *Set) compileScopes(add func(string) *literal) map[string]int {
	vendors := map[string]int{}
	for _, h := range s.heads {
		if len(h.hosts) == 0 && len(h.markers) == 0 {
			continue
		}
		v, ok := vendors[h.vendor]
		if !ok {
			v = s.hosts.open(h.vendor)
			vendors[h.vendor] = v
		}
		s.hosts.extend(v, h.hosts)
		for _, m := range h.markers {
			if text := strings.TrimSpace(match.FoldString(m)); text != "" {
				lit := add(text)
				lit.markers = append(lit.markers, v)
			}
		}
	}
	return vendors
}

func (s *Set) compileRule(i int, add func(string) *literal) {
	r := &s.rules[i]
	if r.alone() {
		for _, p := range r.status {
			for detail := p.lo; detail <= p.hi; detail++ {
				for _, class := range []byte("245") {
					if p.class == 0 || p.class == class {
						c := code{class, p.subject, detail}
						s.codes[c] = append(s.codes[c], i)
					}
				}
			}
		}
		return
	}
	for _, phrase := range r.Contains {
		parts, _ := parsePhrase(phrase) // checked when it was read
		parts = multiply(parts)
		for n, p := range parts {
			use := partUse{int32(i), uint32(s.states + n), p.near, n == len(parts)-1}
			for _, a := range p.alternatives {
				switch lit := add(a); {
				case len(parts) == 1:
					lit.wholes = append(lit.wholes, use.rule)
				case n == 0:
					lit.begins = append(lit.begins, use)
				default:
					lit.goesOn = append(lit.goesOn, use)
				}
			}
		}
		s.states += len(parts) - 1
	}
	for _, phrase := range r.Unless {
		parts, _ := parsePhrase(phrase)
		for _, p := range parts {
			for _, a := range p.alternatives {
				lit := add(a)
				lit.unless = append(lit.unless, i)
			}
		}
	}
}

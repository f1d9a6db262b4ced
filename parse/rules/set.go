package rules

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
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
	uses      []use // of all literals, those of one side by side
	places    []place
	states    int // of all phrases together
	codes     map[code][]int
	hosts     hosts
	pool      sync.Pool
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
			r.Own = base != nil
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

// Own counts the rules that are not built in.
func (s *Set) Own() (n int) {
	for i := range s.rules {
		if s.rules[i].Own {
			n++
		}
	}
	return n
}

// Rules returns all rules in order of id.
func (s *Set) Rules() []Rule { return slices.Clone(s.rules) }

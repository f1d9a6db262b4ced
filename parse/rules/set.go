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

// BuiltinVersion is Builtin().Version(), without reading the rules.
var BuiltinVersion = sync.OnceValue(func() string {
	s := &Set{}
	if _, err := s.read(nil, builtin); err != nil {
		panic(fmt.Sprintf("built-in rules: %v", err)) // as above
	}
	return s.version
})

// Set is a compiled rule pack. It is immutable and safe for concurrent use.
type Set struct {
	rules   []Rule // in order of id
	heads   []header
	version string

	index     *match.Words
	literals  []literal
	uses      []use    // of all literals, those of one side by side
	awaits    []uint32 // of each use that goes on with a phrase: the state of the part before
	standings []ruleStanding
	states    int // of all phrases together
	codes     map[code][]int
	hosts     hosts

	words                                                []Words
	combinations                                         [][]combination // by their first list
	verbs                                                [][]byte        // behind an address that is the subject of its clause, each with a blank
	excuse                                               excuse
	covers, strong, maybe, carried, sender, person, late uint64 // bits of lists
	pool                                                 sync.Pool
}

// Load reads the rule files of dir (*.toml, in its root) and lays them over
// base: a rule with the id of one in base replaces it. The error holds every
// fault of all files as Problems; base may be nil.
func Load(base *Set, dir fs.FS) (*Set, error) {
	s := &Set{}
	files, err := s.read(base, dir)
	if err != nil {
		return nil, err
	}
	if base != nil {
		s.rules, s.heads, s.words = slices.Clone(base.rules), slices.Clone(base.heads), slices.Clone(base.words)
	}
	var problems Problems
	known := map[string]int{}
	for i := range s.rules {
		known[s.rules[i].ID] = i
	}
	fresh := map[string]string{}
	for _, f := range files {
		head, rules, faults := decode(f.name, f.data)
		problems = append(problems, faults...)
		s.heads = append(s.heads, head)
		problems = append(problems, s.addWords(head.words)...)
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
	problems = append(problems, s.unknownLists()...)
	if len(problems) > 0 {
		return nil, problems
	}
	s.compile()
	return s, nil
}

type ruleFile struct {
	name string
	data []byte
}

// read reads the rule files of a folder, and sets the version that they and
// those below them give.
func (s *Set) read(base *Set, dir fs.FS) (files []ruleFile, err error) {
	names, err := fs.Glob(dir, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("listing rule files: %w", err)
	}
	slices.Sort(names)
	sum := sha256.New()
	if base != nil {
		fmt.Fprintln(sum, base.version)
	}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("reading rule file %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(data))
		sum.Write(data)
		files = append(files, ruleFile{name, data})
	}
	s.version = hex.EncodeToString(sum.Sum(nil))[:12]
	return files, nil
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

// addWords adds word lists; one of a known name adds its words to that list.
func (s *Set) addWords(lists []Words) (problems Problems) {
	for _, w := range lists {
		if i := s.list(w.Name); i >= 0 {
			known := s.words[i]
			known.Contains = append(slices.Clip(known.Contains), w.Contains...)
			s.words[i] = known
		} else if len(s.words) == mostWords {
			problems = append(problems, Problem{w.File, w.Line, w.Column, "", fmt.Sprintf("more than %d word lists", mostWords), "add words to a list that is there"})
		} else {
			s.words = append(s.words, w)
		}
	}
	return problems
}

// unknownLists are the faults of rules that ask for lists that nobody wrote.
func (s *Set) unknownLists() (problems Problems) {
	for i := range s.rules {
		r := &s.rules[i]
		for _, alternative := range r.Clause {
			asked := false
			for name := range strings.FieldsSeq(alternative) {
				name, none := strings.CutPrefix(name, "!")
				asked = asked || !none
				if s.list(name) < 0 {
					problems = append(problems, Problem{r.File, r.Line, r.Column, r.ID, fmt.Sprintf("no word list has the name %q", name), "add [[words]] with this name"})
				}
			}
			if !asked {
				problems = append(problems, Problem{r.File, r.Line, r.Column, r.ID, "an alternative of clause asks for no list", "name one without \"!\""})
			}
		}
	}
	return problems
}

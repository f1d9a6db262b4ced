package notice

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"harvester/parse/match"
)

// What a line can say of the fate of a mail.
type Word uint16

const (
	WordDelay Word = 1 << iota
	WordFailure
	wordFinal    // overrides a delay: nobody will try again
	WordList     // heads a list of addresses
	WordContact  // names somebody to ask
	WordMail     // is about mail, not about a parcel or a payment
	WordGreeting // ends a letter
	wordGoesOn   // promises more attempts: no heading stands against it
	wordGivenUp  // says that there will be none
)

//go:embed words.toml
var wordsFile []byte

// lists are the names of what words say in words.toml.
var lists = map[string]Word{
	"delay": WordDelay, "failure": WordFailure, "final": wordFinal, "list": WordList, "contact": WordContact, "mail": WordMail,
	"greeting": WordGreeting, "goes_on": wordGoesOn, "given_up": wordGivenUp,
}

// readWords returns the words of each list, of all languages.
func readWords() map[Word][]string {
	var file map[string]map[string][]string
	if err := toml.Unmarshal(wordsFile, &file); err != nil {
		panic(fmt.Sprintf("words.toml: %v", err)) // it is part of the program, and a test reads it
	}
	words := map[Word][]string{}
	for name, languages := range file {
		w, known := lists[name]
		if !known {
			panic(fmt.Sprintf("words.toml: %q is no list", name))
		}
		for _, of := range languages {
			words[w] = append(words[w], of...)
		}
	}
	return words
}

type wordTable struct {
	automaton *match.Automaton
	meaning   []Word
}

var wordIndex = sync.OnceValue(func() *wordTable {
	t := &wordTable{}
	var literals []string
	at := map[string]int{}
	for w, of := range readWords() {
		for _, s := range of {
			s = strings.TrimSpace(Fold(s))
			i, ok := at[s]
			if !ok {
				i = len(literals)
				at[s] = i
				literals = append(literals, s)
				t.meaning = append(t.meaning, 0)
			}
			t.meaning[i] |= w
		}
	}
	t.automaton = match.New(literals)
	return t
})

// WordsIn returns which words stand in s.
func WordsIn(s string) Word {
	t := wordIndex()
	var got Word
	var buf [2 << 10]byte // most of what is asked fits, so that nothing is allocated
	t.automaton.Scan(match.Fold(buf[:0], s), func(literal, _ int) { got |= t.meaning[literal] })
	return got
}

// Failing tells whether s speaks of a failed delivery.
func Failing(s string) bool { return WordsIn(s)&WordFailure != 0 }

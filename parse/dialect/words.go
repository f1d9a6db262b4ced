package dialect

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"harvester/parse/match"
)

// What a line can say of the fate of a mail.
type word uint16

const (
	wordDelay word = 1 << iota
	wordFailure
	wordFinal    // overrides a delay: nobody will try again
	wordList     // heads a list of addresses
	wordContact  // names somebody to ask
	wordMail     // is about mail, not about a parcel or a payment
	wordGreeting // ends a letter
	wordGoesOn   // promises more attempts: no heading stands against it
	wordGivenUp  // says that there will be none
)

//go:embed words.toml
var wordsFile []byte

// lists are the names of what words say in words.toml.
var lists = map[string]word{
	"delay": wordDelay, "failure": wordFailure, "final": wordFinal, "list": wordList, "contact": wordContact, "mail": wordMail,
	"greeting": wordGreeting, "goes_on": wordGoesOn, "given_up": wordGivenUp,
}

// readWords returns the words of each list, of all languages.
func readWords() map[word][]string {
	var file map[string]map[string][]string
	if err := toml.Unmarshal(wordsFile, &file); err != nil {
		panic(fmt.Sprintf("words.toml: %v", err)) // it is part of the program, and a test reads it
	}
	words := map[word][]string{}
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
	meaning   []word
}

var wordIndex = sync.OnceValue(func() *wordTable {
	t := &wordTable{}
	var literals []string
	at := map[string]int{}
	for w, of := range readWords() {
		for _, s := range of {
			s = strings.TrimSpace(fold(s))
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

// wordsIn returns which words stand in s.
func wordsIn(s string) word {
	t := wordIndex()
	var got word
	var buf [2 << 10]byte // most of what is asked fits, so that nothing is allocated
	t.automaton.Scan(match.Fold(buf[:0], s), func(literal, _ int) { got |= t.meaning[literal] })
	return got
}

// Failing tells whether s speaks of a failed delivery.
func Failing(s string) bool { return wordsIn(s)&wordFailure != 0 }

// Package names remembers which messages of a source without ascending UIDs
// are accounted for: those of POP3 and of Maildirs have names only.
package names

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// keySize is how much of a name's hash is kept. At a million names the odds of
// a collision are one in thirty million.
const keySize = 8

type key [keySize]byte

// Set is a set of names that a cursor's State can hold.
type Set struct {
	keys  []key // in the order of adding
	known map[key]bool
}

func keyOf(name string) key {
	sum := sha256.Sum256([]byte(name))
	return key(sum[:keySize])
}

// Parse reads a set back. A state that isn't one is the empty set: everything
// is read again then, and recognized by its content.
func Parse(state string) *Set {
	s := &Set{known: map[key]bool{}}
	raw, err := base64.RawStdEncoding.DecodeString(state)
	if err != nil || len(raw)%keySize != 0 {
		return s
	}
	for ; len(raw) > 0; raw = raw[keySize:] {
		s.add(key(raw[:keySize]))
	}
	return s
}

func (s *Set) add(k key) {
	if !s.known[k] {
		s.known[k] = true
		s.keys = append(s.keys, k)
	}
}

// Add adds a name.
func (s *Set) Add(name string) { s.add(keyOf(name)) }

// Has says whether a name is in the set.
func (s *Set) Has(name string) bool { return s.known[keyOf(name)] }

// Len is how many names are in the set.
func (s *Set) Len() int { return len(s.keys) }

// Drop removes a name.
func (s *Set) Drop(name string) {
	k := keyOf(name)
	if s.known[k] {
		delete(s.known, k)
		s.keys = slices.DeleteFunc(s.keys, func(other key) bool { return other == k })
	}
}

// Only drops every name that isn't among present, so that the set doesn't
// outgrow the mailbox.
func (s *Set) Only(present []string) {
	here := make(map[key]bool, len(present))
	for _, name := range present {
		here[keyOf(name)] = true
	}
	kept := s.keys[:0]
	for _, k := range s.keys {
		if here[k] {
			kept = append(kept, k)
		} else {
			delete(s.known, k)
		}
	}
	s.keys = kept
}

// String is the state that [Parse] reads.
func (s *Set) String() string {
	raw := make([]byte, 0, len(s.keys)*keySize)
	for _, k := range s.keys {
		raw = append(raw, k[:]...)
	}
	return base64.RawStdEncoding.EncodeToString(raw)
}

// Package count writes counts for people: "1 failure", "4,812 failures", "2
// addresses". There is no other way to print a number of things: a number and
// a plural put side by side say "1 failures" one day, and a test refuses them.
package count

import (
	"strconv"
	"strings"
)

// Integer is what things are counted in.
type Integer interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

// Of is n of a thing, whose name is given in the singular: Of(2, "mailbox") is
// "2 mailboxes". Of a phrase the first word is counted when another follows a
// preposition ("mail of ours"), else the last ("failing job").
func Of[N Integer](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Number(n) + " " + Plural(thing)
}

// Number writes 4812 as 4,812.
func Number[N Integer](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Verb is the word that fits n things: Verb(n, "is", "are").
func Verb[N Integer](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// joints are words behind which nothing is counted.
var joints = []string{" of ", " at ", " in ", " on ", " to ", " that ", " from ", " for ", " without ", " with ", " within "}

// Plural is the plural of a thing.
func Plural(thing string) string {
	end := len(thing)
	for _, j := range joints {
		if i := strings.Index(thing, j); i > 0 {
			end = min(end, i)
		}
	}
	return plural(thing[:end]) + thing[end:]
}

func plural(word string) string {
	switch n := len(word); {
	case n == 0:
		return ""
	case hasAnySuffix(word, "s", "x", "sh", "ch"):
		return word + "es"
	case word[n-1] == 'y' && n > 1 && !strings.ContainsRune("aeiou", rune(word[n-2])):
		return word[:n-1] + "ies"
	}
	return word + "s"
}

func hasAnySuffix(word string, ends ...string) bool {
	for _, e := range ends {
		if strings.HasSuffix(word, e) {
			return true
		}
	}
	return false
}

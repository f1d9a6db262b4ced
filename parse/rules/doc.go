// Package rules knows what reply texts mean. Structure is Go, meaning is data:
// each file NAME.toml beside this one holds the phrases of one vendor, and
// operators add their own.
//
// A reply is read in one pass, and then as a few clauses. Repair undoes what
// transport did to the text, folding makes case, accents and line breaks equal,
// and unwrap finds the replies that it quotes: the levels. One trie finds
// all phrases and all words of the pack. A clause ends where a sentence, a
// bracket, a comma, a colon, an arrow or a word such as "because" ends it.
// Addresses, links and quoted examples are masked: their words are not read.
//
// Two kinds of data give a clause its meaning:
//
//   - A phrase ("contains") is words in their order. A vendor's sentence and a
//     longer phrase claim their words, which no shorter one reads again. A gap
//     in a phrase of nobody in particular stays within its clause.
//   - A combination ("clause") is words in any order: lists of words.toml of
//     which one each must stand in the clause. "recipient" and "unknown" make
//     user_unknown in twenty languages without a phrase in any of them.
//
// Some lists tell how a clause is meant, and excuse: a clause about the sender,
// a host, an IP address or a directory accuses no recipient, "SPF pass" no
// sender, and what may be so accuses nobody. Behind a colon a clause goes on
// about the same one, between commas it goes on being a possibility. A clause
// that names one of our domains, or who sent the mail, is about the sender.
//
// What the clauses say is put together by one precedence (precedence.go): the
// sender or the path accused in any clause, then the message, then a refusal
// without a cause, then what is said of the recipient, the innermost reply
// first and "not now" before "dead". Order of words and speaker play no part.
// Codes come behind words, and say nothing of the recipient where the text
// speaks of the sender, an IP address, size, rate or content. A 4yz reply makes
// no address unknown. Why returns every step of this.
//
// Certainty tells what the answer rests on; it falls where a clause holds a
// strong word and nothing understood it.
//
// Phrases match from the beginning of a word on. A word of up to four letters
// must end there too, as must "a" or "to" at the end of a phrase. Two signs
// help to write many phrases as one: a group (a|b|) offers alternatives, and a
// * that stands alone bridges up to 80 characters. "Is not" and "not" match
// "isn't" too, and the other way round.
//
// The work is linear in the text, which is cut at 16 KB, its clauses at 512.
package rules

// Package policy decides from the stored history of one address whether it may
// be mailed. It is pure: it has no clock, no files and no state, and gives the
// same answer for the same input on any machine. Nothing here knows SQL.
//
// # One fold
//
// Fold.Decide takes all that is stored about an address (its events in any
// order, the operator's acts that cover it, the windows and rulings around it)
// and gives the verdict: what is in force, what was, what each event counted
// for and why. It orders the events by the time they came in and goes through
// them once; an act stands in that order like an event, so that what was lifted
// stays lifted until something newer speaks. Protection (our own domains, role
// addresses, rewritten return paths) is part of the verdict, not of its readers.
//
// # Lines
//
// An event falls under one line of the Table, named for its reason, or for a
// qualifier of it: ".code" where no words were understood, ".edge" where a
// directory answers for whole tenants, "behind" where another address than the
// one we mailed failed. A line says how many failures, on how many days, within
// what time suppress, for how long, for whom, and what proof of sending it asks
// for. Table.With refuses what would break a promise: no line can make a fault of
// ours, or of one mail, speak against an address.
//
// # What comes together
//
// A Concentration is a way in which failures come together: what they have in
// common (Subject), what is counted (Member) in stretches of what Width. Windows
// finds the stretches that stand out from what is usual for that subject; events
// within are held or lose their weight. From the table of concentrations follow
// the counts in Go, the SQL that counts anew, and the indexes; nothing about a
// kind is written twice.
//
// # What may be touched
//
// A new line is a row in defaults.go, a new concentration a row in
// concentration.go. What changes a verdict changes Fold and nothing else: commit,
// recomputation, replay, explain and simulate all come here. Property tests of the
// store hold that any order and split of the same events gives the same list.
package policy

// Package facts keeps what happened and can't be derived from anything else:
// messages and the events in them, where they were found, the send ledger,
// cursors, the runs of the jobs, what was published, and what operators
// decided. A fact is written once. It changes only where a better reading of
// the same bytes asks for it (Revise), where an earlier arrival turns up, and
// where a person must be forgotten.
//
// What is concluded about one event alone stands with it: whom it concerns, how
// well it is proven that we mailed him, and which concentration it can be part
// of (attribution). It follows from the event, the ledger and Ours, who we are,
// and from no other event.
//
// The rows of a batch travel together: engine.Insert writes up to 64 by one
// statement, and each column stands beside the value that it takes, so that no
// pair can be swapped. Numbers of messages and events are given here, which one
// writer at a time makes safe.
//
// A transaction (Writing) notes in Touched what changed. Package judge draws
// the conclusions from that, in the same transaction.
package facts

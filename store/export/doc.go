// Package export writes suppression files for other senders: whole, atomic,
// deterministic, each with a manifest that says what it holds. A profile is
// one form of file; what it can't carry goes to a file beside it, with the
// reason, and what its target can't express stands in its manifest.
//
// # Why profiles are data
//
// What differs between targets is small and sharp: the columns, which kinds of
// entry they have a place for, how they fold a name before they compare it, what
// they can't represent, how much a file may hold. A Profile says this and
// has no code of its own but pure functions for a row. One way through (Write)
// serves them all: read the list in the order of its keys, narrow it, fold names
// as the target folds them so that no two lines meet there, set aside what can't
// be carried, write beside the old file, check what was written by reading it
// back, and only then rename.
//
// # What is never done
//
// A file that isn't ours (no manifest, or another content than it names) is not
// replaced. A first, empty file is not written before a mailbox was read. Nothing
// is written while the guard keeps the exports still, or when the list stands in
// another database than the file came from. A failure leaves the old file, whole.
//
// # Why an unchanged list costs nothing
//
// Whatever changes a list leaves a mark (facts.ListState). Publish compares the
// marks, what the configuration asks for, and the file's own size and time with
// what stood when it was written last, and returns before it reads a row. A
// generation is a number that the database gave out; a delta is what changed
// since the generation that the target acknowledged.
//
// # What may be touched
//
// A new target is one file with its profile and a test that has the real program
// read what was written. What a test proved is kept in verified.json.
package export

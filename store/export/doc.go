// Package export writes suppression files for other senders: whole, atomic,
// deterministic, each with a manifest that says what it holds. A profile is
// one form of file; what it can't carry goes to a file beside it, with the
// reason, and what its target can't express stands in its manifest.
package export

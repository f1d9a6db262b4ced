// Package dialect reads the layouts in which mail systems report failures in
// words: who failed, and what the reply was. What a reply means is not decided
// here but in package rules.
//
// A layout is known by its marks (Recognise), all of which one trie finds
// in one pass over the header and the head of the text. Of several layouts that
// a mail shows, the one with the longest mark is asked first, since dozens of
// systems imitate Exim's or qmail's first line. A layout that finds nobody is
// passed over, never believed to mean "nobody failed".
//
// Most layouts are a fixed text with blanks filled in: a table in forms.toml,
// which form reads. Those whose reading needs a loop are a function in a file
// of their own, listed in layouts.go. There is no other registration. A layout
// that nobody described is read by Generic: an address in a place where notices
// name their recipient, next to words of failure or a reply; two that could be
// meant give nobody.
//
// Three rules hold for all of them:
//
//   - A reply is given to the recipient whose paragraph, block or RCPT it stands
//     in. One below or above a list is for all of the list; it is lent no further.
//   - A promise of more attempts, or the subject of a delay, makes a notice one of
//     delay under any heading (Notice.settle in delay.go), unless it lists the
//     delayed ones apart.
//   - What the text says of a reason in prose is no reply; Remarks gives such
//     statements where no reply says why, and package parse asks for them last.
//
// Texts are cut before the returned mail (cut.go), so that nothing that we wrote
// is read. Every loop is bounded by the lines of a text of at most 1 MB; a text
// names at most 10,000 recipients.
package dialect

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
// that nobody described is read by package generic; what both need to read texts
// with is package notice.
//
// Three rules hold for all of them:
//
//   - A reply is given to the recipient whose paragraph, block or RCPT it stands
//     in. One below or above a list is for all of the list; it is lent no further.
//   - A promise of more attempts, or the subject of a delay, makes a notice one of
//     delay under any heading (notice.Notice.Settle), unless it lists the
//     delayed ones apart.
//   - What the text says of a reason in prose is no reply; notice.Remarks gives such
//     statements where no reply says why, and package parse asks for them last.
package dialect

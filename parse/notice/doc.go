// Package notice is what a failure notice in words says (Notice, Failure), and the
// reading of such texts that every layout needs: lines, addresses as texts write
// them, replies and where they end, the transcript of a session, the cut before the
// returned mail, the words of failure and delay in the languages of words.toml.
//
// Package dialect reads the layouts that are known, package generic those that
// nobody described; both stand on this one, and it knows neither.
//
// A Mention is a place that names a recipient, and its Rank says how surely. A reply
// is looked for behind the mention that it belongs to (ReplyAt), never before it.
// Texts are cut before the returned mail (CutReturned), so that nothing that we wrote
// is read. Every loop is bounded by the lines of a text of at most 1 MB; a text
// names at most 10,000 recipients.
package notice

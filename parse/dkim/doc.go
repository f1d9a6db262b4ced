// Package dkim verifies our own DKIM signatures (RFC 6376, RFC 8301, RFC 8463)
// on the header of a mail that came back, without its body.
//
// A notice of failure returns the header of the mail that failed, and often no
// more. That is enough: a signature covers the fields that h= names and the
// signature field itself, and the hash of the body stands inside that field. So
// whoever shows a header on which our signature verifies has seen a mail that
// we sent, to the recipients that its signed To and Cc name. Nobody else can
// make one.
//
// What is proven is what is covered. Where a field occurs more often than h=
// names it, the lowest ones are covered (§5.4.2) and the ones on top are
// anybody's; Signature.Signed has the covered ones, in a form that no change
// which the canonicalisation permits can alter.
//
// github.com/emersion/go-msgauth, which diagnosing whole mails is fine with,
// answers about the body first and about the header only when that was right,
// compares x= with the clock of the machine, which for a mail that comes back
// after days is wrong, and doesn't tell which fields it saw. The tests sign with
// it.
//
// Differences to a receiver's verifier, each because the question is not "may
// this mail come in" but "did we write this header":
//
//   - the body hash and l= are read and not used: no body is believed
//   - x= and t= are compared with the arrival of the notice, by Signature.Window,
//     with room for the days that a mail may wait in a queue
//   - a key in testing mode (t=y) proves as much as another: it is our own
//   - a key that was withdrawn goes on verifying for a while, see Key.Until
package dkim

// Package parse understands what comes back to a bounce mailbox: who failed,
// why, and whose fault it was. Parse is total: it answers for any bytes, never
// panics, and is bounded in steps and memory. The answer depends on the bytes
// and the options alone; no clock is looked at.
//
// A mail is decoded once (package view) and then asked, strongest sign first,
// what it is: a complaint, a service's event, an automatic answer, a notice that
// bounced itself, a report with a status part, a notice of known layout, and
// bare words last. The first that answers decides; what reports no delivery
// names nobody.
//
// Three sources tell of a failure, and none is believed alone:
//
//   - The status part (package dsn) is the skeleton: one recipient a group.
//   - The text (packages dialect and generic) lends the reply where the part's own is missing,
//     cut or vague, and the address before aliasing. Both are paired by address,
//     never by position.
//   - The reply (package rules) is what gives the reason. One that names another
//     recipient of the mail is not about this one.
//
// Recipient is the address that we mailed (whom.go): our own signed return path,
// Original-Recipient, the address before aliasing that the text tells, the
// returned mail's one recipient, then Final-Recipient. Where another address
// failed behind it, Behind names that one, and nothing about the mailed address
// is final (behind.go).
//
// Nothing is invented: a status or reply code that the mail does not have stays
// empty, and a mail that looks like a failure and names nobody is KindUnparsed,
// for people to look at. A note says what was repaired or given up.
//
// May be touched: order of kinds in parse.go (held by kinds_test.go and the
// fixtures' truth.jsonl), pairing in failures.go, reading of replies in
// recipient.go (golden files). The JSON form of Result is a contract (docs/json.md).
package parse

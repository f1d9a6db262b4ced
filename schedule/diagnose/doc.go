// Package diagnose checks the cause that a receiver claims: with DNS, and with
// our own mail as the bounce returns it. A Finding says whether the claim is
// true, whose fault it is, and what mends it, with the record to publish where
// every input of it is known.
//
// # The idea
//
// A claim and a measurement are two facts: the refusal happened then, DNS is
// asked now. What DNS could not say is never taken for "missing", and a record
// that is right now does not prove that it was right then. So there are four
// verdicts, and each look says which it is: Confirmed, Refuted, Mended (an earlier
// look saw it wrong), CannotTell (with the reason). Whoever is asked for a record
// that he can paste gets it only when all that it is made of was read, and the
// same evaluator that found the fault passes it.
//
// Nothing here suppresses anybody: a look can hold back, and tell.
//
// # The way through the code
//
// Evidence (evidence.go) is what a notice, or the failures of an incident, say.
// Checker.Incident (engine.go) finds out what has to be looked at, and calls one
// check, each in a file of its name: spf, dkim and signature (the key, and what
// the returned mail shows of it), dmarc, ptr (with HELO), dnsbl, tls and connect,
// route, recipient and life, microsoft, sender, mail. A check asks by c.Client and
// makes findings by c.finding, c.fine (nothing is wrong now: refuted, or mended)
// and c.cannotTell (measure.go). Checker.Domain and IP (subject.go) look at what
// is ours while nobody claims anything; requirements.go holds it, and the mail
// that came back (shown.go), against the rules of the great receivers.
//
// Package resolve asks: one resolver of choice, each question once, in bounds.
// Package spf reads SPF records as strictly as RFC 7208, counts what they cost,
// and derives the one to publish; whether an address passes says
// blitiri.com.ar/go/spf. Lists and services that send for others are data
// (lists.toml, services.toml).
//
// # What may be changed, and what holds it
//
// A new fault: an id in the file of its check, a step, a scenario. A scenario
// (testdata/CHECK/NAME.txt, read by package scenario) is a zone, what is asked or a mail, and what is found;
// go test -run TestScenarios -update writes the last. Ids and the JSON form of a
// Finding are a contract (docs/json.md). What must hold of every finding stands in
// the function sound of the tests: no record for a name that is not ours, a step
// for whatever is confirmed. Every verdict of every check has three scenarios
// (TestEveryVerdictHasScenarios), unbound and nsd find the same (TestRealServers),
// the published suites for SPF, and keys and mails of other DKIM libraries, agree
// (TestForeign...), five hundred failures ask
// few questions (TestFiveHundredFailures), and no name that is asked carries an
// address. That no look suppresses anybody is held in package store.
package diagnose

// Package arf reads abuse reports (RFC 5965, RFC 6591 and the forms that
// providers made of them).
package arf

import "harvester/parse/mime"

// Report is what one message/feedback-report part says.
type Report struct {
	Fields     mime.Header
	Type       string   // Feedback-Type in lower case: abuse, fraud, not-spam, auth-failure, ...
	Recipients []string // Original-Rcpt-To and Removal-Recipient, address only, redacted ones left out
	Odd        bool     // one of them holds an @ and is no address
	MailFrom   string   // Original-Mail-From, address only
	SourceIP   string
	Domain     string // Reported-Domain
	MessageID  string // of the reported mail, where the report names it
	Notes      []string
}

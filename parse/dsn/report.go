// Package dsn reads the machine-readable part of delivery status notifications
// (RFC 3464, RFC 6533) as tolerantly as real software demands.
package dsn

import (
	"time"

	"harvester/parse/bounce"
	"harvester/parse/mime"
)

// Report is what one message/delivery-status part says. Several sibling parts
// of one mail are united.
type Report struct {
	Fields     mime.Header // the per-message fields as found (RFC 3464 §2.2)
	Recipients []Recipient // one per group (RFC 3464 §2.3), in order of the mail

	ReportingMTA string    // name only, type stripped
	EnvelopeID   string    // Original-Envelope-Id, xtext decoded
	Arrival      time.Time // Arrival-Date; zero when absent or unreadable
	Notes        []string  // what was repaired
}

// Recipient is one per-recipient group.
type Recipient struct {
	Fields mime.Header // all fields as found, repeated ones too

	OriginalRecipient string // address without its type, xtext and RFC 6533 forms decoded
	FinalRecipient    string
	Odd               bool // one of them holds an @ and is no address
	Action            bounce.Action
	ActionText        string // as written
	Status            string // "5.1.1"; "" when the field holds no code
	StatusComment     string // what stands in brackets behind the code (RFC 3464 §2.1.1), "" for none
	RemoteMTA         string // name only
	DiagnosticType    string // "smtp", "x-postfix", ... lower case
	Diagnostic        string // unfolded, joined with single blanks
	LastAttempt       time.Time
	WillRetryUntil    time.Time
}

package parse

import (
	"time"

	"harvester/parse/bounce"
	"harvester/parse/envelope"
)

// The words of the field, so that callers need not import the vocabulary by
// its own name.
type (
	Kind       = bounce.Kind
	Action     = bounce.Action
	Reason     = bounce.Reason
	Fault      = bounce.Fault
	Class      = bounce.Class
	Confidence = bounce.Confidence
)

// Result is what a message says. Its JSON form is a stable contract
// (docs/json.md).
type Result struct {
	Kind         Kind        `json:"kind"`
	Dialect      string      `json:"dialect"` // who laid the notice out; "" when nobody is recognised
	MessageID    string      `json:"message_id"`
	ReportingMTA string      `json:"reporting_mta"`
	Arrival      Time        `json:"arrival"` // when the reporting MTA took the mail
	Original     Original    `json:"original"`
	FeedbackType string      `json:"feedback_type"` // of a complaint (RFC 5965 §3.1)
	Recipients   []Recipient `json:"recipients"`
	Notes        []string    `json:"notes"` // what was repaired or given up

	From          string         `json:"from,omitempty"`           // of the notice itself, address only
	ReturnPath    string         `json:"return_path,omitempty"`    // of the notice; "<>" for the null path
	DeliveredTo   string         `json:"delivered_to,omitempty"`   // the address of ours that it came to
	Subject       string         `json:"subject,omitempty"`        // of the notice
	Date          Time           `json:"date,omitzero"`            // of the notice
	Received      Time           `json:"-"`                        // when the last server took the notice, by its Received line
	EnvelopeID    string         `json:"envelope_id,omitempty"`    // ENVID (RFC 3461 §4.4)
	SenderMessage string         `json:"sender_message,omitempty"` // our MTA's or service's own id of the mail we sent, "service:id"
	Sent          *envelope.Sent `json:"sent,omitempty"`           // what our return path says of the mail; nil when it is none of ours
	Provenance    Provenance     `json:"provenance,omitzero"`      // what of it can't be made up
	Hint          string         `json:"hint,omitempty"`           // of an auto-reply: "no longer works here"; of a notice about ourselves: "the recipient is ours: example.org"
	Rules         string         `json:"rules,omitempty"`          // version of the rule pack that answered
}

// Original is what is known of the mail that came back.
type Original struct {
	MessageID  string   `json:"message_id"`
	From       string   `json:"from"`
	To         string   `json:"to"`
	Subject    string   `json:"subject"`
	Date       string   `json:"date"`
	ReturnPath string   `json:"return_path,omitempty"`
	Sender     string   `json:"sender,omitempty"`
	ListID     string   `json:"list_id,omitempty"`
	FeedbackID string   `json:"feedback_id,omitempty"`
	DKIM       []string `json:"dkim,omitempty"` // "selector._domainkey.domain" of each signature
	// Unsubscribe tells how its header lets the recipient unsubscribe; "" where
	// the header did not come back whole.
	Unsubscribe Unsubscribe `json:"-"`
}

// Recipient is what became of one recipient.
type Recipient struct {
	Recipient         string `json:"recipient"` // the address that we mailed, as written
	OriginalRecipient string `json:"original_recipient"`
	FinalRecipient    string `json:"final_recipient"`
	// Behind is the address that failed behind Recipient, where that was
	// expanded, redirected or generated into others; Undisclosed where the
	// notice hides it, CutOff where it has lost a part; at most 20, separated by ", ". "" where Recipient itself
	// failed. Such a failure makes nobody dead: Recipient may be a list of ten.
	Behind     string     `json:"behind,omitempty"`
	Action     Action     `json:"action"`
	Status     string     `json:"status"`     // enhanced status code as the mail says; "" when it has none
	ReplyCode  int        `json:"reply_code"` // 0 when the mail has none
	Reason     Reason     `json:"reason"`
	Fault      Fault      `json:"fault"`
	Class      Class      `json:"class"`
	Vendor     string     `json:"vendor"`
	Rule       string     `json:"rule"`
	Confidence Confidence `json:"confidence"`
	RemoteMTA  string     `json:"remote_mta"`
	Diagnostic string     `json:"diagnostic"`
	Evidence   string     `json:"evidence"` // the words that matched, as they stand in Diagnostic
	// Certainty tells how much of the reply speaks for Reason, from 0 to 1; it
	// falls where a clause with a strong word was left over, see Unread.
	Certainty float64 `json:"-"`
	Unread    string  `json:"-"` // clauses of Diagnostic that nothing understood, one a line
}

// Time is a time.Time whose zero value is written as "" (RFC 3339 otherwise).
type Time struct{ time.Time }

// MarshalText writes RFC 3339, or nothing for the zero time.
func (t Time) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.AppendFormat(nil, time.RFC3339), nil
}

// UnmarshalText reads what MarshalText writes.
func (t *Time) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = Time{}
		return nil
	}
	v, err := time.Parse(time.RFC3339, string(b))
	t.Time = v
	return err
}

// MarshalJSON writes MarshalText's form as a string, in place of the method
// that the embedded time.Time would lend.
func (t Time) MarshalJSON() ([]byte, error) {
	b, err := t.MarshalText()
	return append(append([]byte{'"'}, b...), '"'), err
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' {
		*t = Time{}
		return nil
	}
	return t.UnmarshalText(b[1 : len(b)-1])
}

// Package bounce holds the words of the field: what kind a message is, what
// became of a recipient, for which reason, and whose fault it was. It is the
// vocabulary that every reader of notices and every decision shares, and it
// imports nothing.
package bounce

import "fmt"

// Kind says what a message is. Only Bounce and Complaint carry weight in a
// decision.
type Kind uint8

// The kinds of a message.
const (
	KindNone        Kind = iota // ordinary mail, or mail that merely quotes or encloses a bounce
	KindBounce                  // at least one recipient failed
	KindDelay                   // nobody failed, at least one recipient is late
	KindDelivered               // nobody failed or is late: a success report
	KindComplaint               // ARF (RFC 5965), or a provider's own form
	KindAutoReply               // RFC 3834: vacation, acknowledgement, "no longer works here"
	KindReceipt                 // MDN (RFC 8098)
	KindUnsubscribe             // one-click or mailto opt-out that landed here
	KindChallenge               // challenge-response request
	KindNotice                  // digests, hold notices, DMARC and TLS reports
	KindUnparsed                // looks like a failure, but nobody could be named
)

var kindNames = [...]string{
	"none", "bounce", "delay", "delivered", "complaint", "auto_reply",
	"receipt", "unsubscribe", "challenge", "notice", "unparsed",
}

// Kinds returns every kind, in the order of their declaration.
func Kinds() []Kind { return all[Kind](len(kindNames)) }

func (k Kind) String() string { return name(kindNames[:], int(k)) }

// MarshalText writes the stable word that JSON, SQL and exports use.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (k *Kind) UnmarshalText(b []byte) error { return find(k, kindNames[:], "kind", b) }

// Action is what became of one recipient (RFC 3464 §2.3.3). Only Failed
// counts; ActionNone stands for a group that named no action.
type Action uint8

// The actions of RFC 3464.
const (
	ActionNone Action = iota
	Failed
	Delayed
	Delivered
	Relayed
	Expanded
)

var actionNames = [...]string{"", "failed", "delayed", "delivered", "relayed", "expanded"}

func (a Action) String() string { return name(actionNames[:], int(a)) }

// MarshalText writes the word of RFC 3464.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word of RFC 3464, lower case.
func (a *Action) UnmarshalText(b []byte) error { return find(a, actionNames[:], "action", b) }

// Confidence says on what a reason rests, weakest first. A policy may ask for
// more evidence where only a code spoke.
type Confidence uint8

// What a reason can rest on.
const (
	ByNothing Confidence = iota // unclassified
	ByAction                    // only that it failed
	ByCode                      // the three-digit reply code (RFC 5321 §4.2)
	ByStatus                    // the enhanced status code (RFC 3463)
	ByRule                      // a phrase or token of the reply text
)

var confidenceNames = [...]string{"none", "action", "code", "status", "rule"}

func (c Confidence) String() string { return name(confidenceNames[:], int(c)) }

// MarshalText writes the stable word that JSON and SQL use.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (c *Confidence) UnmarshalText(b []byte) error {
	return find(c, confidenceNames[:], "confidence", b)
}

type word interface{ ~uint8 }

func all[T word](n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = T(i)
	}
	return out
}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

func find[T word](to *T, names []string, what string, b []byte) error {
	for i, n := range names {
		if n == string(b) {
			*to = T(i)
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q", what, b)
}

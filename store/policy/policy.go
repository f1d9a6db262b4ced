package policy

import (
	"fmt"
	"time"

	"harvester/parse/bounce"
)

// Proof says how well it is established that a failure belongs to a mail that
// we sent, weakest first.
type Proof uint8

// The levels of proof.
const (
	ProofNone      Proof = iota
	ProofReturned        // the enclosed original names us as sender, and that recipient
	ProofAuthentic       // nobody outside can have made the notice up
	ProofLedger          // Message-ID and recipient stand in the send ledger
	ProofSigned          // our signed return path verifies
)

var proofNames = []string{"none", "returned", "authentic", "ledger", "signed"}

func (p Proof) String() string { return word(proofNames, int(p)) }

// MarshalText writes the stable word that JSON, SQL and configuration use.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (p *Proof) UnmarshalText(b []byte) error { return find(p, proofNames, "proof", b) }

// Source says what put an address on the list.
type Source uint8

// The sources of a suppression, in the order in which the list shows them.
const (
	SourceBounce Source = iota
	SourceComplaint
	SourceUnsubscribe
	SourceOperator
)

var sourceNames = []string{"bounce", "complaint", "unsubscribe", "operator"}

func (s Source) String() string { return word(sourceNames, int(s)) }

// MarshalText writes the stable word that JSON, SQL and exports use.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (s *Source) UnmarshalText(b []byte) error { return find(s, sourceNames, "source", b) }

// Scope says for which of our streams a suppression holds.
type Scope uint8

// The scopes.
const (
	ScopeAddress   Scope = iota // all streams
	ScopeMarketing              // all streams but the transactional ones
	ScopeStream                 // only the stream that it came from
)

var scopeNames = []string{"address", "marketing", "stream"}

func (s Scope) String() string { return word(scopeNames, int(s)) }

// MarshalText writes the stable word that JSON, SQL and configuration use.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (s *Scope) UnmarshalText(b []byte) error { return find(s, scopeNames, "scope", b) }

// StreamKind says what mail a stream of ours carries.
type StreamKind uint8

// The kinds of streams.
const (
	Marketing     StreamKind = iota // what people may opt out of
	Transactional                   // receipts, passwords: a complaint or opt-out elsewhere does not end it
)

var streamKindNames = []string{"marketing", "transactional"}

func (k StreamKind) String() string { return word(streamKindNames, int(k)) }

// MarshalText writes the stable word that JSON and configuration use.
func (k StreamKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (k *StreamKind) UnmarshalText(b []byte) error { return find(k, streamKindNames, "kind", b) }

// Event is what one message said about one recipient, as far as a decision
// needs it.
type Event struct {
	ID     int64     // the store's number, for reference only: it never decides
	Notice int64     // the store's number of the notice: events of one notice share it; it never orders
	Hash   string    // of the notice; with Index it orders events of one instant, and is needed for those alone
	Index  int       // position in the message
	At     time.Time // when the message came in

	Address    string // as written
	Kind       bounce.Kind
	Action     bounce.Action
	Reason     bounce.Reason
	Confidence bounce.Confidence
	Feedback   string // feedback type of a complaint (RFC 5965 §3.1)
	Rule       string
	Behind     bool // another address failed, behind the one that we mailed
	Unread     bool // the reply has a clause with a strong word that was not understood
	Proof      Proof
	Stream     string
	Message    string // Message-ID of the mail that failed; "" when unknown
	Token      string // of the signed return path that the notice came to: one for each recipient and day; "" when none verified
	// Lives says why our own look-up does not confirm that the domain is dead;
	// "" when nothing speaks against it. It can only hold back.
	Lives string
	// Beside is when another address of the domain was first seen to be accepted
	// near a failure at the domain's edge; zero where none was.
	Beside   time.Time
	Doubt    string // why a return path of ours speaks against the notice
	Concern  string // what concentration it can be part of, "" for none
	Operator string // who runs the receiving server
	Accepted bool   // an opt-out that nothing proves, and that the operator believes
	// Forgeable is Outside where the failure would suppress on the word of a
	// notice that came from outside and that anybody can have written.
	Forgeable string

	// Circumstance is what the events of other addresses say about this one;
	// Fold sets it.
	Circumstance Circumstance
	HeldUntil    time.Time // for Held
}

// Circumstance is a finding about many events at once that takes weight from
// each of them.
type Circumstance uint8

// The circumstances of an event.
const (
	Ordinary   Circumstance = iota
	Held                    // part of a burst: counts only with a second failure after the window
	Waiting                 // part of a burst that anybody can have made up: counts when the operator says so
	Discounted              // our own path, resolver or list, or dropped by the operator: never counts
)

var circumstanceNames = []string{"ordinary", "held", "waiting", "discounted"}

func (c Circumstance) String() string { return word(circumstanceNames, int(c)) }

// MarshalText writes the stable word that JSON uses.
func (c Circumstance) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Act is what an operator can decide about an address.
type Act uint8

// The operator's acts.
const (
	Add    Act = iota // suppress
	Remove            // lift what stands now; later failures count anew
	Allow             // never suppress, whatever arrives
	Undo              // take back an earlier act
)

var actNames = []string{"add", "remove", "allow", "undo"}

func (a Act) String() string { return word(actNames, int(a)) }

// MarshalText writes the stable word that JSON and SQL use.
func (a Act) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (a *Act) UnmarshalText(b []byte) error { return find(a, actNames, "act", b) }

// Override is one act of an operator. Those that were undone are left out by
// the caller, as are those whose pattern does not cover the address.
type Override struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Act     Act       `json:"act"`
	Pattern string    `json:"pattern"`           // an address, "@domain" or "@*.domain"
	Until   time.Time `json:"until,omitzero"`    // zero: for good
	Target  int64     `json:"target,omitempty"`  // of an Undo
	Reason  string    `json:"reason"`            // why, in the operator's words
	Author  string    `json:"author"`            // who
	Undone  bool      `json:"undone,omitempty"`  // taken back by a later act
	Address string    `json:"address,omitempty"` // as written, for a plain address
	Entry   Entry     `json:"entry,omitzero"`    // of an imported one
}

func word(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

func find[T ~uint8](to *T, names []string, what string, b []byte) error {
	for i, n := range names {
		if n == string(b) {
			*to = T(i)
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q (one of %q)", what, b, names)
}

package bounce

// Fault says who must act.
type Fault uint8

// The parties that can be at fault.
const (
	FaultUnknown         Fault = iota
	FaultRecipient             // the address is bad, for good or for now
	FaultRecipientPolicy       // the address exists and does not want us
	FaultSender                // we must fix something
	FaultMessage               // this one mail
	FaultReceiver              // the network or the receiver's system
	FaultNone                  // nobody: an echo of our own suppression
)

var faultNames = [...]string{
	"unknown", "recipient", "recipient_policy", "sender", "message", "receiver", "none",
}

func (f Fault) String() string { return name(faultNames[:], int(f)) }

// MarshalText writes the stable word that JSON and SQL use.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (f *Fault) UnmarshalText(b []byte) error { return find(f, faultNames[:], "fault", b) }

// Class is the coarse weight of a failure.
type Class uint8

// The classes of a failure.
const (
	ClassNone  Class = iota
	ClassHard        // the address is bad
	ClassSoft        // it may work later
	ClassBlock       // refused for what we are or sent
)

var classNames = [...]string{"none", "hard", "soft", "block"}

func (c Class) String() string { return name(classNames[:], int(c)) }

// MarshalText writes the stable word that JSON and SQL use.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (c *Class) UnmarshalText(b []byte) error { return find(c, classNames[:], "class", b) }

// Reason says why a recipient failed.
type Reason uint8

// The reasons, grouped by the fault they imply.
const (
	Unclassified Reason = iota

	UserUnknown
	UserMoved
	AddressInvalid
	DomainUnknown
	MailboxDisabled
	MailboxFull

	SenderBlocked
	RecipientRestricted

	PolicyRejected
	ReputationIP
	ReputationDomain
	AuthSPF
	AuthDKIM
	AuthDMARC
	AuthPTR
	AuthFailed
	RateLimited
	TLSFailed
	SenderAccount
	ProtocolError

	ContentSpam
	ContentVirus
	ContentPolicy
	MessageTooLarge

	Deferred
	Expired
	RelayDenied
	RoutingFailed

	AlreadySuppressed
)

var reasons = [...]struct {
	name  string
	fault Fault
	class Class
}{
	Unclassified: {"unclassified", FaultUnknown, ClassSoft},

	UserUnknown:     {"user_unknown", FaultRecipient, ClassHard},
	UserMoved:       {"user_moved", FaultRecipient, ClassHard},
	AddressInvalid:  {"address_invalid", FaultRecipient, ClassHard},
	DomainUnknown:   {"domain_unknown", FaultRecipient, ClassHard},
	MailboxDisabled: {"mailbox_disabled", FaultRecipient, ClassHard},
	MailboxFull:     {"mailbox_full", FaultRecipient, ClassSoft},

	SenderBlocked:       {"sender_blocked", FaultRecipientPolicy, ClassBlock},
	RecipientRestricted: {"recipient_restricted", FaultRecipientPolicy, ClassBlock},

	PolicyRejected:   {"policy_rejected", FaultSender, ClassBlock},
	ReputationIP:     {"reputation_ip", FaultSender, ClassBlock},
	ReputationDomain: {"reputation_domain", FaultSender, ClassBlock},
	AuthSPF:          {"auth_spf", FaultSender, ClassBlock},
	AuthDKIM:         {"auth_dkim", FaultSender, ClassBlock},
	AuthDMARC:        {"auth_dmarc", FaultSender, ClassBlock},
	AuthPTR:          {"auth_ptr", FaultSender, ClassBlock},
	AuthFailed:       {"auth_failed", FaultSender, ClassBlock},
	RateLimited:      {"rate_limited", FaultSender, ClassBlock},
	TLSFailed:        {"tls_failed", FaultSender, ClassBlock},
	SenderAccount:    {"sender_account", FaultSender, ClassBlock},
	ProtocolError:    {"protocol_error", FaultSender, ClassBlock},

	ContentSpam:     {"content_spam", FaultMessage, ClassBlock},
	ContentVirus:    {"content_virus", FaultMessage, ClassBlock},
	ContentPolicy:   {"content_policy", FaultMessage, ClassBlock},
	MessageTooLarge: {"message_too_large", FaultMessage, ClassBlock},

	Deferred:      {"deferred", FaultReceiver, ClassSoft},
	Expired:       {"expired", FaultReceiver, ClassSoft},
	RelayDenied:   {"relay_denied", FaultReceiver, ClassSoft},
	RoutingFailed: {"routing_failed", FaultReceiver, ClassSoft},

	AlreadySuppressed: {"already_suppressed", FaultNone, ClassNone},
}

// Reasons returns every reason, in the order of their declaration.
func Reasons() []Reason { return all[Reason](len(reasons)) }

func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r].name
	}
	return name(nil, int(r))
}

// Fault says who must act on r.
func (r Reason) Fault() Fault {
	if int(r) < len(reasons) {
		return reasons[r].fault
	}
	return FaultUnknown
}

// Class is the weight of a recipient that failed with r and action a. Anything
// but a failure has none.
func (r Reason) Class(a Action) Class {
	if a != Failed || int(r) >= len(reasons) {
		return ClassNone
	}
	return reasons[r].class
}

// MarshalText writes the stable word that JSON, SQL, rules and configuration use.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (r *Reason) UnmarshalText(b []byte) error {
	for i := range reasons {
		if reasons[i].name == string(b) {
			*r = Reason(i)
			return nil
		}
	}
	return find(r, nil, "reason", b)
}

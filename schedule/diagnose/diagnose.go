package diagnose

import (
	"crypto/x509"
	"net/netip"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/mime"
	"harvester/schedule/diagnose/resolve"
)

// Verdict is what came of checking a claim.
type Verdict string

// The verdicts. Where nobody claims anything (a domain or an address was asked
// for), Confirmed means a fault and Refuted that there is none.
const (
	Confirmed  Verdict = "confirmed"
	Refuted    Verdict = "refuted"
	Mended     Verdict = "mended_since"
	CannotTell Verdict = "cannot_tell"
)

// Owner is who must act.
type Owner string

// Those who can have to act.
const (
	UsDNS         Owner = "us_dns"         // our own DNS
	UsMail        Owner = "us_mail"        // our own mail server, or what makes our mail
	Provider      Owner = "provider"       // who gave us the address: hoster, network
	Service       Owner = "service"        // the service that sends for us (ESP)
	Forwarder     Owner = "forwarder"      // who passed our mail on
	Receiver      Owner = "receiver"       // the receiver's mail server or DNS
	RecipientSide Owner = "recipient_side" // the recipient's own administrator
	ListOperator  Owner = "list_operator"  // who runs the blocklist
	Nobody        Owner = "nobody"         // nothing is to be done
)

// Claim is what a receiver says, "" and zero where nobody says anything.
type Claim struct {
	Receiver string        `json:"receiver"` // the host that refused, or who runs it
	Sentence string        `json:"sentence"` // the reply
	Status   string        `json:"status"`   // enhanced status code
	Reason   bounce.Reason `json:"reason"`
	First    time.Time     `json:"first,omitzero"`
	Last     time.Time     `json:"last,omitzero"`
	Count    int           `json:"count"` // failures that say so
	// Operators run the servers that said so, as far as that is known.
	Operators []string `json:"operators,omitempty"`
}

// Subject is what was checked.
type Subject struct {
	IP       string `json:"ip,omitempty"`       // as the receiver saw it
	Domain   string `json:"domain,omitempty"`   // whose record it is
	Identity string `json:"identity,omitempty"` // mail_from, helo, from, d, recipient
	Selector string `json:"selector,omitempty"`
	List     string `json:"list,omitempty"`
	Host     string `json:"host,omitempty"`
}

// Key names the subject in a few words, the same at each look.
func (s *Subject) Key() string {
	var parts []string
	switch {
	case s.Selector != "":
		parts = append(parts, s.Selector+"._domainkey."+s.Domain)
	case s.Domain != "":
		parts = append(parts, s.Domain)
	case s.IP != "":
		parts = append(parts, s.IP)
	default:
		parts = append(parts, s.Host)
	}
	if s.List != "" {
		parts = append(parts, strings.ReplaceAll(strings.ToLower(s.List), " ", "-"))
	}
	return strings.Join(parts, ":")
}

// Measurement is one answer, or one look at the returned mail.
type Measurement struct {
	What     string    `json:"what"`               // "TXT example.org.", "From of the returned mail"
	State    string    `json:"state"`              // found, no_data, nxdomain, unknown
	Values   []string  `json:"values"`             // as seen, cut at 2 kB
	TTL      int       `json:"ttl_seconds"`        // 0 for what does not come from DNS
	Resolver string    `json:"resolver,omitempty"` // who answered
	At       time.Time `json:"at"`
	Note     string    `json:"note,omitempty"` // what it means, or why it is unknown
}

// Change is a record to publish.
type Change struct {
	Name   string   `json:"name"` // with its final dot
	Type   string   `json:"type"`
	Before []string `json:"before"`         // what stands there now, and has to go
	After  string   `json:"after"`          // what has to stand there; "" : nothing
	Zone   string   `json:"zone,omitempty"` // the line of a zone file, strings of at most 255 bytes
	Note   string   `json:"note,omitempty"`
}

// Cost is what a fault cost in the last 30 days.
type Cost struct {
	Mails     int       `json:"mails"`
	Addresses int       `json:"addresses"`
	Receivers int       `json:"receivers"`
	Since     time.Time `json:"since,omitzero"`
}

// Finding is the answer about one claim, or about one thing that was looked
// at. Its JSON form is a stable contract (docs/json.md).
type Finding struct {
	ID       string        `json:"id"` // stable: "spf.missing_ip"
	Incident string        `json:"incident,omitempty"`
	Verdict  Verdict       `json:"verdict"`
	Answer   string        `json:"answer"` // one sentence
	Owner    Owner         `json:"owner"`
	Claim    *Claim        `json:"claim,omitempty"`
	Subject  Subject       `json:"subject"`
	Steps    []string      `json:"steps"`
	Records  []Change      `json:"records"`
	Page     string        `json:"page,omitempty"`
	Source   string        `json:"source,omitempty"` // RFC and section, or the provider's page
	Recheck  int           `json:"recheck_after_seconds,omitempty"`
	Cost     *Cost         `json:"cost,omitempty"`
	Measured []Measurement `json:"measured"`
	Timeline []Moment      `json:"timeline,omitempty"` // what the records said beside the failures, the first first
	Advice   bool          `json:"advice,omitempty"`   // worth mending, but no reason for the failures

	name, typ string // of the record that the history is asked for; "" for none
}

// Check is the part of the id before the dot.
func (f *Finding) Check() string {
	check, _, _ := strings.Cut(f.ID, ".")
	return check
}

// Open tells whether there is something to mend.
func (f *Finding) Open() bool { return f.Verdict == Confirmed && !f.Advice && f.Owner != Nobody }

// Evidence is what an incident, or a returned mail, says.
type Evidence struct {
	Incident string
	Group    string // of the cause: spf, dkim, dmarc, ptr, auth, blocklist, tls, path, ...
	Cause    string // its id: "list.spamhaus"
	Claim    Claim
	Cost     *Cost

	IP         netip.Addr // the sender's address as the receiver saw it
	Direct     bool       // our own server reports: the receiver spoke to it
	Reporter   string     // its name; "" where the notice does not name a host of ours
	MailFrom   string     // domain of the envelope sender; "" with Null when it was <>
	Null       bool
	Helo       string
	From       string      // domain of From
	Signatures []string    // "selector._domainkey.domain" of each
	Header     mime.Header // of the returned mail; nil where it is not kept
	Raw        []byte      // the same, as it came, for its signatures; the body may follow
	Recipient  string      // domain of the recipient
	Remote     string      // host that refused

	arrived  []netip.Addr // hosts of ours that the notice came from
	possible []netip.Addr // addresses of Reporter, where it is not known which one sent
	how      string       // how IP is known, where the reply does not name it
}

// Earlier is a record as it was seen before.
type Earlier struct {
	Values []string
	State  string
	First  time.Time // when it was seen first
	Last   time.Time // and last
}

// Options are what a Checker knows beside DNS.
type Options struct {
	Client    *resolve.Client
	Own       []string       // domains of ours
	IPs       []netip.Prefix // addresses of ours
	Selectors []string       // of our own domains: "s1", or "s1._domainkey.example.org"
	Lists     []string       // blocklists to ask beside the one that a receiver names
	Connect   bool           // speak to receivers' servers: STARTTLS, policy files
	// History gives what was seen before of the records of a type at a name, the
	// latest first; nil: nothing is kept.
	History func(name, typ string) []Earlier
	// Shown gives what mail of a domain of ours looked like that came back in the
	// last 30 days, and how much it sent, nil where nobody knows; nil: nothing is
	// known of any.
	Shown func(domain string) ([]Shown, *Sent)
	// Found gives when a fault was last confirmed by a check of an incident, for
	// what leaves no record behind, such as a receiver's server; nil: never.
	Found func(incident, check string) (answer string, last time.Time, ok bool)
	Now   func() time.Time // nil: time.Now
	Dial  Dialer           // for Connect; nil: the network
	Roots *x509.CertPool   // for Connect; nil: those of the system
}

// Checker checks claims. It is for one run: what was asked is not asked again
// while its TTL lasts.
type Checker struct {
	Options
	lists usable
}

// New makes a checker.
func New(o Options) *Checker {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Checker{Options: o, lists: usable{state: map[string]*listState{}}}
}

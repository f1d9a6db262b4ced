package facts

import (
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/policy"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// arrival is the time under which a message counts. INTERNALDATE says when the
// server got it. The time of a file is that of its last copy, so there the
// time in the newest Received line is taken when it is earlier, which our own
// server wrote; and in its place the date in the notice only where no server
// wrote any, since that is the sender's word.
//
// No mail came in later than now. Where our own clock is in doubt, known is the
// newest time that is not, and INTERNALDATE is believed in its place.
func arrival(m harvest.Message, r parse.Result, now, known time.Time) time.Time {
	at, date := m.Received, r.Received.Time
	if date.IsZero() {
		date = r.Date.Time
	}
	if date.IsZero() {
		date = r.Arrival.Time
	}
	sane := !date.IsZero() && date.Year() >= 1990
	latest := now
	if !known.IsZero() {
		if m.UID == 0 {
			// The time of a file is that of the clock in doubt, and perhaps the line
			// of our own server, too.
			at, sane = time.Time{}, !r.Received.IsZero() && r.Received.Sub(now).Abs() > 24*time.Hour
		}
		if now = known; now.After(latest) {
			latest = now
		}
		if m.UID != 0 && m.Received.After(latest) {
			latest = m.Received
		}
	}
	switch {
	case at.IsZero() && sane:
		at = date
	case at.IsZero():
		at = now
	case m.UID == 0 && sane && date.Before(at):
		at = date
	}
	if at.After(latest) {
		at = latest
	}
	return time.UnixMilli(at.UnixMilli()).UTC()
}

// attribution is what we conclude about one recipient: whom it concerns, how
// well that is proven, and what it is part of.
type attribution struct {
	key      string
	proof    policy.Proof
	stream   string
	operator string
	cause    string // key of the incident, "" when it is not our fault
	named    string // the address or selector to mend
	concern  string
	token    string // of the signed return path; one mail's
	doubt    string // why a return path speaks against the notice

	forgeable string // policy.Outside where it would suppress by what anybody can have written
}

func (a *attribution) traits() policy.Traits {
	return policy.Traits{Key: a.key, Concern: a.concern, Operator: a.operator, Forgeable: a.forgeable}
}

// attribute judges one recipient of a notice that came in at a time, first
// found in a mailbox. A signed
// return path says best whom we mailed, so in a notice about one recipient it
// decides; then come the ledger and what was returned.
func (w *Writing) attribute(res *parse.Result, r *parse.Recipient, at time.Time, mailbox string) (attribution, error) {
	db := w.Ours
	a := attribution{key: keyOf(r.Recipient), proof: prove(res, r, db.Domains),
		stream: bounded(db.streamOf(whence{res.DeliveredTo, mailbox, &res.Original}))}
	if res.Provenance.Refuted && a.proof == policy.ProofReturned {
		a.proof, a.doubt = policy.ProofNone, doubtRefuted
	}
	if a.proof == policy.ProofReturned && db.untagged(res) {
		a.proof, a.doubt = policy.ProofNone, doubtUntagged
	}
	if shown := db.Authentic(res, r, a.key, at); shown.How != "" {
		a.proof, a.doubt, a.token = policy.ProofAuthentic, "", shown.mail
	}
	said, ok, err := w.inLedger(res.Original.MessageID, a.key)
	if err != nil {
		return a, err
	}
	if ok {
		a.proof, a.doubt = policy.ProofLedger, ""
		if said != "" {
			a.stream = said
		}
	}
	if v, ok := db.vouch(res, at); ok {
		v.apply(&a, len(res.Recipients))
	}
	if res.Kind == bounce.KindUnsubscribe {
		db.proveOptOut(&a, res)
	}
	db.conclude(&a, res, r)
	if a.proof == policy.ProofReturned && db.limits(&res.Provenance) && db.suppresses(&a, res, r) {
		a.forgeable = policy.Outside
	}
	return a, nil
}

// longest is how many bytes a text may have by which rows are found. No address
// and no name in DNS comes near it, and an index of PostgreSQL takes no more.
const longest = 1000

// keyOf is the key of a recipient; what is too long to be an address names
// nobody.
func keyOf(recipient string) string {
	if key := policy.Key(recipient); len(key) <= longest {
		return key
	}
	return ""
}

func bounded(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "")
}

// conclude fills in what follows from whom it concerns and how well that is
// proven.
func (ours *Ours) conclude(a *attribution, res *parse.Result, r *parse.Recipient) {
	a.operator = bounded(operator(r, a.key, a.proof, ours.Domains))
	// What the policy asks more proof of than there is opens no hold and no
	// incident either.
	line, ok := ours.line(a, res, r)
	a.concern, a.cause, a.named = "", "", ""
	if ok && line.Proof > policy.ProofReturned && a.proof < line.Proof {
		return
	}
	a.concern = policy.Concern(policy.Event{Kind: res.Kind, Action: r.Action, Reason: r.Reason, Proof: a.proof}, r.Status)
	if f := r.Reason.Fault(); r.Action != bounce.Failed || f != bounce.FaultSender && f != bounce.FaultMessage {
		return
	}
	if c, ok := policy.CauseOf(r.Reason, r.Vendor, r.Status, r.Diagnostic); ok {
		a.cause = policy.IncidentKey(c, sender(&res.Original, ours.Domains))
		if ip := policy.Named(r.Diagnostic, r.RemoteMTA); ip.IsValid() {
			a.named = ip.String()
		}
		if c.Group == "dkim" {
			a.named = selector(&res.Original, ours.Domains)
		}
	}
}

func (ours *Ours) line(a *attribution, res *parse.Result, r *parse.Recipient) (policy.Line, bool) {
	return ours.Policy.Line(policy.Event{Kind: res.Kind, Action: r.Action, Reason: r.Reason, Confidence: r.Confidence, Rule: r.Rule, Stream: a.stream,
		Feedback: res.FeedbackType, Behind: r.Behind != "", Unread: r.Unread != ""})
}

// suppresses tells whether a failure can put its address on the list.
func (ours *Ours) suppresses(a *attribution, res *parse.Result, r *parse.Recipient) bool {
	line, ok := ours.line(a, res, r)
	return ok && line.Suppress && a.proof >= line.Proof
}

// sender is the registered domain of ours that a mail was sent as.
func sender(o *parse.Original, own []string) string {
	for _, a := range []string{o.From, o.Sender, o.ReturnPath} {
		if d := policy.Domain(policy.Key(a)); policy.Own(d, own) {
			return organisation(d)
		}
	}
	return ""
}

// selector is that of our own signature on a mail, as a host name.
func selector(o *parse.Original, own []string) string {
	for _, s := range o.DKIM {
		if _, d, ok := strings.Cut(s, "._domainkey."); ok && policy.Own(policy.DomainKey(d), own) {
			return s
		}
	}
	return ""
}

// manyNamed is how many recipients one report may name on its own word.
const manyNamed = 10

// prove says how well it is established that we mailed the recipient.
//
// Returned asks for two things of the mail that came back: one of our domains
// as sender (From, Sender or Return-Path), and that recipient. The recipient
// is named by its To, by the Original-Recipient of the DSN (which the
// reporting MTA copies from our own envelope, RFC 3461 §4.2), or, where To
// names nobody but ourselves (a list, "undisclosed recipients", no To at all),
// by the Final-Recipient. A To that names a stranger proves nothing for others,
// and a report about many is believed only for those whom the mail names.
func prove(r *parse.Result, rcpt *parse.Recipient, own []string) policy.Proof {
	o := &r.Original
	ours := func(address string) bool { return policy.Own(policy.Domain(policy.Key(address)), own) }
	if !ours(o.From) && !ours(o.Sender) && !ours(o.ReturnPath) {
		return policy.ProofNone
	}
	if r.Kind == bounce.KindComplaint && len(r.Recipients) > 1 {
		return policy.ProofNone // a complaint is one reader's
	}
	key := policy.Key(rcpt.Recipient)
	to := Addresses(o.To)
	onlyOurs := true
	for _, a := range append(to, r.Provenance.Recipients...) {
		if policy.Key(a) == key {
			return policy.ProofReturned
		}
		onlyOurs = onlyOurs && ours(a)
	}
	if len(r.Recipients) > manyNamed {
		return policy.ProofNone
	}
	if rcpt.OriginalRecipient != "" && policy.Key(rcpt.OriginalRecipient) == key {
		return policy.ProofReturned
	}
	if onlyOurs && rcpt.FinalRecipient != "" && policy.Key(rcpt.FinalRecipient) == key {
		return policy.ProofReturned
	}
	return policy.ProofNone
}

// Addresses finds the addresses of a header field's value, tolerantly: names,
// comments and group syntax are passed over.
func Addresses(field string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune(" \t\r\n<>,;()", r) }) {
		if at := strings.LastIndexByte(w, '@'); at > 0 && at < len(w)-1 {
			out = append(out, w)
		}
	}
	return out
}

// operators are receivers whose MX host names lie below several domains.
var operators = []struct{ suffix, name string }{
	{"google.com", "google"}, {"googlemail.com", "google"}, {"gmail.com", "google"}, {"1e100.net", "google"},
	{"outlook.com", "microsoft"}, {"hotmail.com", "microsoft"}, {"office365.us", "microsoft"}, {"microsoft.com", "microsoft"},
	{"yahoodns.net", "yahoo"}, {"yahoo.com", "yahoo"}, {"aol.com", "yahoo"}, {"aol.mail", "yahoo"},
	{"icloud.com", "apple"}, {"me.com", "apple"}, {"mac.com", "apple"},
	{"pphosted.com", "proofpoint"}, {"ppe-hosted.com", "proofpoint"}, {"ppops.net", "proofpoint"},
	{"mimecast.com", "mimecast"}, {"mimecast.co.za", "mimecast"}, {"mimecast-offshore.com", "mimecast"},
	{"messagelabs.com", "broadcom"}, {"iphmx.com", "cisco"}, {"barracudanetworks.com", "barracuda"},
	{"gmx.net", "mail-and-media"}, {"gmx.com", "mail-and-media"}, {"web.de", "mail-and-media"},
	{"kundenserver.de", "ionos"}, {"secureserver.net", "godaddy"}, {"zoho.com", "zoho"}, {"zoho.eu", "zoho"},
}

// operator names who runs the receiving server: a known operator or the
// organisational domain of the remote MTA. An outage is his, whatever the
// domain of the address. Of a notice that anybody can write, only known
// operators are believed: hosts made up for each notice would hide a burst.
func operator(rcpt *parse.Recipient, key string, proof policy.Proof, own []string) string {
	host := policy.DomainKey(rcpt.RemoteMTA)
	if proof < policy.ProofAuthentic && knownOperator(host) == "" || !hostName(host) || policy.Own(host, own) {
		host = policy.Domain(key)
	}
	if name := knownOperator(host); name != "" {
		return name
	}
	return organisation(host)
}

// hostName tells whether s, in lower case, is a host name: what a notice calls
// its refusing host may be an address or any words.
func hostName(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && len(s) <= 253 && (strings.HasPrefix(top, "xn--") || strings.Trim(top, "abcdefghijklmnopqrstuvwxyz") == "" && len(top) > 1)
}

func knownOperator(host string) string {
	for _, o := range operators {
		if policy.Own(host, []string{o.suffix}) {
			return o.name
		}
	}
	return ""
}

// organisation is the domain that somebody registered: "example.co.uk" of
// "mx1.mail.example.co.uk".
func organisation(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"slices"
	"strings"
	"time"
)

// ExplainedEvent is one event with what the policy made of it.
type ExplainedEvent struct {
	ID                int64             `json:"id"`
	Message           int64             `json:"message"` // number of the notice
	Index             int               `json:"index"`   // place in the notice
	At                time.Time         `json:"at"`
	Address           string            `json:"address"`
	Kind              bounce.Kind       `json:"kind"`
	Feedback          string            `json:"feedback_type"`
	Dialect           string            `json:"dialect"`
	Action            bounce.Action     `json:"action"`
	Status            string            `json:"status"`
	ReplyCode         int               `json:"reply_code"`
	Reason            bounce.Reason     `json:"reason"`
	Fault             bounce.Fault      `json:"fault"`
	Class             bounce.Class      `json:"class"`
	Vendor            string            `json:"vendor"`
	Rule              string            `json:"rule"`
	RulePack          string            `json:"rule_pack"`
	Confidence        bounce.Confidence `json:"confidence"`
	RemoteMTA         string            `json:"remote_mta"`
	ReportingMTA      string            `json:"reporting_mta"`
	Diagnostic        string            `json:"diagnostic"`
	Evidence          string            `json:"evidence"` // the words that matched, as they stand in Diagnostic
	OriginalRecipient string            `json:"original_recipient"`
	FinalRecipient    string            `json:"final_recipient"`
	Behind            string            `json:"behind,omitempty"` // what failed behind the address; a failure of another
	Unread            string            `json:"unread,omitempty"` // clauses of Diagnostic that nothing understood, one a line
	OriginalMessageID string            `json:"original_message_id"`
	OriginalFrom      string            `json:"original_from"` // of the mail that came back
	OriginalTo        string            `json:"original_to"`
	DeliveredTo       string            `json:"delivered_to"` // the address of ours that the notice came to
	MessageID         string            `json:"message_id"`   // of the notice
	Subject           string            `json:"subject"`      // of the notice
	Proof             policy.Proof      `json:"proof"`
	ProofWhy          string            `json:"proof_why"`       // what it rests on
	Doubt             string            `json:"doubt,omitempty"` // why what the notice shows proves less
	Provenance        parse.Provenance  `json:"provenance,omitzero"`
	Whom              string            `json:"whom"` // what names the address
	Stream            string            `json:"stream"`
	Operator          string            `json:"operator"`            // who runs the receiving server
	Incident          string            `json:"incident"`            // that it belongs to, "" when it is no fault of ours
	Concern           string            `json:"concern"`             // what concentration it can be part of
	Forgeable         string            `json:"forgeable,omitempty"` // "outside" where anybody can have written the notice, and it is limited for that
	Accepted          string            `json:"accepted,omitempty"`  // of an opt-out that nothing proves: who believes it and why; behind a "-", who does not
	Hash              string            `json:"hash"`                // SHA-256 of the notice, hex
	Places            []harvest.Locator `json:"places"`

	Line        string `json:"line"`             // the policy line it falls under; "" when it is no evidence
	Counted     bool   `json:"counted"`          // it has weight
	Why         string `json:"why"`              // why it has none
	Beside      string `json:"beside,omitempty"` // why what its domain's edge says needs no second failure
	DuplicateOf int64  `json:"duplicate_of,omitempty"`

	original parse.Original // its senders
}

// eventsOf reads events in full, with the places of their notices.
func eventsOf(ctx context.Context, q engine.Querier, cond string, arg any) (map[int64]ExplainedEvent, error) {
	rows, err := q.QueryContext(ctx, `SELECT e.id, e.message, e.idx, e.at, e.address, e.kind, m.feedback_type, m.dialect, e.action, e.status, e.reply_code, e.reason,
  e.fault, e.class, e.vendor, e.rule, e.rules, e.confidence, e.remote_mta, m.reporting_mta, e.diagnostic, e.evidence, e.original_recipient,
  e.final_recipient, e.original_message_id, m.original_from, m.original_to, m.delivered_to, m.message_id, m.subject, e.proof, e.stream, e.operator, e.cause, e.concern,
  lower(hex(m.hash)), e.doubt, m.provenance, m.original_sender, m.original_return_path, e.behind, e.unread, e.forgeable, e.accepted
 FROM events e JOIN messages m ON m.id = e.message WHERE `+cond, arg)
	if err != nil {
		return nil, err
	}
	out := map[int64]ExplainedEvent{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var e ExplainedEvent
		var provenance string
		err := rows.Scan(&e.ID, &e.Message, &e.Index, engine.When(&e.At), &e.Address, engine.Text(&e.Kind), &e.Feedback, &e.Dialect, engine.Text(&e.Action), &e.Status, &e.ReplyCode,
			engine.Text(&e.Reason), engine.Text(&e.Fault), engine.Text(&e.Class), &e.Vendor, &e.Rule, &e.RulePack, engine.Text(&e.Confidence), &e.RemoteMTA, &e.ReportingMTA,
			&e.Diagnostic, &e.Evidence, &e.OriginalRecipient, &e.FinalRecipient, &e.OriginalMessageID, &e.OriginalFrom, &e.OriginalTo,
			&e.DeliveredTo, &e.MessageID, &e.Subject, engine.Text(&e.Proof), &e.Stream, &e.Operator, &e.Incident, &e.Concern, &e.Hash,
			&e.Doubt, &provenance, &e.original.Sender, &e.original.ReturnPath, &e.Behind, &e.Unread, &e.Forgeable, &e.Accepted)
		e.original.From = e.OriginalFrom
		if err == nil {
			err = facts.ReadProvenance(provenance, &e.Provenance)
		}
		out[e.ID] = e
		return err
	})
	if err != nil {
		return nil, err
	}
	for id, e := range out {
		if e.Places, err = placesOf(ctx, q, e.Message); err != nil {
			return nil, err
		}
		out[id] = e
	}
	return out, nil
}

func placesOf(ctx context.Context, q engine.Querier, message int64) (out []harvest.Locator, err error) {
	rows, err := q.QueryContext(ctx, `SELECT mailbox, folder, uidvalidity, uid, name FROM locators WHERE message = ? ORDER BY mailbox, folder, uidvalidity, uid, name`, message)
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var l harvest.Locator
		err := rows.Scan(&l.Mailbox, &l.Folder, &l.UIDValidity, &l.UID, &l.Name)
		out = append(out, l)
		return err
	})
	return out, err
}

// attribution says in words what names the address of an event, and what
// proves that we mailed it, in the order in which attribute decides.
func (db List) attribution(e *ExplainedEvent) {
	key := policy.Key(e.Address)
	switch e.Proof {
	case policy.ProofSigned:
		e.Whom = "our signed return path " + e.DeliveredTo
		e.ProofWhy = "the return path that the notice came to verifies"
	case policy.ProofLedger:
		e.Whom = "the send ledger"
		e.ProofWhy = "the mail " + e.OriginalMessageID + " to this address stands in the send ledger"
	case policy.ProofAuthentic:
		res := parse.Result{Provenance: e.Provenance, Original: e.original}
		e.ProofWhy = db.judge.Ours.Authentic(&res, &parse.Recipient{RemoteMTA: e.RemoteMTA, FinalRecipient: e.FinalRecipient}, key, e.At).How
		if e.ProofWhy == "" {
			e.ProofWhy = "when it came in, nobody outside could have made the notice up; the configuration now says less of our servers"
		}
	case policy.ProofReturned:
		e.ProofWhy = "the enclosed mail names a domain of ours as sender, and this recipient"
		if e.OriginalFrom != "" {
			e.ProofWhy = fmt.Sprintf("the enclosed mail is from %s, and names this recipient", e.OriginalFrom)
		}
		if e.Provenance.Taken {
			e.ProofWhy += "; a server of ours took that mail from outside, from nobody who signed in"
		}
	case policy.ProofNone:
		switch {
		case e.Doubt != "":
			e.ProofWhy = e.Doubt
		case e.OriginalFrom == "":
			e.ProofWhy = "no mail of ours is enclosed"
		case !policy.Own(policy.Domain(policy.Key(e.OriginalFrom)), db.judge.Ours.Domains):
			e.ProofWhy = fmt.Sprintf("the enclosed mail is from %s, who is not one of own_domains", e.OriginalFrom)
		default:
			e.ProofWhy = "the enclosed mail does not name this recipient"
		}
	}
	if s := e.Provenance.Signature; s != nil && e.Proof < policy.ProofAuthentic && s.Problem != "" {
		e.ProofWhy += fmt.Sprintf("; our DKIM signature (%s._domainkey.%s) on it proves nothing: %s", s.Selector, s.Domain, s.Problem)
	}
	if e.Kind == bounce.KindUnsubscribe {
		e.optOut()
	}
	if e.Whom != "" {
		return
	}
	to := false
	for _, a := range facts.Addresses(e.OriginalTo) {
		to = to || policy.Key(a) == key
	}
	among := slices.ContainsFunc(e.Provenance.Recipients, func(a string) bool { return policy.Key(a) == key })
	switch {
	case e.OriginalRecipient != "" && policy.Key(e.OriginalRecipient) == key:
		e.Whom = "Original-Recipient of the notice"
	case to:
		e.Whom = "To of the enclosed mail"
	case among:
		e.Whom = "Cc or a further To of the enclosed mail"
	case e.FinalRecipient != "" && policy.Key(e.FinalRecipient) == key:
		e.Whom = "Final-Recipient of the notice"
	default:
		e.Whom = "the words of the notice"
	}
	if e.FinalRecipient != "" && policy.Key(e.FinalRecipient) != key {
		e.Whom += "; it failed at " + e.FinalRecipient + ", an alias or forwarding"
	}
}

// Marked is the reply with the words that matched between two marks, and the
// reply as it is when they do not stand in it.
func (e *ExplainedEvent) Marked(before, after string) string {
	i := strings.Index(e.Diagnostic, e.Evidence)
	if i < 0 || e.Evidence == "" {
		return e.Diagnostic
	}
	end := i + len(e.Evidence)
	return e.Diagnostic[:i] + before + e.Diagnostic[i:end] + after + e.Diagnostic[end:]
}

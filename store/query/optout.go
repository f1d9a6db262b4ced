package query

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
)

// OptOut is a request to be taken off a list that waits for the operator, as
// nothing proves who sent it.
type OptOut struct {
	Event   int64     `json:"event"`
	Message int64     `json:"message"`
	At      time.Time `json:"at"`
	Address string    `json:"address"`
	Stream  string    `json:"stream"`
	Subject string    `json:"subject"`
}

// OptOuts are the requests that wait, oldest first. Those about addresses that
// the stream mails no more wait for nothing.
func (db Reports) OptOuts(ctx context.Context) ([]OptOut, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT e.id, e.message, e.at, e.address, e.stream, m.subject FROM events e JOIN messages m ON m.id = e.message
 WHERE e.proof = 'none' AND e.accepted = '' AND e.kind IN `+engine.Words(bounce.KindUnsubscribe, bounce.KindComplaint)+` AND e.key <> '' AND (e.kind = `+engine.Word(bounce.KindUnsubscribe)+` OR lower(m.feedback_type) IN ('opt-out', 'opt-out-list'))
 AND NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.key = e.key AND s.source = `+engine.Word(policy.SourceUnsubscribe)+` AND s.stream IN ('', e.stream)) ORDER BY e.id`)
	if err != nil {
		return nil, fmt.Errorf("reading the opt-outs: %w", engine.Explain(err))
	}
	out := []OptOut{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var o OptOut
		err := rows.Scan(&o.Event, &o.Message, engine.When(&o.At), &o.Address, &o.Stream, &o.Subject)
		if policy.Protected(policy.Key(o.Address), nil) == "" { // such are never listed
			out = append(out, o)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the opt-outs: %w", engine.Explain(err))
	}
	return out, nil
}

// optOut says what proves an opt-out by mail.
func (e *ExplainedEvent) optOut() {
	switch {
	case e.Accepted != "":
		e.ProofWhy = "nothing proves who sent it; believed by " + e.Accepted
		if e.Accepted[0] == '-' {
			e.ProofWhy = "nothing proves who sent it; not believed by " + e.Accepted[1:]
		}
	case e.Proof == policy.ProofAuthentic:
		e.ProofWhy = fmt.Sprintf("%s recorded that it is from %s", e.Provenance.Server, e.Provenance.Verified)
	case e.Proof == policy.ProofNone && e.Doubt == "":
		e.ProofWhy = "nothing proves who sent it"
	}
	if e.Proof < policy.ProofSigned {
		e.Whom = "From of the mail"
	}
}

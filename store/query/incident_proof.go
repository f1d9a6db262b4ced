package query

import (
	"context"
	"database/sql"
	"fmt"

	"harvester/store/engine"
	"harvester/store/policy"
)

// manyReceivers is how many receivers are looked at.
const manyReceivers = 10_000

// prove counts what of an incident is shown to be about our mail. Who makes a
// notice up can name any receiver, so those that anybody can have written count
// no more receivers than they have senders.
func (in *Incident) prove(ctx context.Context, q engine.Querier, cond string, args []any) error {
	rows, err := q.QueryContext(ctx, `SELECT operator, proof, (SELECT lower(sender) FROM messages WHERE id = events.message), count(*)
 FROM events WHERE `+cond+` AND proof <> 'none' GROUP BY 1, 2, 3 LIMIT `+fmt.Sprint(manyReceivers), args...)
	if err != nil {
		return err
	}
	shown, claimed, senders := map[string]bool{}, map[string]bool{}, map[string]bool{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var operator, sender string
		var proof policy.Proof
		var n int
		err := rows.Scan(&operator, engine.Text(&proof), &sender, &n)
		in.Proven += n
		if proof >= policy.ProofAuthentic {
			shown[operator] = true
			return err
		}
		claimed[operator], senders[sender] = true, true
		return err
	})
	for o := range shown {
		delete(claimed, o)
	}
	in.ProvenBy, in.shown = len(shown)+min(len(claimed), len(senders)), len(shown) > 0
	return err
}

// widespread is from how many receivers an incident wakes somebody.
const widespread = 3

// Urgent tells whether an incident wants somebody at any hour: it hits many
// receivers, or our account, and at least two receivers that do not share a
// sender show that it is about our mail. What nobody can have made up shows that
// for our account alone.
func (in *Incident) Urgent() bool {
	if in.Cause.Group == "account" {
		return in.shown || in.ProvenBy >= 2 || in.Count == 0
	}
	return len(in.Receivers) >= widespread && in.ProvenBy >= 2
}

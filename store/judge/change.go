package judge

import (
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
	"time"
)

// Change is one change of the list.
type Change struct {
	At      time.Time    `json:"at"`
	Op      string       `json:"op"` // add, hold, remove
	Key     string       `json:"key"`
	Address string       `json:"address"`
	Source  string       `json:"source"`
	Stream  string       `json:"stream"`
	Reason  string       `json:"reason"`
	Class   bounce.Class `json:"class"`
	Why     string       `json:"why"` // of a removal, and of an add that only gives a listed address another reason
}

const ChangeColumns = `at, op, key, address, source, stream, reason, class, why`

// Columns are where a change takes ChangeColumns.
func (c *Change) Columns() []any {
	return []any{engine.When(&c.At), &c.Op, &c.Key, &c.Address, &c.Source, &c.Stream, &c.Reason, engine.Text(&c.Class), &c.Why}
}

// Domain is the domain of a change's address.
func (c Change) Domain() string { return policy.Domain(c.Key) }

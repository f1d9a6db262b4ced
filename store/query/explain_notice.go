package query

import (
	"cmp"
	"context"
	"slices"
)

// ExplainedNotice is one harvested message with what was made of each recipient
// that it names.
type ExplainedNotice struct {
	Notice
	Events []ExplainedEvent // in the order of the notice
	States map[string]Explanation
	More   int // recipients beyond those that are explained
}

// mostExplained bounds how many recipients of one notice are explained.
const mostExplained = 20

// ExplainNotice tells what a message said and what became of it: each recipient
// with the policy line, its weight, and how the address stands now. It fails
// with ErrNotFound.
func (db List) ExplainNotice(ctx context.Context, id int64, exports Carried) (ExplainedNotice, error) {
	n, err := Notices{db.DB}.Notice(ctx, id)
	out := ExplainedNotice{Notice: n, States: map[string]Explanation{}}
	if err != nil {
		return out, err
	}
	for i, r := range n.Recipients {
		if i == mostExplained {
			out.More = len(n.Recipients) - i
			break
		}
		if r.Address == "" {
			continue
		}
		if _, known := out.States[r.Address]; known {
			continue
		}
		x, err := db.Explain(ctx, r.Address, exports)
		if err != nil {
			return out, err
		}
		for _, e := range x.Events {
			if e.Message == id {
				out.Events = append(out.Events, e)
			}
		}
		out.States[r.Address] = x
	}
	slices.SortFunc(out.Events, func(a, b ExplainedEvent) int { return cmp.Compare(a.Index, b.Index) })
	return out, nil
}

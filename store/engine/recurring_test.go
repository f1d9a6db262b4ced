package engine

import (
	"fmt"
	"testing"

	"harvester/parse/bounce"
)

// TestRecurring reads combinations again and again, more of them than are kept:
// each row has its own, and what is not among the fields stays as it is.
func TestRecurring(t *testing.T) {
	type row struct {
		id   int
		kind bounce.Kind
		rule string
		some bool
	}
	f := Recurring(func(to, from *row) { to.kind, to.rule, to.some = from.kind, from.rule, from.some },
		Field[row]{Column: "kind", To: func(r *row) any { return Text(&r.kind) }},
		Field[row]{Column: "rule", To: func(r *row) any { return &r.rule }},
		Field[row]{Column: "some", To: func(r *row) any { return &r.some }})
	if f.Column != "json_array(kind, rule, some)" {
		t.Error(f.Column)
	}
	var r row
	to := f.To(&r).(*recurring[row])
	for i := range 3 * mostCombinations {
		n := i % (mostCombinations + 1)
		r = row{id: i}
		if err := to.Scan(fmt.Sprintf(`["bounce", "rule \"%d\"", %q]`, n, "yes"[:i%2*3])); err != nil {
			t.Fatal(err)
		}
		if want := (row{i, bounce.KindBounce, fmt.Sprintf("rule \"%d\"", n), i%2 == 1}); r != want {
			t.Fatalf("%+v, not %+v", r, want)
		}
		if len(to.seen) > mostCombinations {
			t.Fatal("it keeps", len(to.seen))
		}
	}
	for _, bad := range []any{nil, "", `["bounce"]`, `["bounce", "a", "b", "c"]`, `["nonsense", "", ""]`, int64(1)} {
		if err := to.Scan(bad); err == nil {
			t.Errorf("%v is read", bad)
		}
	}
}

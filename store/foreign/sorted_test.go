package foreign

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

// However long a list is, it comes out sorted and whole, those of one key in
// their order.
func TestSorted(t *testing.T) {
	for _, n := range []int{0, 1, inRun, 2*inRun + 7} {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var list Sorter
		defer list.Close()
		for i := range n {
			e := policy.Override{Pattern: fmt.Sprintf("u%06d@example.net", random.IntN(n)), Reason: fmt.Sprint(i), Until: time.Unix(int64(i), 0).UTC(),
				Entry: policy.Entry{Source: policy.Source(i % 4), Cause: bounce.Reason(i % 5)}}
			if err := list.Add(&e); err != nil {
				t.Fatal(err)
			}
		}
		last, count := policy.Override{}, 0
		for e, err := range list.Entries() {
			if err != nil {
				t.Fatal(err)
			}
			var i, before int
			fmt.Sscan(e.Reason, &i)
			fmt.Sscan(last.Reason, &before)
			if e.Pattern < last.Pattern || e.Pattern == last.Pattern && i < before {
				t.Fatalf("%s %s after %s %s", e.Pattern, e.Reason, last.Pattern, last.Reason)
			}
			if e.Entry.Source != policy.Source(i%4) || e.Entry.Cause != bounce.Reason(i%5) || e.Until.Unix() != int64(i) {
				t.Fatalf("%+v", e)
			}
			last = e
			count++
		}
		if count != n {
			t.Errorf("%d of %d", count, n)
		}
	}
}

package foreign

import (
	"errors"
	"fmt"
	"iter"
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
		var list iter.Seq2[policy.Override, error] = func(yield func(policy.Override, error) bool) {
			for i := range n {
				e := policy.Override{Pattern: fmt.Sprintf("u%06d@example.net", random.IntN(n)), Reason: fmt.Sprint(i), Until: time.Unix(int64(i), 0).UTC(),
					Entry: policy.Entry{Source: policy.Source(i % 4), Cause: bounce.Reason(i % 5)}}
				if !yield(e, nil) {
					return
				}
			}
		}
		last, count := policy.Override{}, 0
		for e, err := range Sorted(list) {
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

// A broken list yields its error and nothing else.
func TestSortedError(t *testing.T) {
	broken := errors.New("broken")
	for _, err := range Sorted(func(yield func(policy.Override, error) bool) {
		_ = yield(policy.Override{Pattern: "a@example.net"}, nil) && yield(policy.Override{}, broken)
	}) {
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

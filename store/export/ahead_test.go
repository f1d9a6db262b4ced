package export

import (
	"errors"
	"testing"
)

// Everything comes in order, an error comes where it was, and who stops early
// stops the reading.
func TestAhead(t *testing.T) {
	broken := errors.New("broken")
	for _, fails := range []int{-1, 0, 1, aheadRows - 1, aheadRows, 3*aheadRows + 7} {
		for _, stops := range []int{0, 1, aheadRows, 2*aheadRows + 1, 100 * aheadRows} {
			ended := false
			in := func(yield func(int, error) bool) {
				defer func() { ended = true }()
				for i := range 10 * aheadRows {
					if i == fails {
						yield(0, broken)
						return
					}
					if !yield(i, nil) {
						return
					}
				}
			}
			n, failed := 0, false
			for v, err := range ahead(in) {
				if err != nil {
					failed = errors.Is(err, broken)
					continue
				}
				if v != n {
					t.Fatalf("%d came as number %d", v, n)
				}
				if n++; n == stops {
					break
				}
			}
			all := 10 * aheadRows
			if fails >= 0 {
				all = fails
			}
			want := all
			if stops > 0 {
				want = min(all, stops)
			}
			if n != want || failed != (fails >= 0 && (stops == 0 || stops > all)) || !ended {
				t.Errorf("fails %d, stops %d: %d came, failed %v, ended %v", fails, stops, n, failed, ended)
			}
		}
	}
}

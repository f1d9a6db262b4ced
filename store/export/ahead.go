package export

import (
	"iter"
	"sync"
)

const aheadRows = 256 // in one hand-over, of which a few are on the way

// ahead yields what in yields, read on a goroutine of its own: reading a long
// list from the database and writing it each take a core.
func ahead[T any](in iter.Seq2[T, error]) iter.Seq2[T, error] {
	type batch struct {
		rows []T
		err  error
	}
	return func(yield func(T, error) bool) {
		batches, stop := make(chan batch, 4), make(chan struct{})
		var reading sync.WaitGroup
		defer reading.Wait()
		defer close(stop)
		reading.Go(func() {
			defer close(batches)
			var b batch
			for v, err := range in {
				if b.err = err; err == nil {
					b.rows = append(b.rows, v)
				}
				if err == nil && len(b.rows) < aheadRows {
					continue
				}
				select {
				case batches <- b:
				case <-stop:
					return
				}
				if err != nil {
					return
				}
				b = batch{rows: make([]T, 0, aheadRows)}
			}
			select {
			case batches <- b:
			case <-stop:
			}
		})
		for b := range batches {
			for _, v := range b.rows {
				if !yield(v, nil) {
					return
				}
			}
			if b.err != nil {
				var none T
				yield(none, b.err)
				return
			}
		}
	}
}

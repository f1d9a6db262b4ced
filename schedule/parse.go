package schedule

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"harvester/harvest"
	"harvester/parse"
	"harvester/store/facts"
)

// Parse understands messages on all cores and returns them in their order.
func Parse(messages []harvest.Message, o *parse.Options) []facts.Item {
	items := make([]facts.Item, len(messages))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(messages)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(messages); i = next.Add(1) - 1 {
				m := &messages[i]
				items[i].Message = *m
				if m.Gone || m.Poison != nil {
					continue
				}
				res := parse.Parse(m.Raw, o)
				if m.Truncated {
					res.Notes = append(res.Notes, fmt.Sprintf("only the first %d of %d bytes were read", len(m.Raw), m.Size))
				}
				items[i].Result = res
			}
		})
	}
	workers.Wait()
	return items
}

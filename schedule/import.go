package schedule

import (
	"context"
	"iter"

	"harvester/harvest"
	"harvester/parse"
	"harvester/store"
)

const (
	importMessages = 500      // that are committed at once
	importBytes    = 16 << 20 // of mail that is committed at once
)

// Import stores messages from files as if they had been harvested from the
// mailbox of that name. What was stored before is found again and counts once,
// so an import that was cut off is simply repeated. progress, if not nil, is
// told after each batch; failed is told of each path that can't be read.
func Import(ctx context.Context, db *store.DB, mailbox string, walk iter.Seq2[harvest.Message, error], o *parse.Options,
	progress func(Tally), failed func(path string, err error),
) (Tally, error) {
	t := Tally{Kinds: map[parse.Kind]int{}}
	finish, end := linger(ctx, finishTime)
	defer end()
	v := &visit{Mailbox: &Mailbox{Name: mailbox, Store: db}, tally: &t, finish: finish}
	// Reading and parsing go on while a batch is committed.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan understood)
	go func() {
		defer close(batches)
		var messages []harvest.Message
		size := 0
		send := func() bool {
			select {
			case batches <- understood{items: Parse(messages, o)}:
				messages, size = nil, 0
				return true
			case <-ctx.Done():
				return false
			}
		}
		for m, err := range walk {
			if err != nil {
				if ctx.Err() == nil {
					failed(m.Name, err)
				}
				continue
			}
			m.Mailbox = mailbox
			messages = append(messages, m)
			size += len(m.Raw)
			if (len(messages) == importMessages || size >= importBytes) && !send() {
				return
			}
		}
		if len(messages) > 0 {
			send()
		}
	}()
	for b := range batches {
		if _, err := v.store(b); err != nil {
			return t, err
		}
		if progress != nil {
			progress(t)
		}
	}
	return t, ctx.Err()
}

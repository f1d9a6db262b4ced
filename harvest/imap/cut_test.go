package imap_test

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

// cutsEnv sets how many connections TestRandomCuts damages.
const cutsEnv = "HARVESTER_CUTS"

// A mailbox is harvested and settled through a network that breaks at random
// bytes in every way, until all is done: each message comes exactly once by
// identity and whole, and stands on the server where it belongs.
func TestRandomCuts(t *testing.T) {
	cuts := 40
	if n, err := strconv.Atoi(os.Getenv(cutsEnv)); err == nil {
		cuts = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	d := imaptest.Start(t, imaptest.Options{})
	const messages = 200
	deliver(d, messages)
	var total int64
	for i := range messages {
		total += int64(len(testMail(i))) + 60
	}

	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	damaged := 0
	p := imaptest.NewProxy(t, d.IMAP, 0, func() imaptest.Cut {
		mu.Lock()
		defer mu.Unlock()
		if damaged >= cuts {
			return imaptest.Cut{}
		}
		damaged++
		return imaptest.Cut{After: random.Int64N(total / 4), How: imaptest.How(1 + random.IntN(imaptest.Ways))}
	})
	c := dovecotConfig(d)
	c.Server, c.Timeout, c.BatchMessages = p.Addr, 400*time.Millisecond, 20

	// Rounds, because one mailbox is read long before 1,000 cuts; the last one
	// settles.
	for round, last := 0, false; !last; round++ {
		mu.Lock()
		last = damaged >= cuts*3/4
		mu.Unlock()
		stored := cutRound(t, imap.New(c), last)
		if len(stored) != messages {
			t.Fatalf("round %d: %d messages", round, len(stored))
		}
		for uid, m := range stored {
			if m.Gone || m.Poison != nil || m.Truncated || m.Hash != sha256.Sum256(m.Raw) || string(m.Raw) != string(testMail(int(uid)-1)) {
				t.Fatalf("round %d, UID %d: %d bytes, gone %v, poison %v", round, uid, len(m.Raw), m.Gone, m.Poison)
			}
		}
	}
	t.Logf("%d connections damaged", damaged)
	session := open(t, dovecotConfig(d))
	left, _ := drain(t, session, harvest.Cursor{Folder: "INBOX"})
	moved, _ := drain(t, session, harvest.Cursor{Folder: "Done"})
	if len(left) != messages/2 || len(moved) != messages/2 {
		t.Errorf("%d left, %d moved", len(left), len(moved))
	}
}

// cutRound harvests everything, as the store would keep it, and moves every
// second message if settle is set.
func cutRound(t *testing.T, source harvest.Source, settle bool) map[uint32]harvest.Message {
	t.Helper()
	stored := map[uint32]harvest.Message{}
	var todo []harvest.Settlement
	cur := harvest.Cursor{Folder: "INBOX"}
	for visit := 0; visit < 3000; visit++ {
		finished := func() bool {
			session, err := source.Open(context.Background())
			if err != nil {
				return false
			}
			defer session.Close(context.Background())
			for {
				batch, err := session.Next(context.Background(), cur)
				if err != nil {
					return false
				}
				if len(batch.Messages) == 0 {
					break
				}
				cur = batch.Cursor
				for _, m := range batch.Messages {
					if _, twice := stored[m.UID]; twice {
						t.Fatalf("UID %d came twice", m.UID)
					}
					stored[m.UID] = m
					if settle && m.UID%2 == 0 {
						todo = append(todo, harvest.Settlement{Locator: m.Locator, Disposition: harvest.Move, Target: "Done"})
					}
				}
			}
			done, err := session.Settle(context.Background(), "INBOX", todo)
			todo = todo[len(done):]
			return err == nil && len(todo) == 0
		}()
		if finished {
			return stored
		}
	}
	t.Fatal("it never ends")
	return nil
}

//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/store"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
)

// rateEnv is how many mails the figures of several workers are measured with, as
// make fleet-rate does.
const rateEnv = "HARVESTER_FLEET_RATE"

// The rates of workers and of the leader, as ratios: what they are worth on a
// machine is another matter. A download is a wait of 50 ms for a batch.
func TestFleetRates(t *testing.T) {
	mails, _ := strconv.Atoi(os.Getenv(rateEnv))
	if mails == 0 {
		t.Skip("make fleet-rate runs it: it takes minutes")
	}
	r := &rates{t: t, server: pgtest.Start(t), mails: backlog(t, mails)}
	file := r.open(filepath.Join(t.TempDir(), "h.db"), store.Options{})
	r.url = r.server.Database(t)
	leader := r.open(r.url, store.Options{})
	for _, db := range []*store.DB{file, leader} {
		if err := db.Judge.Follow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var workers []*store.DB
	for i := range 16 {
		w := r.open(r.url, store.Options{Owner: fmt.Sprint("w", i), Shared: true})
		w.Judge.Defers = fmt.Sprint("w", i)
		workers = append(workers, w)
	}
	commit := func(db *store.DB) func(facts.Batch) {
		return func(b facts.Batch) {
			if _, err := db.Judge.Commit(t.Context(), b); err != nil {
				t.Error(err)
			}
		}
	}
	judge := func() {
		for range mails/1600 + 2 {
			if _, err := leader.Judge.TakeArrivals(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := float64(mails)
	onFile := r.measure(func() { r.pipeline(0, 1, 0, commit(file)) })
	onServer := r.measure(func() { r.pipeline(0, 1, 0, commit(workers[0])) })
	t.Logf("facts of one pipeline by a processor-second: %.0f on a file, %.0f of a worker on a server (%.0f with the server's processors)", n/onFile.own, n/onServer.own, n/(onServer.own+onServer.server))
	r.atLeast("a worker on PostgreSQL against the pipeline on SQLite, by processor-second of its own", onFile.own/onServer.own, 0.6)
	judging := r.measure(judge)
	t.Logf("judging: %.0f mails by a second; a thousand take %.0f ms of the leader's processor and %.0f ms of the server's", n/judging.wall, judging.own/n*1e6, judging.server/n*1e6)

	const download = 50 * time.Millisecond
	one := r.measure(func() { r.pipeline(0, 1, download, commit(workers[0])) })
	judge()
	two := r.measure(func() {
		var both sync.WaitGroup
		for i := range 2 {
			both.Go(func() { r.pipeline(i, 2, download, commit(workers[i])) })
		}
		both.Wait()
	})
	judge()
	t.Logf("with a download of 50 ms: one worker %.0f mails by a second, two %.0f", n/one.wall, n/two.wall)
	r.atLeast("two workers against one", one.wall/two.wall, 1.7)
	r.atLeast("judging against the facts of one worker", one.wall/judging.wall, 3)

	// What 16 workers bring was read before: nothing but the database is measured.
	recorded := make([][]facts.Batch, len(workers))
	for i := range workers {
		r.pipeline(i, len(workers), 0, func(b facts.Batch) { recorded[i] = append(recorded[i], b) })
	}
	sixteen := r.measure(func() {
		var all sync.WaitGroup
		for i, w := range workers {
			all.Go(func() {
				for _, b := range recorded[i] {
					commit(w)(b)
				}
			})
		}
		brought := make(chan struct{})
		go func() { all.Wait(); close(brought) }()
		for done := false; !done; {
			select {
			case <-brought:
				done = true
			default:
			}
			judge()
		}
	})
	t.Logf("16 workers with recorded facts: the leader judges %.0f mails by a second, %.0f by a processor-second of all", n/sixteen.wall, n/(sixteen.own+sixteen.server))
}

type rates struct {
	t      *testing.T
	server *pgtest.Server
	url    string
	mails  [][]byte
	round  atomic.Uint32
}

func (r *rates) open(at string, o store.Options) *store.DB {
	r.t.Helper()
	o.Own = []string{"example.org", "example.com"}
	db, err := store.Open(r.t.Context(), at, o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return db
}

// pipeline downloads, reads and stores the share of one of several workers, 100
// mails at a time. Each round has mails of its own.
func (r *rates) pipeline(worker, of int, download time.Duration, store func(facts.Batch)) {
	round, i := r.round.Add(1), 0
	for some := range slices.Chunk(r.mails, 100) {
		if i++; i%of != worker {
			continue
		}
		time.Sleep(download)
		var b facts.Batch
		for n, raw := range some {
			raw = append(fmt.Appendf(nil, "X-Round: %d %d %d\n", round, i, n), raw...)
			b.Items = append(b.Items, facts.Item{Result: parse.Parse(raw, nil), Disposition: harvest.Keep, Message: harvest.Message{
				Locator: harvest.Locator{Mailbox: fmt.Sprint("m", worker), Folder: "INBOX", UIDValidity: round, UID: uint32(i*100 + n)}, Raw: raw, Received: time.Now()}})
		}
		b.Cursor = harvest.Cursor{Mailbox: fmt.Sprint("m", worker), Folder: "INBOX", UIDValidity: round, LastUID: uint32(i*100 + 99)}
		store(b)
	}
}

// ownCPU is what this process has used so far of processors.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// used is what something took, in seconds.
type used struct{ wall, own, server float64 }

func (r *rates) measure(f func()) used {
	began, own, server := time.Now(), ownCPU(), r.server.CPU()
	f()
	return used{time.Since(began).Seconds(), (ownCPU() - own).Seconds(), (r.server.CPU() - server).Seconds()}
}

func (r *rates) atLeast(what string, ratio, least float64) {
	r.t.Logf("%s: %.2f times", what, ratio)
	if ratio < least {
		r.t.Errorf("%s: %.2f times, at least %.1f is asked for", what, ratio, least)
	}
}

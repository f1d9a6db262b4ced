package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/query"
)

// rateEnv set to "1" has the figures of several workers measured, as make
// fleet-rate does.
const rateEnv = "HARVESTER_FLEET_RATE"

// A long history is decided anew, and the list is read, on a server within twice
// the time that a file takes. -events says how long; the list has a fifth of that.
func TestFleetRateOfHistory(t *testing.T) {
	if os.Getenv(rateEnv) != "1" {
		t.Skip("make fleet-rate runs it: it takes minutes")
	}
	s, size := pgtest.Start(t), *events
	file := openAt(t, filepath.Join(t.TempDir(), "h.db"), Options{})
	var batch facts.Batch
	for n := range 1000 {
		batch.Items = append(batch.Items, pastNotice(n, size))
	}
	if _, err := file.Judge.Commit(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	multiply(t, file, size/1000)
	url := s.Database(t)
	server := openServer(t, url, Options{})
	if _, err := engine.Transfer(t.Context(), file.DB, server.DB, true); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `VACUUM ANALYZE`)
	for _, work := range []struct {
		name string
		do   func(*DB) error
	}{
		{"reading the list", func(db *DB) error {
			n := 0
			for _, err := range db.List.Suppressions(t.Context(), query.Filter{}) {
				if n++; err != nil {
					return err
				}
			}
			t.Logf("%d rows of the list", n)
			return nil
		}},
		{"deciding anew by the policy", func(db *DB) error {
			_, err := db.Judge.Recompute(t.Context(), judge.Scenario{}, "bench", "", judge.Reach{})
			return err
		}},
		{"judging each event anew", func(db *DB) error {
			_, err := db.Judge.Recompute(t.Context(), judge.Scenario{}, "bench", "", judge.Reach{Events: true})
			return err
		}},
	} {
		var took [2]time.Duration
		var used [2]time.Duration
		for i, db := range []*DB{file, server} {
			began, cpu := time.Now(), cpuTime()+s.CPU()
			if err := work.do(db); err != nil {
				t.Fatal(err)
			}
			took[i], used[i] = time.Since(began), cpuTime()+s.CPU()-cpu
		}
		ratio := used[1].Seconds() / used[0].Seconds()
		t.Logf("%s, %d events: %.1f s on a file, %.1f s on a server; of processors %.1f s and %.1f s: %.2f times", work.name, size, took[0].Seconds(), took[1].Seconds(), used[0].Seconds(), used[1].Seconds(), ratio)
		if ratio > 2 {
			t.Errorf("%s takes %.2f times as long on a server", work.name, ratio)
		}
	}
}

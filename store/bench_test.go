package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"harvester/parse/bounce"
)

// BenchmarkCommit stores batches of 1,000 messages, each naming one recipient
// that nobody named before.
func BenchmarkCommit(b *testing.B) {
	db := openTest(b, Options{})
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF, bounce.UserUnknown, bounce.ContentSpam}
	const size = 1000
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		var batch Batch
		for range size {
			it := failure(n%20, fmt.Sprintf("user%d@d%d.example.net", n, n%500), reasons[n%len(reasons)])
			it.Message.UID = uint32(n + 1)
			it.Message.Received = epoch.AddDate(0, 0, n%20)
			batch.Items = append(batch.Items, it)
			n++
		}
		b.StartTimer()
		if _, err := db.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkExplain explains one of 500 addresses with ten events each.
func BenchmarkExplain(b *testing.B) {
	db := openAt(b, filepath.Join(b.TempDir(), "x.db"), Options{})
	var batch Batch
	for n := range 5000 {
		it := failure(n/500*2, fmt.Sprintf("user%d@d%d.example.net", n%500, n%50), bounce.MailboxFull)
		it.Message.UID = uint32(n + 1)
		batch.Items = append(batch.Items, it)
	}
	if _, err := db.Commit(context.Background(), batch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if x, err := db.Explain(context.Background(), "user7@d7.example.net", nil); err != nil || len(x.Events) != 10 {
			b.Fatal(err, len(x.Events))
		}
	}
}

// BenchmarkRecompute decides 100,000 stored events anew.
func BenchmarkRecompute(b *testing.B) {
	db := openTest(b, Options{})
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF, bounce.MailboxDisabled, bounce.ContentSpam}
	const size = 100_000
	for n := 0; n < size; n += 1000 {
		var batch Batch
		for i := n; i < n+1000; i++ {
			it := failure(i/(size/30), fmt.Sprintf("user%d@d%d.example", i%20000, i%5000), reasons[i%len(reasons)])
			it.Message.UID, it.Message.Raw = uint32(i+1), fmt.Appendf(nil, "message %d", i)
			it.Result.Recipients[0].RemoteMTA = ""
			batch.Items = append(batch.Items, it)
		}
		if _, err := db.Commit(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("policy", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.recompute(context.Background(), Scenario{}, "bench", "", false); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("events", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.recompute(context.Background(), Scenario{}, "bench", "", true); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("replay", func(b *testing.B) {
		for b.Loop() {
			if d, err := db.Replay(context.Background(), Scenario{}); err != nil || len(d.Changes) != 0 {
				b.Fatal(len(d.Changes), err)
			}
		}
		b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

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
		if x, err := db.Explain(context.Background(), "user7@d7.example.net"); err != nil || len(x.Events) != 10 {
			b.Fatal(err, len(x.Events))
		}
	}
}

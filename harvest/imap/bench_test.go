package imap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

// BenchmarkDownload reads 20,000 messages of about 5.5 KB from Dovecot, over
// loopback and over a line with 50 ms round trip, alone and with a caller that
// takes 100 µs for each message. Run it with -benchtime=3x.
func BenchmarkDownload(b *testing.B) {
	const messages = 20_000
	d := imaptest.Start(b, imaptest.Options{})
	for i := range messages {
		d.Deliver("INBOX", fmt.Appendf(testMail(i), "%s", strings.Repeat("The mail could not be delivered.\r\n", 150)))
	}
	far := imaptest.NewProxy(b, d.IMAP, 25*time.Millisecond, nil)
	for _, line := range []struct{ name, server string }{{"loopback", d.IMAP}, {"rtt=50ms", far.Addr}} {
		for _, work := range []time.Duration{0, 100 * time.Microsecond} {
			c := dovecotConfig(d)
			c.Server, c.Timeout, c.ReadOnly = line.server, time.Minute, true
			b.Run(fmt.Sprintf("%s/work=%v", line.name, work), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if n := download(b, c, work); n != messages {
						b.Fatalf("%d messages", n)
					}
				}
				b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

func download(b *testing.B, c imap.Config, work time.Duration) int {
	b.Helper()
	session, err := imap.New(c).Open(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close(context.Background())
	n := 0
	for cur := (harvest.Cursor{Folder: "INBOX"}); ; {
		batch, err := session.Next(context.Background(), cur)
		if err != nil {
			b.Fatal(err)
		}
		if len(batch.Messages) == 0 {
			return n
		}
		n, cur = n+len(batch.Messages), batch.Cursor
		time.Sleep(work * time.Duration(len(batch.Messages)))
	}
}

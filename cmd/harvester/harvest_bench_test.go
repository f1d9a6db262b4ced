package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"harvester/harvest/imap/imaptest"
)

// BenchmarkHarvest runs the program on a mailbox of a real server, from an
// empty database to a committed one: 20,000 notifications over loopback and
// over a line with 50 ms round trip, and a few mails of 50 MB. It prints what
// the program took itself, as the server's share depends on the server, and the
// most memory that it had.
func BenchmarkHarvest(b *testing.B) {
	const messages = 20_000
	d := imaptest.Start(b, imaptest.Options{})
	mails := backlog(b, messages)
	size := 0
	for _, m := range mails {
		size += len(m)
	}
	b.Logf("%d notifications, %d bytes on average", messages, size/messages)
	d.Deliver("INBOX", mails...)
	d.Doveadm("mailbox", "status", "-u", imaptest.Username, "messages", "INBOX") // it indexes what was delivered
	far := imaptest.NewProxy(b, d.IMAP, 25*time.Millisecond, nil)
	for _, line := range []struct{ name, server string }{{"loopback", d.IMAP}, {"rtt=50ms", far.Addr}} {
		b.Run(line.name, func(b *testing.B) { harvests(b, line.server, messages) })
	}

	const large = 8
	d = imaptest.Start(b, imaptest.Options{})
	body := bytes.Repeat([]byte("It could not be delivered, and here is all of it once more.\n"), 50<<20/60)
	for i := range large {
		d.Deliver("INBOX", append([]byte(strings.Replace(notice(fmt.Sprintf("large%d@example.net", i)), "--b--\n", "\n", 1)), body...))
	}
	d.Doveadm("mailbox", "status", "-u", imaptest.Username, "messages", "INBOX")
	b.Run("50MB", func(b *testing.B) { harvests(b, d.IMAP, large) })
}

func harvests(b *testing.B, server string, messages int) {
	var own time.Duration
	var peak int
	for b.Loop() {
		file := configured(b, server, "keep")
		took, most := once(b, file)
		own, peak = own+took, max(peak, most)
		b.StopTimer()
		if s := statusOfDB(b, file); s.Messages != messages || s.Poison != 0 {
			b.Fatalf("%d mails, stored: %+v", messages, s)
		}
		b.StartTimer()
	}
	n := float64(b.N * messages)
	b.ReportMetric(n/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(own.Microseconds())/n, "µs-CPU/message")
	b.ReportMetric(float64(peak)/1024, "MB-peak")
}

// once is a pass by a process of its own. It returns the processor's time that
// it took and the most memory that it had, in KB.
func once(b *testing.B, file string) (cpu time.Duration, peak int) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "harvester", "once", "--config", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatalf("%v\n%s", err, out.String())
			}
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak
		case <-look.C:
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater is the most memory that a process had so far, in KB (proc(5)); 0
// where the system does not tell. What wait(2) tells would begin with this
// process's own.
func highWater(pid int) (kb int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	kb, _ = strconv.Atoi(strings.TrimSpace(line))
	return kb
}

package compose

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/schedule"
)

// A day of polls, with a mail now and then, leaves nothing behind in memory.
// HARVESTER_DAY is the number of mailboxes; each is read every five minutes.
func TestADayTakesNoMemory(t *testing.T) {
	mailboxes := 5
	if n, err := strconv.Atoi(os.Getenv("HARVESTER_DAY")); err == nil {
		mailboxes = n
	} else if testing.Short() {
		t.Skip("some thousand polls")
	}
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("own_domains = [\"example.org\"]\ntimezone = \"UTC\"\n[store]\npath = \"h.db\"\n[[export]]\nname = \"list\"\npath = \"list.csv\"\n")
	for i := range mailboxes {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(i), sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&text, "[[mailbox]]\nname = \"m%d\"\ntype = \"maildir\"\npath = \"%d\"\nschedule = \"*/5 * * * *\"\n", i, i)
	}
	c, err := config.Parse(filepath.Join(dir, "harvester.toml"), []byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		set, err := Open(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := &schedule.Runner{Jobs: append(set.Harvests(), set.Files()...), Recorder: set.DB.Runs, Zone: time.UTC, Parallel: 32, Grace: time.Minute, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		var heap [25]uint64
		var routines [25]int
		for hour := range heap {
			if hour > 0 {
				time.Sleep(time.Hour)
			}
			mail := fmt.Sprintf("Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: Undelivered Mail\nMessage-ID: <%d@mx.example.net>\n\n<u%d@example.net>: 550 5.1.1 User unknown\n", hour, hour)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(hour%mailboxes), "new", fmt.Sprintf("%d.M%dP1.x", 1700000000+hour, hour)), []byte(mail), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			// Polls may fall on this very moment, and are no leak.
			synctest.Wait()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap[hour], routines[hour] = m.HeapAlloc, runtime.NumGoroutine()
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		status, err := set.DB.Reports.Status(t.Context())
		if err != nil || status.Messages < 24 {
			t.Errorf("%d mails were read, %v", status.Messages, err)
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
		if heap[24] > heap[2]+2<<20 || routines[24] > routines[2]+2 {
			t.Errorf("heap %d KB after two hours, %d KB after a day; %d goroutines and %d", heap[2]>>10, heap[24]>>10, routines[2], routines[24])
		}
		t.Logf("heap %d, %d, %d KB; goroutines %d, %d, %d", heap[2]>>10, heap[12]>>10, heap[24]>>10, routines[2], routines[12], routines[24])
	})
}

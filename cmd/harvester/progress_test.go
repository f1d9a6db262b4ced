package main

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressSaysRateAndWhatIsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{unit: "messages", total: 4000, started: time.Now()}
		time.Sleep(10 * time.Second)
		p.set(500, 1000)
		if got, want := p.line(time.Now()), "500 messages, 50/s, 25%, 30s to go"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		p.total = 0 // standard input
		if got, want := p.line(time.Now()), "500 messages, 50/s"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Into a pipe nothing is written but what SIGUSR1 asks for.
func TestProgressIsSilentUntilAsked(t *testing.T) {
	var errs lockedBuffer
	p := (&app{stdio: stdio{Err: &errs}}).progress(t.Context(), "messages", nil)
	defer p.end()
	p.set(7, 70)
	p.clear()
	if got := errs.String(); got != "" {
		t.Errorf("unasked: %q", got)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); errs.String() == "" && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if got := errs.String(); !strings.HasPrefix(got, "harvester: 7 messages, ") {
		t.Errorf("asked: %q", got)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

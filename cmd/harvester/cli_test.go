package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// A command that waits for standard input ends when it is interrupted.
func TestInterrupted(t *testing.T) {
	for _, args := range [][]string{{"parse", "-"}, {"classify"}} {
		t.Run(args[0], func(t *testing.T) {
			in, hold := io.Pipe() // nobody ever writes
			defer hold.Close()
			ctx, cancel := context.WithCancel(t.Context())
			var out, errs bytes.Buffer
			status := make(chan int, 1)
			go func() { status <- run(ctx, args, stdio{in, &out, &errs}) }()
			cancel()
			select {
			case got := <-status:
				if got != exitInterrupted || errs.String() != "harvester: interrupted\n" {
					t.Errorf("status %d, %q", got, errs.String())
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it goes on")
			}
		})
	}
}

// A panic of a command is an internal error, not a crash.
func TestPanicIsAnInternalError(t *testing.T) {
	var errs bytes.Buffer
	got := run(t.Context(), []string{"version"}, stdio{nil, panicking{}, &errs})
	if got != exitSoftware || !strings.HasPrefix(errs.String(), "harvester: internal error: no paper\n") {
		t.Errorf("status %d, %q", got, errs.String())
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("no paper") }

func TestEveryCommandSaysItsExitStatus(t *testing.T) {
	for _, c := range newRoot(&app{}).Commands() {
		if c.Annotations[exitKey] == "" && !c.Hidden && c.Name() != "help" {
			t.Errorf("%s does not say its exit status", c.Name())
		}
	}
}

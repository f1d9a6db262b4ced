package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// patience is how long an event is waited for: longer than a busy machine takes
// under the race detector.
const patience = 2 * time.Minute

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
			case <-time.After(patience):
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

func TestEveryCommandHasAnExampleAndItsExitStatus(t *testing.T) {
	seen := 0
	eachCommand(newRoot(&app{}), func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		seen++
		if c.Annotations[exitKey] == "" && c.HasParent() {
			t.Errorf("%s does not say its exit status", c.CommandPath())
		}
		if c.Example == "" && !c.HasAvailableSubCommands() {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(strings.TrimRight(line, "\n")) > 80 && !strings.HasPrefix(line, " ") {
				t.Errorf("%s: the help is wider than 80 columns: %s", c.CommandPath(), line)
			}
		}
	})
	if seen < 30 {
		t.Errorf("only %d commands were seen", seen)
	}
}

// withoutJSON are the commands that print no data, or data in a form of its own.
var withoutJSON = map[string]string{
	"harvester config adopt":   "says what was done",
	"harvester config example": "prints TOML",
	"harvester completion":     "prints a script",
	"harvester man":            "prints a manual page",
	"harvester demo":           "shows what people look at",
	"harvester run":            "logs; --log-format json",
	"harvester init":           "talks with a person; config check has --json",
	"harvester triage export":  "prints a mail",
	"harvester pause resume":   "says what was done",
}

func TestEveryCommandThatPrintsDataHasJSON(t *testing.T) {
	eachCommand(newRoot(&app{}), func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		has := c.Flags().Lookup("json") != nil || c.Flags().Lookup("format") != nil
		_, excepted := withoutJSON[c.CommandPath()]
		switch {
		case has && excepted:
			t.Errorf("%s has --json and is listed as without", c.CommandPath())
		case !has && !excepted && !c.HasAvailableSubCommands():
			t.Errorf("%s has no --json", c.CommandPath())
		}
	})
}

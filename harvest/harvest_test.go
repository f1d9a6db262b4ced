package harvest

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestBackoffGrowsToItsCap(t *testing.T) {
	var b Backoff
	err := errors.New("connection reset")
	for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second} {
		if got := b.Failed(err, 1); got != want {
			t.Errorf("failure %d: %v, want %v", i, got, want)
		}
	}
	for range 100 {
		if got := b.Failed(err, 1); got > backoffCap {
			t.Fatal(got)
		}
	}
	if got := b.Failed(err, 0.5); got != backoffCap/2 {
		t.Errorf("half the jitter: %v", got)
	}
	b.Succeeded()
	if got := b.Failed(err, 1); got != backoffBase || b.Failures() != 1 {
		t.Errorf("after a success: %v", got)
	}
}

func TestBackoffHeedsTheProvider(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want time.Duration
	}{
		"asked":      {&Fault{After: 5 * time.Minute}, 5 * time.Minute},
		"wrapped":    {fmt.Errorf("polling: %w", &Fault{After: 7 * time.Minute}), 7 * time.Minute},
		"auth":       {&Fault{Kind: ErrAuth}, time.Hour},
		"folder":     {fmt.Errorf("polling: %w", &Fault{Kind: ErrFolder}), time.Hour},
		"auth, more": {&Fault{Kind: ErrAuth, After: 2 * time.Hour}, 2 * time.Hour},
		"nothing":    {errors.New("x"), 0},
	} {
		var b Backoff
		if got := b.Failed(test.err, 0); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestFaultIsOneLine(t *testing.T) {
	cause := errors.New("first\nsecond")
	for want, f := range map[string]*Fault{
		"mailbox a: reading: first second":                               {Mailbox: "a", Step: "reading", Err: cause},
		"mailbox a: signing in: server said: NO no (check the password)": {Mailbox: "a", Step: "signing in", Words: "NO\r\nno", Hint: "check the password", Kind: ErrAuth, Err: cause},
		"mailbox a: signing in: sign-in refused":                         {Mailbox: "a", Step: "signing in", Kind: ErrAuth},
	} {
		if f.Error() != want {
			t.Errorf("%q, want %q", f.Error(), want)
		}
	}
	f := &Fault{Kind: ErrAuth, Err: cause}
	if !errors.Is(f, ErrAuth) || !errors.Is(f, cause) || errors.Is(f, ErrFolder) {
		t.Error("kind and cause must both be found")
	}
}

func TestReceivedDate(t *testing.T) {
	at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		raw  string
		want time.Time
	}{
		"one line": {"Received: from a by b; Tue, 3 Nov 2026 10:00:00 +0100\r\n\r\n", at},
		"folded":   {"X: y\nreceived: from a\n\tby b;\n\tTue, 3 Nov 2026 10:00:00 +0100 (CET)\nSubject: x\n\n", at},
		"topmost":  {"Received: x; Tue, 3 Nov 2026 09:00:00 GMT\nReceived: y; Mon, 2 Nov 2026 09:00:00 GMT\n\n", at},
		"in body":  {"Subject: x\n\nReceived: x; Tue, 3 Nov 2026 09:00:00 GMT\n", time.Time{}},
		"no date":  {"Received: from a by b\n\n", time.Time{}},
		"nonsense": {"Received: x; yesterday\n\n", time.Time{}},
		"nothing":  {"", time.Time{}},
	} {
		if got := ReceivedDate([]byte(test.raw)); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

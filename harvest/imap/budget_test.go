package imap

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap/memserver"
)

func TestBudget(t *testing.T) {
	at := func(clock string) time.Time {
		day, err := time.Parse("2 Jan 2006 15:04", strings.Replace(clock, "Nov", "Nov 2026", 1))
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	b := budget{limit: 100}
	for _, step := range []struct {
		n    int64
		at   string
		want time.Duration
	}{
		{60, "3 Nov 10:00", 0},
		{39, "3 Nov 11:00", 0},
		{1, "3 Nov 23:00", time.Hour},
		{0, "3 Nov 23:30", 30 * time.Minute},
		{99, "4 Nov 00:00", 0},
		{500, "4 Nov 12:00", 12 * time.Hour},
	} {
		if got := b.spend(step.n, at(step.at)); got != step.want {
			t.Errorf("%d bytes at %s: wait %v, want %v", step.n, step.at, got, step.want)
		}
	}
	// Another process goes on with what this one used.
	next := budget{limit: 1000}
	next.resume(b.state())
	next.resume("2026-11-04 3") // of another folder, earlier that day
	if got := next.spend(400, at("4 Nov 13:00")); got != 0 {
		t.Error(got)
	}
	if got := next.spend(1, at("4 Nov 13:00")); got != 11*time.Hour {
		t.Errorf("599 bytes before and 401 after a restart: wait %v", got)
	}
	next.resume(b.state()) // yesterday's
	if got := next.spend(999, at("5 Nov 00:00")); got != 0 {
		t.Error(got)
	}
	var unlimited budget
	if unlimited.resume(b.state()); unlimited.state() != "" {
		t.Error("no limit, no state")
	}
	if got := unlimited.spend(1<<60, at("3 Nov 10:00")); got != 0 {
		t.Error(got)
	}
	if dailyBytes("IMAP.gmail.com:993") != gmailDaily || dailyBytes("imap.example.org:993") != 0 {
		t.Error("only Gmail has a known limit")
	}
}

// What was used of the day stands in the cursor, so that a restart does not
// begin anew.
func TestBudgetOutlivesTheProcess(t *testing.T) {
	server, err := memserver.Start("u", "p")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const size = 1000
	deliver := func() {
		t.Helper()
		if err := server.Append("INBOX", append([]byte("Subject: x\r\n\r\n"), bytes.Repeat([]byte("x\r\n"), size/3)...)); err != nil {
			t.Fatal(err)
		}
	}
	// next reads what is there, as a process of its own.
	next := func(cur harvest.Cursor) (harvest.Batch, error) {
		s := New(Config{Name: "box", Server: server.Addr, TLS: TLSNone, Folders: []string{"INBOX"},
			Auth: &auth.Password{Username: "u", Secret: func(context.Context) (string, error) { return "p", nil }}}).(*source)
		s.budget.limit = 4 * size // two of them, the look back at the first, and what is said besides
		session, err := s.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close(t.Context())
		return session.Next(t.Context(), cur)
	}
	cur := harvest.Cursor{Folder: "INBOX"}
	for range 2 {
		deliver()
		batch, err := next(cur)
		if err != nil || len(batch.Messages) != 1 {
			t.Fatal(len(batch.Messages), err)
		}
		cur = batch.Cursor
	}
	deliver()
	if _, err := next(cur); !errors.Is(err, errBudget) || harvest.RetryAfter(err) <= 0 {
		t.Errorf("after %s: %v", cur.State, err)
	}
}

package imap

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	at := func(clock string) time.Time {
		day, err := time.Parse("2 Jan 15:04", clock)
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
	var unlimited budget
	if got := unlimited.spend(1<<60, at("3 Nov 10:00")); got != 0 {
		t.Error(got)
	}
	if dailyBytes("IMAP.gmail.com:993") != gmailDaily || dailyBytes("imap.example.org:993") != 0 {
		t.Error("only Gmail has a known limit")
	}
}

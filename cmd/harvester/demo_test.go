package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The demonstration's page answers on the address that is printed, until it is
// interrupted.
func TestDemoServes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, print := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"demo", "--serve"}, stdio{nil, print, io.Discard})
		print.Close()
	}()
	var text strings.Builder
	buf := make([]byte, 4096)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	for !address.MatchString(text.String()) {
		n, err := out.Read(buf)
		text.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v: %s", err, text.String())
		}
	}
	go io.Copy(io.Discard, out)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.FindString(text.String())+"v1/lookup?address=kate@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+demoToken)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // it is printed before it listens
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("status %s", answer.Status)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	cancel()
	if got := <-status; got != exitOK {
		t.Errorf("status %d", got)
	}
}

// A month of mail has the rhythm of a week, and none of it is yet to come.
func TestDemoMails(t *testing.T) {
	now := time.Date(2026, 11, 26, 15, 30, 0, 0, time.UTC)
	mails, err := demoMails(now)
	if err != nil {
		t.Fatal(err)
	}
	days := map[string]int{}
	for i, m := range mails {
		if m.at.After(now) || m.at.Before(now.AddDate(0, 0, -demoDays-1)) || i > 0 && m.at.Before(mails[i-1].at) {
			t.Fatalf("mail %d came in at %s", i, m.at)
		}
		days[m.at.Format(time.DateOnly)]++
	}
	if len(days) < demoDays {
		t.Errorf("only %d days have mail", len(days))
	}
	if sunday, tuesday := days["2026-11-15"], days["2026-11-10"]; sunday == 0 || sunday*2 > tuesday {
		t.Errorf("%d on a Sunday, %d on a Tuesday", sunday, tuesday)
	}
}

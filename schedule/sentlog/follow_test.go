package sentlog

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// follower reads a log bit by bit, with its position kept as JSON in between.
type follower struct {
	t     *testing.T
	log   Log
	saved []byte
	bad   int
}

func (f *follower) read() string {
	f.t.Helper()
	var pos Position
	if f.saved != nil {
		if err := json.Unmarshal(f.saved, &pos); err != nil {
			f.t.Fatal(err)
		}
	}
	var out []string
	for r, err := range f.log.Follow(context.Background(), &pos, &f.bad) {
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, r.MessageID+">"+strings.TrimSuffix(r.Recipient, "@example.net"))
	}
	var err error
	if f.saved, err = json.Marshal(pos); err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	log := filepath.Join(t.TempDir(), "mail.log")
	f := &follower{t: t, log: Log{Path: log, Format: "postfix", Now: time.Now(), Keep: 45 * 24 * time.Hour}}
	begin := func(n int) string {
		return fmt.Sprintf("2026-11-25T23:01:01Z h postfix/cleanup[1]: Q%d: message-id=<m%d>\n2026-11-25T23:01:01Z h postfix/qmgr[1]: Q%d: from=<b@example.org>, size=1\n", n, n, n)
	}
	send := func(n int, to string) string {
		return fmt.Sprintf("2026-11-25T23:01:02Z h postfix/smtp[1]: Q%d: to=<%s@example.net>, relay=mx[192.0.2.1]:25, status=sent (ok)\n", n, to)
	}
	step := func(want string) {
		t.Helper()
		if got := f.read(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	write(t, log+".2.gz", "\x1f\x8bpacked")
	write(t, log+".1", begin(1)+send(1, "old"))
	age(t, log+".1", time.Hour)
	write(t, log, send(1, "late")+begin(2)+send(2, "a"))
	step("m1>old m1>late m2>a") // the mail began in the rotated part
	step("")
	half := send(2, "b")
	write(t, log, half[:40])
	step("")
	write(t, log, half[40:])
	step("m2>b")
	// Rotated between two looks, with lines that nobody had seen.
	write(t, log, send(2, "c"))
	if err := os.Rename(log+".1", log+".3"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	age(t, log+".1", time.Minute)
	write(t, log, begin(3))
	step("m2>c")
	write(t, log, send(3, "d")+send(2, "e"))
	step("m3>d m2>e")
	// Emptied in place (copytruncate), with the copy beside it.
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	write(t, log+"-20261125", string(text)+send(3, "f"))
	age(t, log+"-20261125", time.Second)
	if err := os.Truncate(log, 0); err != nil {
		t.Fatal(err)
	}
	write(t, log, begin(4)+send(4, "g"))
	step("m3>f m4>g")
	if f.bad != 0 {
		t.Errorf("%d lines were bad", f.bad)
	}
	// What is old or gone is forgotten.
	age(t, log+".3", 50*24*time.Hour)
	if err := os.Remove(log + ".1"); err != nil {
		t.Fatal(err)
	}
	step("")
	if n := strings.Count(string(f.saved), ":"); n > 30 {
		t.Errorf("the position grows: %s", f.saved)
	}
}

// The header of a CSV file is read again at each look.
func TestFollowTable(t *testing.T) {
	dir := t.TempDir()
	f := &follower{t: t, log: Log{Path: filepath.Join(dir, "acct-*.csv"), Format: "powermta", Now: time.Now(), Keep: time.Hour}}
	if got := f.read(); got != "" {
		t.Errorf("nothing is there, and gives %q", got)
	}
	write(t, filepath.Join(dir, "acct-1.csv"), "type,rcpt,header_Message-Id\nd,a@example.net,m1\n")
	if got := f.read(); got != "m1>a" {
		t.Errorf("got %q", got)
	}
	write(t, filepath.Join(dir, "acct-1.csv"), "d,b@example.net,m2\nd,nobody,m9\n")
	age(t, filepath.Join(dir, "acct-1.csv"), time.Minute)
	write(t, filepath.Join(dir, "acct-2.csv"), "type,header_Message-Id,rcpt\nd,m3,c@example.net\n")
	if got := f.read(); got != "m2>b m3>c" {
		t.Errorf("got %q", got)
	}
	if f.bad != 1 {
		t.Errorf("%d bad lines", f.bad)
	}
	missing := Log{Path: filepath.Join(dir, "none"), Format: "postfix", Now: time.Now(), Keep: time.Hour}
	for _, err := range missing.Follow(context.Background(), &Position{}, new(int)) {
		if err == nil || !strings.Contains(err.Error(), "none") {
			t.Errorf("got %v", err)
		}
	}
}

package web

import (
	"strings"
	"testing"
	"time"

	"harvester/store/policy"
	"harvester/store/query"
)

// The sentence names what is most urgent, and never says that all is well while
// something is open, fails or is held, or before anything was read.
func TestSentence(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	well := standing{Now: now, First: now.AddDate(0, -1, 0), Harvested: true}
	with := func(change func(*standing)) standing { s := well; change(&s); return s }
	open := []query.Incident{{Cause: policy.Cause{Title: "SPF"}, Domain: "example.org", Addresses: 1, Opened: now}}
	for name, tt := range map[string]struct {
		standing
		level, text string
	}{
		"well": {well, "ok", "Nothing to do"},
		"open": {with(func(s *standing) { s.Open = open }), "warn", "Mend it when you can: SPF: example.org, which cost 1 address since 2 Mar."},
		"held": {with(func(s *standing) { s.Held = 1; s.Open = open }), "warn", "1 verdict waits for you"},
		"high": {with(func(s *standing) {
			s.High = []figure{{Value: "412", Label: "failures so far today", Note: "usual: 30 to 45 a day"}}
		}), "warn", "412 failures so far today, usual: 30 to 45 a day."},
		"soon":      {with(func(s *standing) { s.Troubles = []policy.Trouble{{Title: "a"}, {Title: "b"}} }), "warn", "Look at it today: a; 1 more below."},
		"known":     {with(func(s *standing) { s.Troubles = []policy.Trouble{{Title: "a", Known: true}} }), "ok", "Nothing to do"},
		"failing":   {with(func(s *standing) { s.Failing = []string{"harvest bounces"} }), "warn", "the last run of harvest bounces failed"},
		"now":       {with(func(s *standing) { s.Troubles = []policy.Trouble{{Title: "a"}, {Title: "b", Urgency: policy.Now}} }), "crit", "Act now: b; 1 more below."},
		"not begun": {standing{Now: now, Next: now}, "idle", "the first harvest is due at 2026-03-02"},
		"no box":    {standing{Now: now}, "idle", "no mailbox is read on a schedule"},
		"empty":     {standing{Now: now, Harvested: true}, "idle", "no mail has come in yet"},
	} {
		got := tt.say(func(t time.Time) string { return t.Format(time.DateOnly) })
		if got.Level != tt.level || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s: %s %q, want %s %q", name, got.Level, got.Text, tt.level, tt.text)
		}
	}
}

// An act leads back to pages of our own alone.
func TestDoneStaysHere(t *testing.T) {
	for back, want := range map[string]string{
		"/incident?id=spf": "/incident?done=ack&id=spf", "/": "/?done=ack", "": "/?done=ack", "https://evil.example/": "/?done=ack", "//evil.example/x": "/?done=ack",
		`/\evil.example`: "/?done=ack", "javascript:alert(1)": "/?done=ack",
	} {
		if got := done(back, "ack"); got != want {
			t.Errorf("%q leads to %q, want %q", back, got, want)
		}
	}
}

// A reference says nothing, is read by who made it alone, and is always the same.
func TestSealer(t *testing.T) {
	a, b := newSealer("one token"), newSealer("another")
	ref := a.seal("jane@example.net")
	if got, ok := a.open(ref); !ok || got != "jane@example.net" || a.seal("jane@example.net") != ref || strings.Contains(ref, "jane") {
		t.Errorf("%q is read as %q, %v", ref, got, ok)
	}
	for _, bad := range []string{"", "x", ref + "A", ref[:len(ref)-2], "!!"} {
		if got, ok := a.open(bad); ok {
			t.Errorf("%q is read as %q", bad, got)
		}
	}
	if _, ok := b.open(ref); ok {
		t.Error("another token reads it")
	}
}

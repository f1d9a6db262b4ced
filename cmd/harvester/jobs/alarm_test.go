package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/notify"
	"harvester/store"
	"harvester/store/policy"
)

// A paused stream is told of once, also when the first try fails, and so is
// that it may send again.
func TestTellTroubles(t *testing.T) {
	ctx := context.Background()
	var got []notify.Alert
	down := true
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		var a notify.Alert
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Error(err)
		}
		got = append(got, a)
	}))
	defer hook.Close()
	t.Setenv("HOOK", hook.URL)
	dir := t.TempDir()
	path := filepath.Join(dir, "harvester.toml")
	text := fmt.Sprintf("own_domains = [\"example.org\"]\nhostname = \"mail.example.org\"\n[store]\npath = %q\n[report.webhook]\nurl = \"env:HOOK\"\n", filepath.Join(dir, "h.db"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Open(ctx, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	run, err := set.DB.BeginRun(ctx, "retention")
	if err != nil {
		t.Fatal(err)
	}
	if err := set.DB.EndRun(ctx, run, "", errors.New("the disk is full")); err != nil {
		t.Fatal(err)
	}
	if detail, err := set.tellTroubles(ctx); err == nil {
		t.Errorf("the webhook is down, but: %s", detail)
	}
	down = false
	for range 3 {
		if _, err := set.tellTroubles(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 1 || got[0].News[0].ID != "job retention" || got[0].News[0].Urgency != policy.Now {
		t.Fatalf("told: %+v", got)
	}
	if run, err = set.DB.BeginRun(ctx, "retention"); err == nil {
		err = set.DB.EndRun(ctx, run, "done", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if detail, err := set.tellTroubles(ctx); err != nil || detail != "0 troubles, nothing new" {
		t.Errorf("%s %v", detail, err)
	}
	known, err := set.DB.Alarms(ctx)
	if err != nil || len(known) != 1 || known[0].Gone.IsZero() {
		t.Fatalf("it closes when it has been over for a while: %+v %v", known, err)
	}
	known[0].Gone = known[0].Gone.Add(-policy.Settle)
	if err := set.DB.KeepAlarms(ctx, known); err != nil {
		t.Fatal(err)
	}
	if _, err := set.tellTroubles(ctx); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].News[0].What != "closed" || !strings.HasPrefix(got[1].Subject(), "[harvester] OK mail.example.org: over: retention fails") {
		t.Errorf("told: %+v", got)
	}
}

func TestIncidentTrouble(t *testing.T) {
	opened := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	in := func(group string, count, receivers int, acts ...store.IncidentAct) store.Incident {
		return store.Incident{ID: group + ":example.org", Cause: policy.Cause{Group: group, Title: group}, Opened: opened, Count: count,
			Receivers: make([]string, receivers), Acts: acts}
	}
	closed := in("spf", 5, 5)
	closed.Closed = opened.Add(time.Hour)
	for name, tt := range map[string]struct {
		in      store.Incident
		ok      bool
		urgency policy.Urgency
		known   bool
	}{
		"one receiver":   {in("spf", 5, 1), true, policy.Soon, false},
		"many receivers": {in("spf", 5, 3), true, policy.Now, false},
		"our account":    {in("account", 1, 1), true, policy.Now, false},
		"a few refusals": {in("content", 9, 5), false, policy.Soon, false},
		"many refusals":  {in("content", 10, 5), true, policy.Soon, false},
		"closed":         {closed, false, policy.Soon, false},
		"seen":           {in("spf", 5, 3, store.IncidentAct{Act: "ack", At: opened.Add(time.Minute)}), true, policy.Now, true},
		"seen last time": {in("spf", 5, 3, store.IncidentAct{Act: "ack", At: opened.Add(-time.Minute)}), true, policy.Now, false},
	} {
		got, ok := incidentTrouble(&tt.in)
		if ok != tt.ok || ok && (got.Urgency != tt.urgency || got.Known != tt.known) {
			t.Errorf("%s: %+v %v", name, got, ok)
		}
	}
}

package report

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/facts"
)

func TestBuild(t *testing.T) {
	ctx := context.Background()
	now := noon
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "harvester.db"), store.Options{Own: []string{"example.org"}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// One notice at 00:30 in Berlin, which is the day before in UTC.
	at := time.Date(2026, 3, 2, 0, 30, 0, 0, berlin)
	item := facts.Item{
		Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: 1}, Raw: []byte("x"), Received: at},
		Result: parse.Result{Kind: bounce.KindBounce, Original: parse.Original{From: "news@example.org", To: "jane.doe@example.com"},
			Recipients: []parse.Recipient{{Recipient: "jane.doe@example.com", Action: bounce.Failed, Status: "5.1.1", ReplyCode: 550, Reason: bounce.UserUnknown,
				Fault: bounce.FaultRecipient, Class: bounce.ClassHard, Rule: "r", Confidence: bounce.ByRule, Diagnostic: "550 5.1.1 no such user <jane.doe@example.com>"}}},
	}
	if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{item}}); err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Addresses = Masked
	r, err := Build(ctx, db, o)
	if err != nil {
		t.Fatal(err)
	}
	got := string(render(t, r, forms[0]))
	for _, want := range []string{"OK: all is well", "\n hard bounces                    1", "example.com                         1", "+ j***@example.com", "no such user <j***@ex…"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	o.Day = noon.AddDate(0, 0, -1)
	if r, err = Build(ctx, db, o); err != nil || r.total("hard").Today != 0 || r.Suppressions.InForce != 0 {
		t.Errorf("the day before: %+v, %v", r.Totals, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err = Build(ctx, db, o); err == nil || !strings.Contains(err.Error(), "building the report of 2026-03-01") {
		t.Errorf("got %v", err)
	}
}

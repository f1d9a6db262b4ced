package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// forgeable are n failures from outside, each at a domain of its own unless one
// is named, that enclose what anybody can write.
func forgeable(prefix string, seq, n int, domain string) []facts.Item {
	items := dead(prefix, seq, n)
	for i := range items {
		items[i].Result.Provenance.Outside = true
		if domain != "" {
			address := fmt.Sprintf("%s%d@%s", prefix, i, domain)
			items[i].Result.Original.To, items[i].Result.Recipients[0].Recipient = address, address
			items[i].Result.Recipients[0].FinalRecipient, items[i].Result.Recipients[0].OriginalRecipient = address, address
		}
	}
	return items
}

// More than ten addresses an hour on the word of what anybody can write wait,
// the ten before them too, until the operator decides. Nothing of that kind
// confirms them, and whoever has more proof is not delayed.
func TestForgeableWaits(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 2, 0)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, forgeable("few", 0, 10, "")...)
	if got := listed(t, db, query.Filter{}); len(got) != 10 {
		t.Fatalf("%d listed, ten are believed", len(got))
	}
	if out := commit(t, db, forgeable("many", 0, 1, "")...); out.Held != 11 {
		t.Fatalf("the eleventh: %+v", out)
	}
	if out := commit(t, db, dead("proven", 0, 12)...); out.Added != 12 {
		t.Fatalf("what did not come from outside waits, too: %+v", out)
	}
	authentic := dead("shown", 0, 5)
	for i := range authentic {
		authentic[i].Result.Provenance.Outside, authentic[i].Result.Provenance.Host = true, "mx.example.org"
	}
	if out := commit(t, db, authentic...); out.Added != 5 {
		t.Fatalf("what has proof waits, too: %+v", out)
	}
	if s, err := db.Reports.Status(ctx); err != nil || s.Waiting != 11 || s.Held != 11 {
		t.Fatalf("status: %+v %v", s, err)
	}
	again := forgeable("few", 1, 10, "")
	if out := commit(t, db, append(again, forgeable("other", 1, 5, "")...)...); out.Added != 0 {
		t.Fatalf("a second forged burst confirms the first: %+v", out)
	}
	x, err := db.List.Explain(ctx, "x@few3.example", nil)
	if err != nil || x.State != policy.HeldBack || !strings.Contains(x.Events[0].Why, "waits for you") || len(x.Windows) == 0 {
		t.Fatalf("explain: %+v %v", x, err)
	}
	// Alone in a quiet hour it counts.
	if out := commit(t, db, forgeable("few", 3, 1, "")...); out.Added != 1 {
		t.Fatalf("a failure in a quiet hour: %+v", out)
	}
	holds, err := db.Reports.Holds(ctx, time.Time{})
	if err != nil || len(holds) != 2 {
		t.Fatalf("holds: %+v %v", holds, err)
	}
	if out, err := db.Judge.Rule(ctx, policy.Forgeable, policy.Outside, holds[0].Start, true, "our newsletter", "ops"); err != nil || out.Added != 10 {
		t.Fatal(out, err)
	}
	if out, err := db.Judge.Rule(ctx, policy.Forgeable, policy.Outside, holds[1].Start, false, "forged", "ops"); err != nil || out.Added != 0 {
		t.Fatal(out, err)
	}
	if n, _, err := db.Reports.Waiting(ctx); err != nil || n != 0 {
		t.Errorf("%d still wait: %v", n, err)
	}
}

// At one domain, slowly: 25 a day.
func TestForgeableAtOneDomain(t *testing.T) {
	db := openTest(t, Options{})
	for hour := range 4 {
		items := forgeable(fmt.Sprint("h", hour), 0, 8, "victims.example")
		for i := range items {
			items[i].Message.UID += uint32(1000 * hour)
			items[i].Message.Received = items[i].Message.Received.Add(time.Duration(hour) * 2 * time.Hour)
		}
		commit(t, db, items...)
		if want := []int{8, 16, 24, 0}[hour]; len(listed(t, db, query.Filter{})) != want {
			t.Fatalf("hour %d: %d listed, want %d", hour, len(listed(t, db, query.Filter{})), want)
		}
	}
}

// Which notices are limited is for the configuration to say.
func TestLimited(t *testing.T) {
	for limited, want := range map[facts.Limited]int{facts.LimitedSeen: 12, facts.LimitedAll: 0, facts.LimitedNone: 24} {
		db := openTest(t, Options{Limited: limited})
		commit(t, db, forgeable("seen", 0, 12, "")...)
		commit(t, db, dead("unknown", 0, 12)...)
		if got := listed(t, db, query.Filter{}); len(got) != want {
			t.Errorf("%s: %d listed, want %d", limited, len(got), want)
		}
	}
}

// A forged burst holds what it names, and discounts or holds nothing else.
func TestForgedBurstDelaysNobodyElse(t *testing.T) {
	db := openTest(t, Options{})
	items := forgeable("forged", 0, 40, "")
	for i := range items {
		r := &items[i].Result.Recipients[0]
		r.Reason = []bounce.Reason{bounce.DomainUnknown, bounce.UserUnknown}[i%2]
		r.RemoteMTA = "aspmx.l.google.com"
	}
	commit(t, db, items...)
	true1 := failure(0, "x@gone.example", bounce.DomainUnknown, func(it *facts.Item) { it.Message.UID, it.Result.Provenance = 77, parse.Provenance{} })
	true2 := failure(0, "x@gmail.com", bounce.UserUnknown, func(it *facts.Item) {
		it.Message.UID, it.Result.Recipients[0].RemoteMTA = 78, "aspmx.l.google.com"
	})
	if out := commit(t, db, true1, true2); out.Added != 1 {
		t.Errorf("a true failure beside a forged burst: %+v", out)
	}
	if x, err := db.List.Explain(t.Context(), "x@gone.example", nil); err != nil || !x.Events[0].Counted {
		t.Errorf("a true failure beside a forged burst: %+v %v", x.Events, err)
	}
}

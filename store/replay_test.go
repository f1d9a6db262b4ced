package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// Under what the list was computed with a replay is empty, always.
func TestReplayOfTheActivePolicyIsEmpty(t *testing.T) {
	db := openTest(t, Options{})
	n := uint32(0)
	rapid.Check(t, func(rt *rapid.T) {
		items := drawItems(rt)
		for i := range items {
			n++
			items[i].Message.UID = n
		}
		commit(t, db, items...)
		d, err := db.Judge.Replay(context.Background(), judge.Scenario{})
		if err != nil || len(d.Changes) != 0 || d.Before != d.After {
			rt.Fatalf("got %+v %v", d, err)
		}
		before := image(t, db)
		revised, out, err := db.Recompute(context.Background(), nil)
		after := image(t, db)
		if err != nil || revised != 0 || out.Added+out.Held+out.Removed != 0 || after != before {
			rt.Fatalf("recomputing changed %d events, %+v, %v\n%s", revised, out, err, cmp.Diff(before, after))
		}
	})
}

// What comes in late may make a burst of what was none: five times of less.
func TestLateMailChangesWhatIsUsual(t *testing.T) {
	db := openTest(t, Options{})
	day := func(n, addresses int) (items []facts.Item) {
		for i := range addresses {
			items = append(items, failure(n, fmt.Sprintf("u%d-%d@example.com", n, i), bounce.UserUnknown, func(it *facts.Item) { it.Message.UID = uint32(100*n + i + 1) }))
		}
		return items
	}
	for _, n := range []int{0, 1, 2} {
		commit(t, db, day(n, 10)...)
	}
	commit(t, db, day(12, 25)...)
	windows := func() []policy.Window {
		found, _, err := judge.ReadWindows(t.Context(), db.DB.Read)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := windows(); len(got) != 0 {
		t.Fatalf("25 where 10 are usual: %+v", got)
	}
	for n := 3; n <= 8; n++ {
		commit(t, db, day(n, 1)...)
	}
	got := windows()
	if len(got) != 1 || got[0].Peak != 25 || got[0].Baseline != 1 {
		t.Fatalf("25 where 1 is usual: %+v", got)
	}
	before := image(t, db)
	if _, _, err := db.Recompute(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := image(t, db); after != before {
		t.Error(cmp.Diff(before, after))
	}
}

func TestReplay(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	commit(t, db, failure(0, "gone@example.net", bounce.UserUnknown), failure(1, "full@example.net", bounce.MailboxFull),
		failure(2, "odd@example.net", bounce.Unclassified))
	before := image(t, db)
	never, once := false, 1
	tab, err := policy.Table{}.With("", "user_unknown", policy.Patch{Suppress: &never}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if tab, err = tab.With("", "mailbox_full", policy.Patch{After: &once}, "test"); err != nil {
		t.Fatal(err)
	}
	d, err := db.Judge.Replay(ctx, judge.Scenario{Policy: tab, Now: epoch.AddDate(0, 0, 9)})
	if err != nil || len(d.Changes) != 2 || d.Changes[0].Key != "full@example.net" || d.Changes[0].Op != "add" ||
		d.Changes[1].Key != "gone@example.net" || d.Changes[1].Op != "remove" {
		t.Fatalf("other policy: %+v %v", d, err)
	}
	if d, err = db.Judge.Replay(ctx, judge.Scenario{Now: epoch.AddDate(3, 0, 0)}); err != nil || len(d.Changes) != 1 || d.Changes[0].Op != "remove" {
		t.Fatalf("in three years: %+v %v", d, err)
	}
	understood := func(res *parse.Result, r *parse.Recipient) {
		if r.Reason == bounce.Unclassified {
			r.Reason, r.Rule, r.Confidence, res.Rules = bounce.UserUnknown, "new.rule", bounce.ByRule, "test.2"
		}
	}
	if d, err = db.Judge.Replay(ctx, judge.Scenario{Meaning: understood}); err != nil || d.Revised != 1 || len(d.Changes) != 1 || d.Changes[0].Key != "odd@example.net" {
		t.Fatalf("other rules: %+v %v", d, err)
	}
	if image(t, db) != before {
		t.Fatal("a replay wrote something")
	}
	revised, out, err := db.Recompute(ctx, understood)
	if err != nil || revised != 1 || out.Added != 1 {
		t.Fatalf("reclassified: %d %+v %v", revised, out, err)
	}
	x, err := db.List.Explain(ctx, "odd@example.net", nil)
	if err != nil || x.State != policy.Suppressed || x.Events[0].Rule != "new.rule" || x.Events[0].Fault != bounce.FaultRecipient || x.Events[0].RulePack != "test.2" {
		t.Fatalf("explain: %+v %v", x, err)
	}
}

// A database follows its configuration: who forgot to name his domains at
// first, or changes the policy, gets the list that he would have had.
func TestListFollowsConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	use := func(o Options, f func(*DB)) {
		o.Now = func() time.Time { return epoch.AddDate(0, 0, 9) }
		db, err := Open(context.Background(), path, o)
		if err == nil {
			err = db.Judge.Follow(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
		f(db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(want int) func(*DB) {
		return func(db *DB) {
			t.Helper()
			if got := listed(t, db, query.Filter{}); len(got) != want {
				t.Errorf("got %d rows, want %d", len(got), want)
			}
		}
	}
	use(Options{Own: []string{"other.example"}}, func(db *DB) {
		if out := commit(t, db, failure(0, "gone@example.net", bounce.UserUnknown), failure(1, "spf@example.net", bounce.AuthSPF)); out.Added != 0 {
			t.Errorf("nothing is proven: %+v", out)
		}
	})
	use(Options{Own: []string{"example.org"}}, rows(1))
	two := 2
	tab, err := policy.Table{}.With("", "user_unknown", policy.Patch{After: &two}, "test")
	if err != nil {
		t.Fatal(err)
	}
	use(Options{Own: []string{"example.org"}, Policy: tab}, rows(0))
	use(Options{Own: []string{"example.org"}}, rows(1))
	use(Options{Own: []string{"example.org", "example.net"}}, rows(0))
}

// Recompute reads all stored events anew.
func (db *DB) Recompute(ctx context.Context, meaning facts.Meaning) (int, facts.Outcome, error) {
	a, err := db.Judge.Recompute(ctx, judge.Scenario{Meaning: meaning}, "test", "test", judge.Reach{Events: true})
	return a.Revised, a.Outcome, err
}

package store

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"harvester/parse/bounce"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// Whatever line changes, following it by what falls under it leaves nothing
// for a walk over all addresses to find.
func TestFollowingALineIsFollowingAll(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		db := openTest(t, Options{Now: func() time.Time { return epoch.AddDate(0, 0, 50) }}) // the last message came in before
		items := drawItems(rt)
		for i := range items {
			items[i].Message.UID = uint32(i + 1)
		}
		commit(t, db, items...)
		for _, o := range drawActs(rt) {
			if _, err := db.Judge.Override(ctx, o); err != nil {
				rt.Fatal(err)
			}
		}
		for range 2 {
			lines := db.Judge.Ours.Policy.Lines("")
			l := rapid.SampledFrom(lines).Draw(rt, "line")
			after, expires := rapid.IntRange(1, 3).Draw(rt, "after"), policy.Days(rapid.IntRange(1, 90).Draw(rt, "expires"))
			stream := rapid.SampledFrom([]string{"", "news"}).Draw(rt, "stream")
			none := policy.Span(0)
			tab, err := db.Judge.Ours.Policy.With(stream, l.Name, policy.Patch{After: &after, Expires: &expires, Within: &none, DistinctDays: new(int), Grow: &none}, "test")
			if err != nil {
				rt.Fatal(err)
			}
			db.Judge.Ours.Policy = tab
			if err := db.Judge.Follow(ctx); err != nil {
				rt.Fatal(err)
			}
			before := image(t, db)
			a, err := db.Judge.Recompute(ctx, judge.Scenario{}, "test", "test", judge.Reach{})
			if err != nil || a.Added+a.Removed+a.Held != 0 || image(t, db) != before {
				rt.Fatalf("after %s of stream %q: %+v %v", l.Name, stream, a, err)
			}
		}
	})
}

// A changed line is followed without looking at what doesn't fall under it:
// what somebody damaged there stays for a walk over all to heal.
func TestFollowingLooksAtNoMore(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{Now: func() time.Time { return epoch.AddDate(0, 0, 9) }})
	commit(t, db, failure(0, "gone@example.net", bounce.UserUnknown), failure(1, "full@example.net", bounce.MailboxFull))
	if _, err := db.Write.Exec(`DELETE FROM suppressions`); err != nil {
		t.Fatal(err)
	}
	once := 1
	tab, err := policy.Table{}.With("", "mailbox_full", policy.Patch{After: &once}, "test")
	if err != nil {
		t.Fatal(err)
	}
	db.Judge.Ours.Policy = tab
	if err := db.Judge.Follow(ctx); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 1 || got[0].Address != "full@example.net" {
		t.Errorf("after the line of full mailboxes changed: %+v", got)
	}
	if a, err := db.Judge.Recompute(ctx, judge.Scenario{}, "test", "test", judge.Reach{}); err != nil || a.Added != 1 {
		t.Errorf("all anew: %+v %v", a, err)
	}
}

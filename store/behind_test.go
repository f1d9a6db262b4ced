package store

import (
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// The address that we mailed may be a list of ten with one dead member: its
// failures count by a line of their own, and a delivery forgets them.
func TestFailuresBehindAnAddress(t *testing.T) {
	db := openTest(t, Options{})
	behind := func(it *facts.Item) {
		it.Result.Recipients[0].Behind, it.Result.Recipients[0].Class = "gone@example.com", bounce.ClassSoft
	}
	commit(t, db, failure(0, "team@example.net", bounce.UserUnknown, behind), failure(1, "team@example.net", bounce.UserUnknown, behind))
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Fatalf("after two: %+v", got)
	}
	commit(t, db, failure(2, "team@example.net", bounce.UserUnknown, behind))
	got := listed(t, db, query.Filter{})
	if len(got) != 1 || got[0].Class != bounce.ClassSoft || got[0].Expires.IsZero() || got[0].Expires.Sub(got[0].LastSeen) != policy.Days(30).Of() {
		t.Fatalf("after three: %+v", got)
	}
	x, err := db.List.Explain(t.Context(), "team@example.net", nil)
	if err != nil || x.Events[0].Behind != "gone@example.com" || x.Events[0].Line != "behind" {
		t.Errorf("explain: %+v %v", x.Events, err)
	}
}

// A clause that was not understood makes a verdict wait for a second failure,
// as one that a code alone gives.
func TestUnreadClauseWaits(t *testing.T) {
	db := openTest(t, Options{})
	unread := func(it *facts.Item) { it.Result.Recipients[0].Unread = "but only on Tuesdays" }
	commit(t, db, failure(0, "maybe@example.net", bounce.UserUnknown, unread))
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Fatalf("after one: %+v", got)
	}
	commit(t, db, failure(3, "maybe@example.net", bounce.UserUnknown, unread))
	if got := listed(t, db, query.Filter{}); len(got) != 1 {
		t.Fatalf("after two: %+v", got)
	}
}

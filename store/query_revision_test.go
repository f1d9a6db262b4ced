package store

import (
	"context"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/query"
)

// A bounce that comes in days after its mail was sent revises the day of
// sending, once; so does a notice that was harvested late.
func TestRevisions(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	day := func(n int) time.Time { return epoch.Truncate(24*time.Hour).AddDate(0, 0, n) }
	report := func(n int) {
		t.Helper()
		c.t = day(n + 1).Add(6 * time.Hour)
		id, err := db.Runs.BeginRun(ctx, job.Report.Alone())
		if err == nil {
			err = db.Runs.EndRun(ctx, id, "", nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	store := func(harvested time.Time, it facts.Item) {
		t.Helper()
		c.t = harvested
		commit(t, db, it)
	}
	arrived := func(at time.Time) func(*facts.Item) {
		return func(it *facts.Item) { it.Result.Arrival = parse.Time{Time: at} }
	}
	facts := func(n int) map[string][2]int {
		t.Helper()
		f, err := db.Reports.ReportFacts(ctx, midnightsTo(14, day(n+1)))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string][2]int{}
		for _, r := range f.Revisions {
			if was, now := r.Was[bounce.ClassHard], r.Now[bounce.ClassHard]; was != now {
				out[r.From.Format(time.DateOnly)] = [2]int{was, now}
			}
		}
		return out
	}
	store(day(0).Add(9*time.Hour), failure(0, "a@example.net", bounce.UserUnknown))
	if got := facts(0); len(got) > 0 {
		t.Errorf("the first report revises %v", got)
	}
	report(0)
	store(day(1).Add(9*time.Hour), failure(1, "b@example.net", bounce.UserUnknown, arrived(day(0).Add(8*time.Hour))))
	store(day(1).Add(10*time.Hour), failure(1, "c@example.net", bounce.UserUnknown, arrived(day(-300))))
	if got := facts(1); len(got) != 1 || got["2026-03-02"] != [2]int{1, 2} {
		t.Errorf("day 1 revises %v", got)
	}
	// Stored after midnight and before the report was made, it is told by that.
	store(day(2).Add(time.Hour), failure(1, "d@example.net", bounce.UserUnknown))
	report(1)
	if got := facts(2); len(got) > 0 {
		t.Errorf("day 2 revises %v", got)
	}
	store(day(2).Add(20*time.Hour), failure(0, "e@example.net", bounce.UserUnknown))
	if got := facts(2); len(got) != 1 || got["2026-03-02"] != [2]int{2, 3} {
		t.Errorf("day 2 revises %v", got)
	}
	report(2)
	if got := facts(3); len(got) > 0 {
		t.Errorf("day 3 revises %v", got)
	}
	if got := facts(1); len(got) != 1 || got["2026-03-02"] != [2]int{1, 2} {
		t.Errorf("later, day 1 revises %v", got)
	}
}

func TestReportFactsByStream(t *testing.T) {
	db := openTest(t, Options{})
	from := func(sender string) func(*facts.Item) {
		return func(it *facts.Item) { it.Result.Original.From = sender }
	}
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown), failure(0, "b@example.net", bounce.MailboxFull, from("shop@example.org")),
		failure(0, "c@example.net", bounce.Unclassified, from("shop@example.org"), func(it *facts.Item) {
			it.Result.Kind, it.Result.Recipients[0].Action = bounce.KindComplaint, bounce.ActionNone
		}))
	f, err := db.Reports.ReportFacts(context.Background(), midnightsTo(2, epoch.Truncate(24*time.Hour).AddDate(0, 0, 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := []query.StreamCount{{Stream: "news@example.org", Kind: bounce.KindBounce, Reason: bounce.UserUnknown, N: 1}, {Stream: "shop@example.org", Kind: bounce.KindBounce, Reason: bounce.MailboxFull, N: 1},
		{Stream: "shop@example.org", Kind: bounce.KindComplaint, Reason: bounce.Unclassified, N: 1}}
	if len(f.Today.Streams) != len(want) {
		t.Fatalf("got %+v", f.Today.Streams)
	}
	for i, w := range want {
		if f.Today.Streams[i] != w {
			t.Errorf("got %+v, want %+v", f.Today.Streams[i], w)
		}
	}
}

// midnightsTo are the ends of n days, the last of which ends at to.
func midnightsTo(n int, to time.Time) (out []time.Time) {
	for back := n; back >= 0; back-- {
		out = append(out, to.AddDate(0, 0, -back))
	}
	return out
}

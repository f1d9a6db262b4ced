package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/envelope"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
)

// many are notices about distinct recipients, all on one day.
func many(day, from, n int, reason bounce.Reason, change ...func(*facts.Item)) []facts.Item {
	var out []facts.Item
	for i := range n {
		to := fmt.Sprintf("user%d@d%d.example.net", from+i, from+i)
		it := failure(day, to, reason, change...)
		it.Message.UID = uint32(1000*day + from + i + 1)
		out = append(out, it)
	}
	return out
}

func level(t testing.TB, db *DB, stream string) judge.Rate {
	t.Helper()
	if _, _, err := db.Rates.UpdateRates(context.Background()); err != nil {
		t.Fatal(err)
	}
	r, err := db.Rates.Rate(context.Background(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sentOn(t testing.TB, db *DB, day int, stream string, n int) {
	t.Helper()
	if err := db.Volumes.RecordCounts(context.Background(), []facts.Count{{Day: epoch.AddDate(0, 0, day), Stream: stream, Source: "esp", Sent: n}}); err != nil {
		t.Fatal(err)
	}
}

func TestRate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		sent, hard int
		want       policy.Level
	}{
		{"a small list", 60, 3, policy.Fine},
		{"a real problem", 1200, 60, policy.Paused},
		{"no denominator", 0, 60, policy.Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := openTest(t, Options{Now: func() time.Time { return epoch.Add(time.Hour) }})
			if tt.sent > 0 {
				sentOn(t, db, 0, "", tt.sent)
			}
			commit(t, db, many(0, 0, tt.hard, bounce.UserUnknown)...)
			if r := level(t, db, judge.AllStreams); r.Level != tt.want || r.Hard != tt.hard || (r.Sent == nil) != (tt.sent == 0) {
				t.Errorf("got %+v", r)
			}
			was := level(t, db, judge.AllStreams)
			forged := many(0, 5000, 500, bounce.UserUnknown, func(it *facts.Item) { it.Result.Original = parse.Original{} })
			commit(t, db, forged...)
			if r := level(t, db, judge.AllStreams); r.Level != was.Level || r.Hard != was.Hard || r.Why != was.Why {
				t.Errorf("500 forged notices make %+v of %+v", r, was)
			}
		})
	}
}

// Only distinct recipients that failed for good count, for the stream that
// sent, within seven days; faults of our own and opt-outs do not.
func TestRateCounts(t *testing.T) {
	now := &clock{epoch.AddDate(0, 0, 6)}
	list := func(id string) func(*facts.Item) { return func(it *facts.Item) { it.Result.Original.ListID = id } }
	complain := func(kind bounce.Kind, feedback string) func(*facts.Item) {
		return func(it *facts.Item) { it.Result.Kind, it.Result.FeedbackType = kind, feedback }
	}
	db := openTest(t, Options{Now: now.now, Streams: []facts.Stream{
		{Name: "news", ListIDs: []string{"news.example.org"}},
		{Name: "shop", ListIDs: []string{"shop.example.org"}, Limits: policy.RateLimits{Least: 10, Warn: 0.2, Pause: 0.5, ComplaintsWarn: 0.01, ComplaintsPause: 0.1}},
	}})
	sentOn(t, db, 0, "news", 3000)
	sentOn(t, db, 3, "news", 2000)
	sentOn(t, db, 3, "news", 1000) // a correction
	sentOn(t, db, 3, "shop", 100)
	news := list("news.example.org")
	commit(t, db, many(0, 0, 10, bounce.UserUnknown, news)...)
	commit(t, db, many(3, 5, 10, bounce.MailboxDisabled, news)...) // five of them again
	commit(t, db, many(3, 50, 90, bounce.AuthSPF, news)...)
	commit(t, db, many(3, 200, 90, bounce.MailboxFull, news)...)
	commit(t, db, many(4, 300, 7, bounce.Unclassified, news, complain(bounce.KindComplaint, "abuse"))...)
	commit(t, db, many(4, 400, 7, bounce.Unclassified, news, complain(bounce.KindComplaint, "opt-out"))...)
	commit(t, db, many(4, 500, 7, bounce.Unclassified, news, complain(bounce.KindUnsubscribe, ""))...)
	commit(t, db, many(4, 600, 30, bounce.UserUnknown, list("shop.example.org"))...)
	r := level(t, db, "news")
	if r.Hard != 15 || r.Complaints != 7 || *r.Sent != 4000 || r.Level != policy.Warned {
		t.Errorf("news: %+v (%d)", r, *r.Sent)
	}
	if r = level(t, db, "shop"); r.Hard != 30 || *r.Sent != 100 || r.Level != policy.Warned || r.Limits.Pause != 0.5 {
		t.Errorf("shop: %+v", r)
	}
	now.t = now.t.AddDate(0, 0, 1) // the first day leaves the window
	if r = level(t, db, "news"); r.Hard != 10 || *r.Sent != 1000 {
		t.Errorf("a day later: %+v", r)
	}
	if _, err := db.Rates.Rate(context.Background(), "other"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// An operator who releases a stream starts it anew, and once: the next failures
// can pause it again.
func TestResume(t *testing.T) {
	ctx := context.Background()
	now := &clock{epoch.Add(time.Hour)}
	db := openTest(t, Options{Now: now.now})
	if err := db.Rates.Resume(ctx, judge.AllStreams, "r", "a"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("nothing is paused: %v", err)
	}
	sentOn(t, db, 0, "", 1200)
	commit(t, db, many(0, 0, 60, bounce.UserUnknown)...)
	if r := level(t, db, judge.AllStreams); r.Level != policy.Paused || r.Since.IsZero() {
		t.Fatalf("got %+v", r)
	}
	now.t = now.t.Add(time.Hour)
	if err := db.Rates.Resume(ctx, judge.AllStreams, "the list is clean now", "kate"); err != nil {
		t.Fatal(err)
	}
	if r := level(t, db, judge.AllStreams); r.Level != policy.Fine || r.Hard != 0 || r.Author != "kate" {
		t.Errorf("released: %+v", r)
	}
	now.t = epoch.AddDate(0, 0, 1).Add(time.Hour)
	commit(t, db, many(1, 100, 70, bounce.UserUnknown)...)
	_, changed, err := db.Rates.UpdateRates(ctx)
	if err != nil || len(changed) != 1 || changed[0].Level != policy.Paused {
		t.Errorf("changed: %+v %v", changed, err)
	}
	if _, changed, err = db.Rates.UpdateRates(ctx); err != nil || len(changed) != 0 {
		t.Errorf("changed once more: %+v %v", changed, err)
	}
	if past, err := db.Rates.RatesAt(ctx, epoch.Add(90*time.Minute)); err != nil || past[0].Level != policy.Paused || past[0].Hard != 60 {
		t.Errorf("as of then: %+v %v", past, err)
	}
}

// The ledger counts each mail once; a count of the same day replaces its own.
func TestLedgerCounts(t *testing.T) {
	ctx := context.Background()
	now := func() time.Time { return epoch.AddDate(0, 0, 1) }
	db := openTest(t, Options{Now: now})
	row := func(n int, at time.Time) facts.Sent {
		return facts.Sent{MessageID: fmt.Sprintf("m%d", n), Recipient: "jane@example.net", At: at}
	}
	for range 2 {
		if _, _, err := db.Judge.RecordSent(ctx, sentRows(row(1, epoch), row(2, epoch), row(2, epoch), row(3, now()))); err != nil {
			t.Fatal(err)
		}
	}
	if r := level(t, db, judge.AllStreams); *r.Sent != 3 {
		t.Errorf("the ledger holds %d mails", *r.Sent)
	}
	for range 2 { // no row is kept that would know it
		if _, _, err := db.Judge.RecordSent(ctx, sentRows(row(4, now().Add(-facts.LedgerTime-time.Hour)))); err != nil {
			t.Fatal(err)
		}
	}
	if counts, err := db.Volumes.Counts(ctx, now().AddDate(-1, 0, 0)); err != nil || len(counts) != 2 {
		t.Errorf("what is too old is counted: %+v, %v", counts, err)
	}
	sentOn(t, db, 0, "", 500)
	if r := level(t, db, judge.AllStreams); *r.Sent != 501 {
		t.Errorf("with a count: %d", *r.Sent)
	}
	if err := db.Volumes.RecordCounts(ctx, []facts.Count{{Day: epoch, Source: "esp", Sent: -1}}); err == nil {
		t.Error("a negative count is stored")
	}
}

// The report says on what proof the day's verdicts rest, and how many notices
// came to forged return paths; its rates are those of the day's end.
func TestReportOfProofs(t *testing.T) {
	ctx := context.Background()
	now := &clock{epoch.AddDate(0, 0, 1)}
	db := openTest(t, Options{Now: now.now, ReturnPaths: []*envelope.VERP{shaped(t)}})
	if _, _, err := db.Judge.RecordSent(ctx, sentRows(facts.Sent{MessageID: "m1", Recipient: "kate@example.com", At: epoch})); err != nil {
		t.Fatal(err)
	}
	path, err := shaped(t).Sign("jane@example.net", epoch)
	if err != nil {
		t.Fatal(err)
	}
	bare := func(path, id string) func(*facts.Item) {
		return func(it *facts.Item) {
			it.Result.DeliveredTo, it.Result.Original = path, parse.Original{MessageID: id}
		}
	}
	commit(t, db, failure(0, "jane@example.net", bounce.UserUnknown, bare(path, "")), failure(0, "kate@example.com", bounce.UserUnknown, bare("", "m1")),
		failure(0, "mary@example.net", bounce.UserUnknown), failure(0, "zoe@example.net", bounce.UserUnknown),
		failure(0, "x@example.net", bounce.UserUnknown, bare("b-20550-0123456789ab-x=example.net@bounces.example.org", "")),
		failure(0, "y@example.net", bounce.UserUnknown, bare("", "")))
	midnight := epoch.Truncate(24 * time.Hour)
	f, err := db.Reports.ReportFacts(ctx, []time.Time{midnight, midnight.AddDate(0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Today.Proofs, f.Today.Unproven, f.Today.Forged); got != "[{signed 1} {ledger 1} {returned 2}] 2 1" {
		t.Errorf("got %s", got)
	}
	if len(f.Rates) != 1 || *f.Rates[0].Sent != 1 || f.Rates[0].Hard != 4 || !f.Rates[0].To.Before(now.t) {
		t.Errorf("rates: %+v", f.Rates)
	}
}

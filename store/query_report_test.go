package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

// midnights of n days, the last of which is the epoch's day in UTC.
func midnights(n int) []time.Time {
	var out []time.Time
	for back := n - 1; back >= -1; back-- {
		out = append(out, epoch.Truncate(24*time.Hour).AddDate(0, 0, -back))
	}
	return out
}

func TestReportFacts(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := db.Runs.BeginRun(ctx, job.Harvest.Of("bounces"))
	must(err)
	must(db.Runs.EndRun(ctx, id, "2 messages", nil))
	if f, err := db.Reports.ReportFacts(ctx, midnights(3)); err != nil || !f.Since.IsZero() || f.Before != nil || f.Today.Kinds[bounce.KindBounce] != 0 {
		t.Fatalf("an empty database: %+v, %v", f, err)
	}
	blocked := func(it *facts.Item) {
		r := &it.Result.Recipients[0]
		r.Status, r.Vendor, r.Diagnostic, r.Fault, r.Class = "5.7.1", "microsoft", "block list (S3140)", r.Reason.Fault(), r.Reason.Class(bounce.Failed)
	}
	stranger := func(it *facts.Item) { it.Result.Original.From = "x@example.com" }
	commit(t, db,
		failure(-1, "old@example.com", bounce.UserUnknown),
		failure(0, "a@example.com", bounce.UserUnknown), failure(0, "b@example.net", bounce.UserUnknown), failure(0, "c@example.net", bounce.UserUnknown, stranger),
		failure(0, "d@example.com", bounce.ReputationIP, blocked), failure(0, "e@example.com", bounce.ReputationIP, blocked))
	c.t = epoch.Add(time.Hour)
	id, err = db.Runs.BeginRun(ctx, job.Harvest.Of("bounces"))
	must(err)
	must(db.Runs.EndRun(ctx, id, "", errors.New("no route")))
	_, err = db.Exports.RecordExport(ctx, facts.Export{Name: "list", Profile: "csv", Rows: 3})
	must(err)
	_, err = db.Exports.RecordExport(ctx, facts.Export{Name: "list", Profile: "csv", Rows: 9, Withheld: true, Why: "too many"})
	must(err)
	// What happens later is no part of the day.
	c.t = epoch.AddDate(0, 0, 2)
	commit(t, db, failure(1, "later@example.com", bounce.UserUnknown))

	f, err := db.Reports.ReportFacts(ctx, midnights(3))
	must(err)
	if n := f.Today.Failed; n[bounce.UserUnknown] != 3 || n[bounce.ReputationIP] != 2 || f.Today.Kinds[bounce.KindBounce] != 5 || f.Today.Unproven != 1 {
		t.Errorf("today: %+v", f.Today)
	}
	if len(f.Before) != 1 || f.Before[0].Failed[bounce.UserUnknown] != 1 || !f.Since.Equal(epoch.AddDate(0, 0, -1)) {
		t.Errorf("before: %+v since %v", f.Before, f.Since)
	}
	if f.Today.Added != 3 || f.Today.InForce != 3 || len(f.Today.Changes) != 3 || f.Today.Changes[0].Domain() == "" {
		t.Errorf("list: added %d, in force %d, %+v", f.Today.Added, f.Today.InForce, f.Today.Changes)
	}
	wantReasons := []query.ReasonCount{
		{Reason: bounce.UserUnknown, Status: "5.1.1", N: 3, Domains: 2, Sample: "550 5.1.1 no such user"},
		{Reason: bounce.ReputationIP, Status: "5.7.1", N: 2, Domains: 1, Sample: "block list (S3140)"},
	}
	if d := cmp.Diff(wantReasons, f.Today.Reasons); d != "" {
		t.Error(d)
	}
	if r := f.Today.Refusals; len(r) != 1 || r[0].N != 2 || r[0].Vendor != "microsoft" || !r[0].First.Equal(epoch) {
		t.Errorf("refusals: %+v", r)
	}
	wantJobs := []query.JobFacts{{Job: job.Harvest.Of("bounces"), Last: epoch.Add(time.Hour), LastOK: epoch, Detail: "no route", Failing: true, Runs: 2, Failures: 1}}
	if d := cmp.Diff(wantJobs, f.Jobs); d != "" {
		t.Error(d)
	}
	wantExports := []query.ExportFacts{{Name: "list", Profile: "csv", Generation: 1, At: epoch.Add(time.Hour), Rows: 3, Withheld: true, Why: "too many"}}
	if d := cmp.Diff(wantExports, f.Exports); d != "" {
		t.Error(d)
	}
	if _, err := db.Reports.ReportFacts(ctx, nil); err == nil {
		t.Error("a day without ends was accepted")
	}
}

// What an operator allowed is told, as often as it would have been listed.
func TestReportFactsCountWhatIsAllowed(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	for _, o := range []policy.Override{{Act: policy.Allow, Pattern: "@partner.example"}, {Act: policy.Allow, Pattern: "b@example.net"}, {Act: policy.Undo, Target: 2}} {
		o.Reason, o.Author = "a partner", "ops"
		if _, err := db.Judge.Override(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	c.t = epoch.AddDate(0, 0, 2)
	commit(t, db, failure(0, "a@partner.example", bounce.UserUnknown), failure(0, "b@example.net", bounce.UserUnknown), failure(0, "c@partner.example", bounce.AuthSPF),
		failure(1, "d@partner.example", bounce.UserUnknown))
	day := epoch.Truncate(24 * time.Hour)
	f, err := db.Reports.ReportFacts(ctx, []time.Time{day, day.AddDate(0, 0, 1)})
	if err != nil || f.Today.Allowed != 1 {
		t.Fatalf("allowed %d, %v", f.Today.Allowed, err)
	}
}

// What is held and what is allowed is told as it stood at the end of the day,
// whatever was decided since.
func TestReportFactsOfAPastDay(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var burst []facts.Item
	for i := range 40 { // many at one receiver at once look like an outage there
		burst = append(burst, failure(0, fmt.Sprintf("user%d@example.com", i), bounce.UserUnknown))
	}
	commit(t, db, burst...)
	day := epoch.Truncate(24 * time.Hour)
	midnights := []time.Time{day, day.AddDate(0, 0, 1)}
	then, err := db.Reports.ReportFacts(ctx, midnights)
	must(err)
	if then.Today.Held == 0 {
		t.Fatal("nothing is held")
	}
	c.t = epoch.AddDate(0, 0, 1).Add(time.Hour)
	holds, err := db.Reports.Holds(ctx, time.Time{})
	must(err)
	for _, h := range holds {
		_, err := db.Judge.Rule(ctx, h.Kind, h.Subject, h.Start, true, "it was no outage", "ops")
		must(err)
	}
	_, err = db.Judge.Override(ctx, policy.Override{Act: policy.Allow, Pattern: "user1@example.com", Reason: "a partner", Author: "ops"})
	must(err)
	now, err := db.Reports.ReportFacts(ctx, midnights)
	must(err)
	if now.Today.Held != then.Today.Held || now.Today.Allowed != 0 || now.Today.InForce != then.Today.InForce {
		t.Errorf("held %d, allowed %d, in force %d; on the day itself %d, 0, %d", now.Today.Held, now.Today.Allowed, now.Today.InForce, then.Today.Held, then.Today.InForce)
	}
	today, err := db.Reports.ReportFacts(ctx, []time.Time{day.AddDate(0, 0, 1), day.AddDate(0, 0, 2)})
	must(err)
	if today.Today.Held != 0 || today.Today.InForce == 0 {
		t.Errorf("held %d, in force %d", today.Today.Held, today.Today.InForce)
	}
}

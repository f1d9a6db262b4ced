package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// dead are n addresses, each at a domain and operator of its own, that failed
// for good on the day.
func dead(prefix string, day, n int) []facts.Item {
	var out []facts.Item
	for i := range n {
		it := failure(day, fmt.Sprintf("x@%s%d.example", prefix, i), bounce.UserUnknown, func(it *facts.Item) { it.Result.Recipients[0].RemoteMTA = "" })
		it.Message.UID = uint32(100000*day + i)
		it.Message.Raw = append(it.Message.Raw, prefix...)
		out = append(out, it)
	}
	return out
}

// A rule that suddenly condemns half of the list stops the exports, says why,
// and lets them go on once an operator has looked.
func TestGuard(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 1, 0)}
	db := openTest(t, Options{Now: c.now, Synchronised: kept, Limits: judge.Limits{Added: 200, Gone: 200}})
	commit(t, db, dead("old", 0, 1000)...)
	if err := db.Guard.MayExport(ctx); err != nil {
		t.Fatalf("before the first export there is nothing to protect: %v", err)
	}
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 1000, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(2 * time.Hour)
	commit(t, db, dead("some", 1, 150)...)
	if err := db.Guard.MayExport(ctx); err != nil {
		t.Fatalf("150 of 1000 are fine: %v", err)
	}
	c.t = c.t.Add(2 * time.Hour)
	commit(t, db, dead("wrong", 2, 300)...)
	if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) || !strings.Contains(err.Error(), "300 new suppressions within an hour on a list of 1150 (limit 230)") {
		t.Fatalf("got %v", err)
	}
	c.t = c.t.Add(48 * time.Hour)
	if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) {
		t.Fatalf("it releases itself: %v", err)
	}
	if err := db.Guard.Release(ctx, "", "ops"); err == nil {
		t.Error("released without a reason")
	}
	if err := db.Guard.Release(ctx, "they are really dead", "ops"); err != nil {
		t.Fatal(err)
	}
	if err := db.Guard.Release(ctx, "again", "ops"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	commit(t, db, dead("more", 3, 50)...)
	if err := db.Guard.MayExport(ctx); err != nil {
		t.Fatalf("what was released counts again: %v", err)
	}
	// All of it falls away at once.
	c.t = c.t.Add(2 * time.Hour)
	var back []facts.Item
	for _, it := range dead("old", 0, 400) {
		it.Message.Raw, it.Message.Received = append(it.Message.Raw, "delivered"...), c.t
		it.Result.Kind, it.Result.Recipients[0].Action = bounce.KindDelivered, bounce.Delivered
		it.Result.Provenance.Host = "mx.example.org"
		back = append(back, it)
	}
	commit(t, db, back...)
	if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) || !strings.Contains(err.Error(), "400 suppressions fell away") || !strings.Contains(err.Error(), "400 suppressions lifted by notices of success") {
		t.Fatalf("got %v", err)
	}
	if trips, err := db.Guard.Trips(ctx); err != nil || len(trips) != 2 || trips[0].Author != "ops" || trips[0].Acked.IsZero() {
		t.Errorf("history: %+v %v", trips, err)
	}
}

// Notices of success lift a few at a time, however few of the list they are.
func TestGuardOnLifting(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 1, 0)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, dead("old", 0, 300)...)
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 300, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(2 * time.Hour)
	back := dead("old", 0, 300)
	for i := range back {
		it := &back[i]
		it.Message.Raw, it.Message.Received = append(it.Message.Raw, "delivered"...), c.t
		it.Result.Kind, it.Result.Recipients[0].Action = bounce.KindDelivered, bounce.Delivered
		it.Result.Provenance.Host = "mx.example.org"
	}
	if out := commit(t, db, back[:25]...); out.Removed != 25 {
		t.Fatalf("got %+v", out)
	}
	if err := db.Guard.MayExport(ctx); err != nil {
		t.Fatalf("25 are fine: %v", err)
	}
	commit(t, db, back[25:26]...)
	if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) || !strings.Contains(err.Error(), "26 suppressions lifted by notices of success within an hour from a list of 300 (limit 25)") {
		t.Fatalf("got %v", err)
	}
}

// A clock three years ahead expires nothing and leaves the files as they are;
// once it is right again the list is what it was, and exports go on. Where an
// operator says that it is right, what expires at once is a change like others.
func TestGuardOnClock(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 1)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, dead("old", 0, 300)...)
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 300, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	refresh := func(removed int) {
		t.Helper()
		if out, err := db.Judge.Refresh(ctx); err != nil || out.Removed != removed {
			t.Fatalf("got %+v %v", out, err)
		}
	}
	stopped := func(why string) {
		t.Helper()
		if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) || !strings.Contains(err.Error(), why) {
			t.Fatalf("got %v, want %q", err, why)
		}
	}
	refresh(0)
	right := c.t
	for _, wrong := range []time.Time{right.AddDate(3, 0, 0), right.AddDate(-3, 0, 0)} {
		c.t = wrong
		refresh(0)
		stopped("the clock says " + wrong.Format("2006-01-02"))
		// What comes in meanwhile is decided under the wrong time.
		again := dead("old", 0, 1)[0]
		again.Message.Raw = append(again.Message.Raw, wrong.String()...)
		again.Result.Original.MessageID = fmt.Sprintf("<%d@example.org>", wrong.Unix())
		commit(t, db, again)
		c.t = right
		refresh(0)
		if err := db.Guard.MayExport(ctx); err != nil {
			t.Fatalf("the clock is right again: %v", err)
		}
		if got := listed(t, db, query.Filter{}); len(got) != 300 {
			t.Fatalf("%d are left of 300 after %v", len(got), wrong)
		}
	}
	// The machine was off for a month: a new mail tells.
	c.t = c.t.AddDate(0, 1, 0)
	refresh(0)
	stopped("the clock says ")
	commit(t, db, dead("new", 31, 1)...)
	refresh(0)
	if err := db.Guard.MayExport(ctx); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.AddDate(3, 0, 0)
	refresh(0)
	stopped("the clock says ")
	if err := db.Guard.Release(ctx, "three years in a drawer", "ops"); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(time.Minute)
	refresh(0) // what expired is decided with what was stored under the wrong time
	stopped("301 suppressions fell away within an hour from a list of 301 (limit 250)")
}

// An operator can drop or release what a burst holds.
func TestHoldsAndRulings(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	var items []facts.Item
	for i := range 30 {
		it := failure(0, fmt.Sprintf("u%d@d%d.example", i, i), bounce.UserUnknown, func(it *facts.Item) { it.Result.Recipients[0].RemoteMTA = "aspmx.l.google.com" })
		it.Message.UID = uint32(i + 1)
		items = append(items, it)
	}
	if out := commit(t, db, items[:19]...); out.Added != 19 || out.Held != 0 {
		t.Fatalf("19 are no burst: %+v", out)
	}
	if out := commit(t, db, items[19:]...); out.Held != 30 || out.Added != 0 {
		t.Fatalf("the burst holds those before it too: %+v", out)
	}
	holds, err := db.Reports.Holds(ctx, time.Time{})
	if err != nil || len(holds) != 1 || holds[0].Subject != "google" || holds[0].Held != 30 || holds[0].Addresses != 30 {
		t.Fatalf("holds: %+v %v", holds, err)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Fatalf("held verdicts are on the list: %v", got)
	}
	x, err := db.List.Explain(ctx, "u3@d3.example", nil)
	if err != nil || x.State != policy.HeldBack || len(x.Listed) != 1 || !strings.Contains(x.Events[0].Why, "held") {
		t.Fatalf("explain: %+v %v", x, err)
	}
	if out, err := db.Judge.Rule(ctx, policy.Outage, "google", epoch, false, "their outage", "ops"); err != nil || out.Added != 0 {
		t.Fatal(out, err)
	}
	if holds, err = db.Reports.Holds(ctx, time.Time{}); err != nil || holds[0].Held != 0 || holds[0].Ruling != "drop" {
		t.Fatalf("dropped: %+v %v", holds, err)
	}
	if out, err := db.Judge.Rule(ctx, policy.Outage, "google", epoch, true, "no outage after all", "ops"); err != nil || out.Added != 30 {
		t.Fatal(out, err)
	}
	if _, err := db.Judge.Rule(ctx, policy.Outage, "nobody", epoch, true, "x", "ops"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// Our SPF record breaks for a day: many receivers, many wordings, one
// incident, nobody suppressed. So does a resolver that finds no domain.
func TestIncidentsFromEvents(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 1)}
	db := openTest(t, Options{Now: c.now})
	wordings := []struct {
		reason bounce.Reason
		text   string
	}{
		{bounce.AuthSPF, "550 5.7.23 SPF validation failed"},
		{bounce.AuthSPF, "550-5.7.26 SPF [example.org] with ip: [192.0.2.7] = did not pass"},
		{bounce.AuthFailed, "550 5.7.26 This mail is unauthenticated"},
		{bounce.AuthDMARC, "550 5.7.1 rejected by DMARC policy of example.org"},
	}
	var items []facts.Item
	for i := range 300 {
		w := wordings[i%len(wordings)]
		it := failure(0, fmt.Sprintf("u%d@d%d.example", i, i), w.reason, func(it *facts.Item) {
			it.Result.Recipients[0].RemoteMTA = ""
			it.Result.Recipients[0].Diagnostic = w.text
			if i%3 == 0 {
				it.Result.Original.ReturnPath = "bounces@b.example.org"
			}
		})
		it.Message.UID, it.Message.Received = uint32(i+1), epoch.Add(time.Duration(i)*time.Minute)
		items = append(items, it)
		it = failure(0, fmt.Sprintf("v%d@e%d.example", i, i), bounce.DomainUnknown, func(it *facts.Item) { it.Result.Recipients[0].RemoteMTA = "" })
		it.Message.UID, it.Message.Received = uint32(i+1000), epoch.Add(time.Duration(i)*time.Minute)
		items = append(items, it)
	}
	if out := commit(t, db, items...); out.Added+out.Held != 0 {
		t.Fatalf("somebody is suppressed for our own fault: %+v", out)
	}
	got, err := db.Incidents.Incidents(ctx, time.Time{})
	if err != nil || len(got) != 2 {
		t.Fatalf("incidents: %+v %v", got, err)
	}
	byID := map[string]query.Incident{}
	for _, in := range got {
		byID[in.ID] = in
	}
	spf, path := byID["spf:example.org"], byID["path.domain_unknown"]
	if spf.Count != 300 || len(spf.Receivers) != 300 || len(spf.Includes) != 2 || len(spf.Named) != 1 || spf.Named[0] != "192.0.2.7" ||
		len(spf.Cause.Steps) == 0 || len(spf.Hours) != 5 || !spf.Closed.IsZero() {
		t.Errorf("spf: %+v", spf)
	}
	if path.Count != 300 || len(path.Cause.Steps) == 0 {
		t.Errorf("path: %+v", path)
	}
	if err := db.Incidents.IncidentAct(ctx, "spf:example.org", "ack", "DNS was edited", "ops"); err != nil {
		t.Fatal(err)
	}
	if err := db.Incidents.IncidentAct(ctx, "spf:nowhere", "ack", "", "ops"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	c.t = epoch.AddDate(0, 0, 9)
	if got, err = db.Incidents.Incidents(ctx, c.t.AddDate(0, 0, -7)); err != nil || len(got) != 2 || got[0].Closed.IsZero() || got[1].Closed.IsZero() {
		t.Fatalf("quiet closes them: %+v %v", got, err)
	}
	again := failure(8, "w@f.example", bounce.AuthSPF)
	commit(t, db, again)
	if got, err = db.Incidents.Incidents(ctx, c.t); err != nil || len(got) != 1 || got[0].Earlier != 1 || got[0].Count != 1 {
		t.Fatalf("it is a new one with a history: %+v %v", got, err)
	}
}

// A run that goes on for hours is one change of the list, however slow; a run
// that a crash cut off is none.
func TestGuardCountsARun(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 1, 0)}
	db := openTest(t, Options{Now: c.now, Synchronised: kept, Limits: judge.Limits{Added: 200}})
	commit(t, db, dead("old", 0, 300)...)
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 300, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	slowly := func(prefix string) error {
		for i := range 3 {
			c.t = c.t.Add(2 * time.Hour)
			commit(t, db, dead(fmt.Sprint(prefix, i), i+1, 90)...)
		}
		return db.Guard.MayExport(ctx)
	}
	c.t = c.t.Add(2 * time.Hour)
	if err := slowly("quiet"); err != nil {
		t.Fatalf("90 each two hours, in no run: %v", err)
	}
	if _, err := db.Runs.BeginRun(ctx, job.Harvest.Of("crashed")); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(25 * time.Hour)
	run, err := db.Runs.BeginRun(ctx, job.Import.Alone())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Runs.EndRun(ctx, run, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := slowly("crashed"); err != nil {
		t.Fatalf("the run of yesterday is over: %v", err)
	}
	if _, err := db.Runs.BeginRun(ctx, job.Import.Alone()); err != nil {
		t.Fatal(err)
	}
	if err := slowly("run"); !errors.Is(err, engine.ErrStopped) || !strings.Contains(err.Error(), "270 new suppressions in the run since ") {
		t.Fatalf("got %v", err)
	}
}

// A delivery at a receiver that an incident hit closes it; one elsewhere, or
// one that nobody proved, does not.
func TestIncidentClosesBySuccess(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.Add(30 * time.Hour)}
	db := openTest(t, Options{Now: c.now})
	at := func(it facts.Item, hours int, mta string) facts.Item {
		it.Message.Received, it.Result.Recipients[0].RemoteMTA = epoch.Add(time.Duration(hours)*time.Hour), mta
		return it
	}
	delivered := func(it *facts.Item) {
		it.Result.Kind, it.Result.Recipients[0].Action = bounce.KindDelivered, bounce.Delivered
		it.Result.Provenance.Host = "mx.example.org"
	}
	forged := func(it *facts.Item) { delivered(it); it.Result.Provenance = parse.Provenance{} }
	commit(t, db, at(failure(0, "a@one.example", bounce.AuthSPF), 0, "mx.one.example"),
		at(failure(1, "a@two.example", bounce.AuthSPF, delivered), 5, "mx.two.example"), at(failure(2, "a@one.example", bounce.AuthSPF, forged), 6, "mx.one.example"))
	list, err := db.Incidents.Incidents(ctx, time.Time{})
	if err != nil || len(list) != 1 || !list[0].Closed.IsZero() {
		t.Fatalf("elsewhere and forged: %+v %v", list, err)
	}
	commit(t, db, at(failure(3, "b@one.example", bounce.AuthSPF, delivered), 7, "mx.one.example"))
	if list, err = db.Incidents.Incidents(ctx, time.Time{}); err != nil || len(list) != 1 || list[0].ClosedBy != "success" || !list[0].Closed.Equal(epoch.Add(19*time.Hour)) {
		t.Fatalf("at the receiver: %+v %v", list, err)
	}
	commit(t, db, at(failure(4, "c@one.example", bounce.AuthSPF), 28, "mx.one.example"))
	if list, err = db.Incidents.Incidents(ctx, time.Time{}); err != nil || len(list) != 2 || !list[0].Closed.IsZero() || list[0].Earlier != 1 {
		t.Fatalf("reopened: %+v %v", list, err)
	}
}

// kept is a clock that something keeps right.
func kept() (bool, error) { return true, nil }

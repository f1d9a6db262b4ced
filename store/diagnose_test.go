package store

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/facts"
)

func onList(t *testing.T, db *DB, address string) bool {
	t.Helper()
	x, err := db.List.Explain(context.Background(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x.State.String() == "suppressed"
}

// A domain that our own look-up finds alive, or has seen dead for less than a
// day, suppresses nobody; nor does a look-up ever suppress anybody by itself.
func TestOwnLookHoldsBack(t *testing.T) {
	c := &clock{epoch.AddDate(0, 0, 3)}
	db := openTest(t, Options{Now: c.now})
	ctx := context.Background()
	look := func(state string) {
		t.Helper()
		if _, err := db.Judge.KeepLife(ctx, []facts.DNSRecord{{Name: "gone.example.com.", Type: facts.LifeType, State: state}, {Name: "never.example.com.", Type: facts.LifeType, State: "nxdomain"}}); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, db, failure(0, "jane@gone.example.com", bounce.DomainUnknown), failure(1, "jane@gone.example.com", bounce.DomainUnknown),
		failure(2, "joe@never.example.com", bounce.DomainUnknown), failure(0, "ann@other.example.com", bounce.UserUnknown))
	if !onList(t, db, "jane@gone.example.com") {
		t.Fatal("without a look the policy decides")
	}
	for i, step := range []struct {
		after time.Duration
		state string
		want  bool
	}{
		{time.Hour, "found", false},         // it lives
		{time.Hour, "nxdomain", false},      // dead, on one day
		{6 * time.Hour, "nxdomain", false},  // still
		{20 * time.Hour, "nxdomain", true},  // on two
		{time.Hour, "found", false},         // registered again
		{24 * time.Hour, "nxdomain", false}, // from the beginning
		{25 * time.Hour, "nxdomain", true},
	} {
		c.t = c.t.Add(step.after)
		look(step.state)
		if got := onList(t, db, "jane@gone.example.com"); got != step.want {
			t.Errorf("step %d: listed %t", i, got)
		}
		if onList(t, db, "joe@never.example.com") {
			t.Errorf("step %d: a look suppressed somebody", i)
		}
		if !onList(t, db, "ann@other.example.com") {
			t.Errorf("step %d: another reason is held back", i)
		}
	}
	x, err := db.List.Explain(ctx, "joe@never.example.com", nil)
	if err != nil || x.State.String() != "clear" {
		t.Errorf("%v %v", x.State, err)
	}
}

func TestFindingsAndRecords(t *testing.T) {
	c := &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	ctx := context.Background()
	keep := func(list ...facts.Finding) {
		t.Helper()
		if err := db.Findings.KeepFindings(ctx, facts.WatchScope, list); err != nil {
			t.Fatal(err)
		}
	}
	broken := facts.Finding{ID: "spf.too_many", Subject: "example.org", Verdict: "confirmed", Answer: "example.org costs 11 of 10 look-ups", Body: json.RawMessage(`{"owner":"us_dns","steps":["take one out"]}`)}
	keep(broken)
	c.t = c.t.Add(6 * time.Hour)
	keep(broken)
	open, err := db.Incidents.Incidents(ctx, c.t)
	if err != nil || len(open) != 1 || open[0].ID != "watch.spf.too_many:example.org" || !open[0].Opened.Equal(epoch) || open[0].Cause.Title != broken.Answer || open[0].Cause.Steps[0] != "take one out" {
		t.Fatalf("%+v %v", open, err)
	}
	if err := db.Incidents.IncidentAct(ctx, open[0].ID, "ack", "seen", "me"); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.Add(6 * time.Hour)
	keep(facts.Finding{ID: "spf.record", Subject: "example.org", Verdict: "refuted", Answer: "sound", Body: json.RawMessage(`{"owner":"nobody"}`)})
	if open, err = db.Incidents.Incidents(ctx, c.t.Add(time.Second)); err != nil || len(open) != 0 {
		t.Fatalf("%+v %v", open, err)
	}
	all, err := db.Incidents.Incidents(ctx, time.Time{})
	if err != nil || len(all) != 1 || all[0].ClosedBy != "mended" || len(all[0].Acts) != 1 {
		t.Fatalf("%+v %v", all, err)
	}

	record := func(values ...string) {
		t.Helper()
		if err := db.DNS.KeepDNS(ctx, []facts.DNSRecord{{Name: "example.org.", Type: "TXT", State: "found", Values: values}}); err != nil {
			t.Fatal(err)
		}
	}
	record("v=spf1 -all")
	c.t = c.t.Add(time.Hour)
	record("v=spf1 -all")
	c.t = c.t.Add(time.Hour)
	record("v=spf1 a -all")
	history, err := db.DNS.DNSHistory(ctx, "example.org.", "TXT", time.Time{})
	if err != nil || len(history) != 2 || history[0].Values[0] != "v=spf1 a -all" || history[1].Last.Sub(history[1].First) != time.Hour {
		t.Fatalf("%+v %v", history, err)
	}
	if all, err := db.DNS.DNSHistory(ctx, "", "", time.Time{}); err != nil || len(all) != 2 {
		t.Fatalf("%+v %v", all, err)
	}
}

func TestClaims(t *testing.T) {
	db := openTest(t, Options{})
	ctx := context.Background()
	spf := func(it *facts.Item) {
		it.Result.Recipients[0].Diagnostic = "550 5.7.23 192.0.2.25 is not allowed"
		it.Result.ReportingMTA = "mail.example.org"
		it.Result.Original.DKIM = []string{"s1._domainkey.example.org"}
	}
	forged := func(it *facts.Item) { it.Result.Original.From, it.Result.Original.To = "x@stranger.example", "" }
	commit(t, db, failure(0, "jane@example.net", bounce.AuthSPF, spf), failure(1, "joe@example.net", bounce.AuthSPF, spf),
		failure(2, "ann@example.net", bounce.AuthSPF, spf, forged))
	list, cost, err := db.Incidents.Claims(ctx, "spf:example.org", epoch)
	if err != nil || len(list) != 2 || cost.Mails != 2 || cost.Addresses != 2 || cost.Receivers != 1 {
		t.Fatalf("%d %+v %v", len(list), cost, err)
	}
	if c := list[0]; c.Named != "192.0.2.25" || c.DKIM[0] != "s1._domainkey.example.org" || c.Reason != bounce.AuthSPF || !strings.Contains(c.Diagnostic, "5.7.23") {
		t.Errorf("%+v", c)
	}
	seen, err := db.Incidents.SeenOfUs(ctx, epoch)
	if err != nil || seen.Mails < 2 || len(seen.Named) == 0 || seen.Named[0].ReportingMTA != "mail.example.org" || len(seen.Selectors) != 1 {
		t.Errorf("%+v %v", seen, err)
	}
}

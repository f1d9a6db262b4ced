package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// Six wrong clocks, and four things that happen under each: whatever it is, the
// list stays as it was while the clock is wrong, and is what it would have been
// once it is right again.
func TestClockFaults(t *testing.T) {
	ctx := context.Background()
	const day = 24 * time.Hour
	faults := 0
	for _, off := range []time.Duration{3 * 365 * day, 31 * day, 2 * day, -2 * day, -31 * day, -3 * 365 * day} {
		for _, what := range []string{"imap", "file", "no time", "act"} {
			faults++
			t.Run(fmt.Sprintf("%v %s", off, what), func(t *testing.T) {
				c := &clock{epoch.AddDate(0, 0, 1)}
				db := openTest(t, Options{Now: c.now})
				commit(t, db, dead("old", 0, 60)...)
				if _, err := db.Judge.Refresh(ctx); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 60, SHA256: "x"}); err != nil {
					t.Fatal(err)
				}
				before := listed(t, db, query.Filter{})
				right := c.t
				c.t = right.Add(off)
				// A second notice for an old one, and one for another address.
				items := []facts.Item{dead("old", 0, 1)[0], failure(1, "new@new.example", bounce.UserUnknown, func(it *facts.Item) { it.Message.UID = 9 })}
				items[0].Message.Raw = append(items[0].Message.Raw, "again"...)
				for i := range items {
					m, r := &items[i].Message, &items[i].Result
					switch what {
					case "imap":
						m.Received = right
					case "file":
						m.UID, m.Name, m.Received, r.Received = 0, fmt.Sprint("file", i), c.t, parse.Time{Time: right}
					case "no time":
						m.Received = time.Time{}
					}
				}
				if what == "act" {
					_, err := db.Judge.Override(ctx, policy.Override{Act: policy.Remove, Pattern: "x@old3.example", Reason: "r", Author: "ops"})
					if !errors.Is(err, engine.ErrStopped) {
						t.Fatalf("an act under a wrong clock: %v", err)
					}
				} else {
					commit(t, db, items...)
				}
				if _, err := db.Judge.Refresh(ctx); err != nil {
					t.Fatal(err)
				}
				if err := db.Guard.MayExport(ctx); !errors.Is(err, engine.ErrStopped) {
					t.Fatalf("the files are written under a wrong clock: %v", err)
				}
				if err := db.Judge.MayDecide(ctx); !errors.Is(err, engine.ErrStopped) {
					t.Errorf("old things are dropped under a wrong clock: %v", err)
				}
				var rows int
				if err := db.Read.QueryRow(`SELECT count(*) FROM suppressions WHERE state = 'suppressed'`).Scan(&rows); err != nil || rows != len(before) {
					t.Errorf("%d on the list, %d before the clock was wrong: %v", rows, len(before), err)
				}
				c.t = right.Add(time.Minute)
				if _, err := db.Judge.Refresh(ctx); err != nil {
					t.Fatal(err)
				}
				if err := db.Guard.MayExport(ctx); err != nil {
					t.Fatalf("the clock is right again: %v", err)
				}
				after := listed(t, db, query.Filter{})
				want := len(before)
				if what != "act" {
					want++
				}
				if len(after) != want {
					t.Errorf("%d on the list, want %d", len(after), want)
				}
				since := map[string]time.Time{}
				for _, s := range after {
					since[s.Key] = s.Since
				}
				for _, s := range before {
					if !since[s.Key].Equal(s.Since) {
						t.Errorf("%s stands since %s, and stood since %s", s.Key, since[s.Key], s.Since)
					}
				}
				if at, ok := since["new@new.example"]; ok && at.Sub(right).Abs() > 2*day {
					t.Errorf("the new one came in at %s, it was %s", at, right)
				}
				if doubts, err := db.Upkeep.Doubts(ctx); err != nil || len(doubts) > 0 {
					t.Errorf("doubts: %v %v", doubts, err)
				}
			})
		}
	}
	if faults != 24 {
		t.Errorf("%d faults", faults)
	}
}

// What the operator confirms is right, even where a server's clock is ahead.
func TestClockConfirmed(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 1)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, dead("old", 0, 60)...)
	if _, err := db.Judge.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 60, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	c.t = c.t.AddDate(0, 0, -5)
	ahead := failure(400, "x@ahead.example", bounce.UserUnknown)
	ahead.Message.Locator = harvest.Locator{Mailbox: "b", Folder: "F", UIDValidity: 1, UID: 5}
	commit(t, db, ahead)
	if err := db.Guard.Release(ctx, "this is today", "ops"); err != nil {
		t.Fatal(err)
	}
	if err := db.Judge.MayDecide(ctx); err != nil {
		t.Errorf("confirmed, and in doubt: %v", err)
	}
}

// Whatever decides by the time is refused under a clock that can't be believed,
// and changes nothing.
func TestNothingIsDecidedUnderAWrongClock(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 1)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, dead("old", 0, 60)...)
	importList(t, db, entryOf("then@example.net", policy.Entry{Source: policy.SourceOperator}))
	if _, err := db.Judge.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: "list", Rows: 60, SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
	before, right := image(t, db), c.t
	wrong := right.AddDate(3, 0, 0)
	for what, decide := range map[string]func() error{
		"an act": func() error {
			_, err := db.Judge.Override(ctx, policy.Override{Act: policy.Remove, Pattern: "x@old3.example", Reason: "r", Author: "ops"})
			return err
		},
		"an import": func() error {
			i := facts.Import{Name: "a.csv", Form: "csv", Reason: "r", Author: "ops"}
			_, err := db.Judge.Import(ctx, i, entries(entryOf("now@example.net", policy.Entry{Source: policy.SourceOperator})), nil)
			return err
		},
		"taking an import back": func() error {
			_, err := db.Judge.UndoImport(ctx, 1, "r", "ops")
			return err
		},
		"a word on a hold": func() error {
			_, err := db.Judge.Rule(ctx, policy.Outage, "google", wrong, true, "r", "ops")
			return err
		},
		"a word on an opt-out": func() error {
			_, err := db.Judge.OptOut(ctx, 1, true, "r", "ops")
			return err
		},
		"a look at a domain": func() error {
			_, err := db.Judge.KeepLife(ctx, []facts.DNSRecord{{Name: "old3.example.", Type: facts.LifeType, State: "nxdomain"}})
			return err
		},
		"a policy": func() error {
			_, err := db.Judge.Apply(ctx, judge.Scenario{}, "test", "test")
			return err
		},
	} {
		c.t = wrong
		if err := decide(); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("%s: %v", what, err)
		}
		c.t = right
		if got := image(t, db); got != before {
			t.Errorf("%s changed the list:\n%s", what, got)
		}
	}
}

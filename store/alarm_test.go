package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
)

func ended(t *testing.T, db *DB, j job.Name, failure error) {
	t.Helper()
	id, err := db.Runs.BeginRun(context.Background(), j)
	if err == nil {
		err = db.Runs.EndRun(context.Background(), id, "", failure)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFailingJob(t *testing.T) {
	ctx, c := context.Background(), &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	if _, err := db.Runs.FailingJob(ctx, job.Retention.Alone()); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("it never ran: %v", err)
	}
	for i, failure := range []error{errors.New("before"), nil, errors.New("first"), errors.New("second")} {
		c.t = epoch.Add(time.Duration(i) * time.Hour)
		ended(t, db, job.Retention.Alone(), failure)
	}
	if _, err := db.Runs.BeginRun(ctx, job.Retention.Alone()); err != nil { // goes on
		t.Fatal(err)
	}
	if f, err := db.Runs.FailingJob(ctx, job.Retention.Alone()); err != nil || !f.Since.Equal(epoch.Add(2*time.Hour)) || f.Last.Detail != "second" {
		t.Errorf("%+v %v", f, err)
	}
	c.t = epoch.Add(5 * time.Hour)
	ended(t, db, job.Retention.Alone(), nil)
	if _, err := db.Runs.FailingJob(ctx, job.Retention.Alone()); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("it succeeds: %v", err)
	}
	ended(t, db, job.Retention.Alone(), errors.New("third")) // in the same millisecond
	if f, err := db.Runs.FailingJob(ctx, job.Retention.Alone()); err != nil || !f.Since.Equal(c.t) {
		t.Errorf("%+v %v", f, err)
	}
}

func TestLull(t *testing.T) {
	ctx, c := context.Background(), &clock{epoch}
	db := openTest(t, Options{Now: c.now})
	if l, err := db.Alarms.Lull(ctx); err != nil || l != (policy.Lull{}) {
		t.Errorf("%+v %v", l, err)
	}
	ended(t, db, job.Harvest.Of("bounces"), nil)
	var b facts.Batch
	for i := range 140 { // every second hour, once for nine of them none
		at := epoch.Add(time.Duration(2*i) * time.Hour)
		if i > 70 {
			at = at.Add(7 * time.Hour)
		}
		b.Items = append(b.Items, failure(i, fmt.Sprintf("u%d@example.net", i), bounce.Deferred, func(it *facts.Item) { it.Message.Received = at }))
	}
	last := b.Items[139].Message.Received
	b.Cursor = harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: 140}
	c.t = last.Add(time.Hour)
	if _, err := db.Judge.Commit(ctx, b); err != nil {
		t.Fatal(err)
	}
	if l, err := db.Alarms.Lull(ctx); err != nil || !l.Last.Equal(last) || l.Usual > 0 {
		t.Errorf("an hour is no lull: %+v %v", l, err)
	}
	c.t = last.Add(25 * time.Hour)
	ended(t, db, job.Harvest.Of("bounces"), nil)
	ended(t, db, job.Harvest.Of("bounces"), errors.New("refused"))
	want := policy.Lull{Last: last, Usual: 10, Gap: 9 * time.Hour, Begun: epoch, Looked: c.t}
	if l, err := db.Alarms.Lull(ctx); err != nil || l != want {
		t.Errorf("%+v %v", l, err)
	}
}

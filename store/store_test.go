package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// clock is a time that tests move by hand.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func openTest(t testing.TB, o Options) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "harvester.db"), o)
}

func openAt(t testing.TB, path string, o Options) *DB {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return epoch.AddDate(0, 1, 0) }
	}
	if o.Own == nil {
		o.Own = []string{"example.org"}
	}
	db, err := Open(context.Background(), pgtest.At(t, path), o)
	if err != nil {
		t.Fatal(err)
	}
	if db.Write != nil {
		if err := db.Judge.Follow(context.Background()); err != nil {
			t.Fatal(err)
		}
		if pgtest.Serving() {
			return closed(t, db)
		}
		// No test cuts the power.
		if _, err := db.Write.Exec(`PRAGMA synchronous = OFF`); err != nil {
			t.Fatal(err)
		}
	}
	return closed(t, db)
}

// closed closes the database when the test ends, and looks whether its list is
// counted right.
func closed(t testing.TB, db *DB) *DB {
	t.Cleanup(func() {
		var wrong int
		err := db.Read.QueryRow(`SELECT count(*) FROM (SELECT source, state, class, sum(n) AS n FROM
  (SELECT source, state, class, n FROM standing UNION ALL SELECT source, state, class, -1 FROM suppressions) u GROUP BY source, state, class) s WHERE n <> 0`).Scan(&wrong)
		if err == nil && wrong > 0 {
			t.Error("the list is counted wrongly")
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// failure is one notice, seq days after the epoch, that address failed.
func failure(seq int, address string, reason bounce.Reason, change ...func(*facts.Item)) facts.Item {
	raw := fmt.Sprintf("notice %d for %s: %v", seq, address, reason)
	it := facts.Item{
		Message: harvest.Message{
			Locator:  harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uint32(seq + 1)},
			Raw:      []byte(raw),
			Received: epoch.AddDate(0, 0, seq),
		},
		Result: parse.Result{
			Kind: bounce.KindBounce, Dialect: "postfix", Rules: "test.1",
			Original: parse.Original{MessageID: fmt.Sprintf("<%d.%s>", seq, address), From: "news@example.org", To: address},
			Recipients: []parse.Recipient{{
				Recipient: address, Action: bounce.Failed, Status: "5.1.1", ReplyCode: 550, Reason: reason, Fault: reason.Fault(),
				Class: reason.Class(bounce.Failed), Rule: "test." + reason.String(), Confidence: bounce.ByRule,
				RemoteMTA: "mx.example.net", Diagnostic: "550 5.1.1 no such user", Evidence: "no such user",
			}},
		},
	}
	for _, c := range change {
		c(&it)
	}
	return it
}

func commit(t testing.TB, db *DB, items ...facts.Item) facts.Outcome {
	t.Helper()
	out, err := db.Judge.Commit(context.Background(), facts.Batch{Items: items})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func listed(t testing.TB, db *DB, f query.Filter) []query.Suppression {
	t.Helper()
	var out []query.Suppression
	for s, err := range db.List.Suppressions(context.Background(), f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func TestCommitTwiceChangesNothing(t *testing.T) {
	db := openTest(t, Options{})
	it := failure(0, "Jane.Doe@Example.NET", bounce.UserUnknown)
	if out := commit(t, db, it); out.Messages != 1 || out.Events != 1 || out.Added != 1 {
		t.Fatalf("first: %+v", out)
	}
	moved := it
	moved.Message.Folder, moved.Message.UID = "Archive", 77
	if out := commit(t, db, it, moved); out.Messages != 0 || out.Known != 2 || out.Events != 0 || out.Added != 0 {
		t.Fatalf("again: %+v", out)
	}
	got := listed(t, db, query.Filter{})
	if len(got) != 1 || got[0].Address != "Jane.Doe@Example.NET" || got[0].Key != "jane.doe@example.net" || got[0].Count != 1 ||
		got[0].Reason != "user_unknown" || got[0].Source != "bounce" || got[0].Class != bounce.ClassHard || got[0].Proof != policy.ProofReturned ||
		!got[0].Since.Equal(epoch) || got[0].Rule != "test.user_unknown" {
		t.Fatalf("list: %+v", got)
	}
	x, err := db.List.Explain(context.Background(), "jane.doe@EXAMPLE.net", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Events) != 1 || len(x.Events[0].Places) != 2 || !x.Events[0].Counted || len(x.Listed) != 1 {
		t.Fatalf("explain: %+v", x)
	}
}

// A transaction that is stopped says so: the log would call it a failure else.
func TestStoppedTransaction(t *testing.T) {
	db := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Transact(ctx, "testing", func(w *engine.Tx) error {
		cancel()
		for {
			if _, err := w.SQL.ExecContext(w.Ctx, `DELETE FROM cursors`); err != nil {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCursorAndSettlement(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	it := failure(0, "a@example.net", bounce.UserUnknown)
	it.Disposition, it.Target = harvest.Move, "Done"
	kept := failure(1, "b@example.net", bounce.UserUnknown)
	cur := harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: 2, State: "x"}
	if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{it, kept}, Cursor: cur}); err != nil {
		t.Fatal(err)
	}
	curs, err := db.Mailboxes.Cursors(ctx, "bounces")
	if err != nil || curs["INBOX"] != cur {
		t.Fatalf("cursors: %v %v", curs, err)
	}
	todo, err := db.Mailboxes.Unsettled(ctx, "bounces", time.Now())
	if err != nil || len(todo) != 1 || todo[0].Kind != bounce.KindBounce || todo[0].UID != 1 {
		t.Fatalf("unsettled: %v %v", todo, err)
	}
	if err := db.Mailboxes.Settled(ctx, []harvest.Settlement{{Locator: todo[0].Locator}}); err != nil {
		t.Fatal(err)
	}
	if todo, err = db.Mailboxes.Unsettled(ctx, "bounces", time.Now()); err != nil || len(todo) != 0 {
		t.Fatalf("still unsettled: %v %v", todo, err)
	}
	// What is to be deleted waits for its day.
	gone := failure(2, "c@example.net", bounce.UserUnknown)
	gone.Disposition = harvest.Delete
	if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{gone}}); err != nil {
		t.Fatal(err)
	}
	for before, want := range map[time.Time]int{db.Now().Add(-time.Hour): 0, db.Now(): 1} {
		if todo, err = db.Mailboxes.Unsettled(ctx, "bounces", before); err != nil || len(todo) != want {
			t.Errorf("%d to delete, want %d: %v", len(todo), want, err)
		}
	}
}

func TestPostpone(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	until := epoch.Add(time.Hour)
	for _, failure := range []error{errors.New("no route to host"), nil} {
		id, err := db.Runs.BeginRun(ctx, job.Harvest.Of("bounces"))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Runs.EndRun(ctx, id, "", failure); err != nil {
			t.Fatal(err)
		}
		if err := db.Runs.Postpone(ctx, job.Harvest.Of("bounces"), until); err != nil {
			t.Fatal(err)
		}
		last, err := db.Runs.LastRun(ctx, job.Harvest.Of("bounces"), false)
		if err != nil || last.Retry.Equal(until) != (failure != nil) {
			t.Errorf("after %v: %+v, %v", failure, last, err)
		}
	}
}

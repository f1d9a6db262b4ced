package store

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/upkeep"
)

// After an erasure no byte of the address stands in the file or its journal;
// it stays suppressed, and what comes in later does not name it again.
func TestForget(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 20)}
	db := openTest(t, Options{Now: c.now})
	about := func(n int) facts.Item {
		it := failure(n, "Secret.Person@Example.NET", bounce.UserUnknown, func(it *facts.Item) {
			r := &it.Result.Recipients[0]
			r.FinalRecipient = "secret.person@example.net"
			r.Diagnostic = "550 <secret.person@example.net>: unknown"
			it.Result.Subject = "Undelivered: secret.person@example.net"
		})
		return it
	}
	reply := failure(1, "x@example.com", bounce.Unclassified)
	reply.Result.Kind, reply.Result.Recipients, reply.Result.From = bounce.KindAutoReply, nil, "secret.person@example.net"
	unread := failure(2, "y@example.com", bounce.Unclassified)
	unread.Message.Raw = []byte("Something about Secret.Person@Example.net")
	unread.Result.Kind, unread.Result.Recipients = bounce.KindUnparsed, nil
	other := failure(3, "other@example.net", bounce.UserUnknown)
	commit(t, db, about(0), reply, unread, other)
	f, err := db.Upkeep.Forget(ctx, "SECRET.person@example.net", "ops")
	if err != nil || f.Events != 1 || f.Raws != 1 || f.Tombstones != 1 || f.Messages != 2 {
		t.Fatalf("got %+v %v", f, err)
	}
	search := func() {
		t.Helper()
		for _, name := range []string{"harvester.db", "harvester.db-wal"} {
			b, err := os.ReadFile(filepath.Join(filepath.Dir(db.Path()), name))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if i := bytes.Index(bytes.ToLower(b), []byte("secret.person")); i >= 0 {
				t.Errorf("%s still holds it: %q", name, b[max(0, i-60):min(len(b), i+60)])
			}
		}
	}
	search()
	if got, err := db.List.Lookup(ctx, "Secret.Person@example.net"); err != nil || len(got) != 1 || got[0].Reason != "user_unknown" {
		t.Errorf("it is no longer suppressed: %+v %v", got, err)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 1 || got[0].Key != "other@example.net" {
		t.Errorf("list: %+v", got)
	}
	if out := commit(t, db, about(5)); out.Messages != 1 || out.Added != 0 {
		t.Errorf("a later notice: %+v", out)
	}
	if out := commit(t, db, about(0)); out.Known != 1 {
		t.Errorf("the old one again: %+v", out)
	}
	if !pgtest.Serving() {
		if _, err := db.Write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			t.Fatal(err)
		}
	}
	search()
	if _, _, err := db.Recompute(ctx, nil); err != nil {
		t.Fatal(err)
	}
	c.t = epoch.AddDate(3, 0, 0)
	if got, err := db.List.Lookup(ctx, "Secret.Person@example.net"); err != nil || len(got) != 0 {
		t.Errorf("it does not expire: %+v %v", got, err)
	}
	if _, err := db.Upkeep.Forget(ctx, "nonsense", "ops"); err == nil {
		t.Error("nonsense was forgotten")
	}
}

func TestRetention(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 0, 2)}
	db := openTest(t, Options{Now: c.now})
	unread := failure(0, "y@example.com", bounce.Unclassified)
	standing, gone := failure(0, "a@example.net", bounce.UserUnknown), failure(1, "b@example.net", bounce.MailboxFull)
	commit(t, db, unread, standing, gone)
	keep := upkeep.Retention{Originals: policy.Days(30), Replies: policy.Days(180), Names: policy.Days(30), Runs: policy.Days(90)}
	if p, err := db.Upkeep.Retain(ctx, keep); err != nil || p != (upkeep.Pruned{}) {
		t.Fatalf("nothing is old: %+v %v", p, err)
	}
	c.t = c.t.AddDate(0, 7, 0)
	before := image(t, db)
	if p, err := db.Upkeep.Retain(ctx, upkeep.Retention{}); err != nil || p != (upkeep.Pruned{}) {
		t.Fatalf("kept for good: %+v %v", p, err)
	}
	kept, err := db.Upkeep.Kept(ctx, keep)
	if err != nil || len(kept) == 0 {
		t.Fatal(kept, err)
	}
	for _, k := range kept {
		if k.Table == "raws" && (k.Rows != 1 || k.For != policy.Days(30) || k.Oldest.IsZero()) || k.Table == "events" && k.Rows != 3 {
			t.Errorf("kept: %+v", k)
		}
	}
	p, err := db.Upkeep.Retain(ctx, keep)
	if err != nil || p.Raws != 1 || p.Diagnostics != 2 {
		t.Fatalf("got %+v %v", p, err)
	}
	if image(t, db) != before {
		t.Error("the list changed")
	}
	x, err := db.List.Explain(ctx, "a@example.net", nil)
	if err != nil || x.Events[0].Diagnostic == "" {
		t.Errorf("what a standing suppression rests on is gone: %+v %v", x, err)
	}
	if d, err := db.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) != 0 {
		t.Errorf("a replay differs: %+v %v", d, err)
	}
	if p, err = db.Upkeep.Retain(ctx, keep); err != nil || p != (upkeep.Pruned{}) {
		t.Errorf("again: %+v %v", p, err)
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

func entryOf(address string, e policy.Entry) policy.Override {
	return policy.Override{Pattern: policy.Key(address), Address: address, Reason: "as they said", Entry: e}
}

func entries(list ...policy.Override) iter.Seq2[policy.Override, error] {
	return func(yield func(policy.Override, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func importList(t *testing.T, db *DB, list ...policy.Override) judge.Imported {
	t.Helper()
	out, err := db.Judge.Import(context.Background(), facts.Import{Name: "old.csv", Form: "csv", Reason: "we moved", Author: "ops"}, entries(list...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What another list says is kept with its kind, its reason and its date, comes
// in once, and can be taken back.
func TestImport(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	commit(t, db, failure(3, "both@example.net", bounce.UserUnknown))
	before := fmt.Sprintf("%+v", listed(t, db, query.Filter{}))
	at := epoch.AddDate(-1, 0, 0)
	list := []policy.Override{
		entryOf("Dead@Example.net", policy.Entry{Source: policy.SourceBounce, Cause: bounce.UserUnknown, Since: at}),
		entryOf("full@example.net", policy.Entry{Source: policy.SourceBounce, Cause: bounce.MailboxFull, Since: at}),
		entryOf("angry@example.net", policy.Entry{Source: policy.SourceComplaint, Since: at}),
		entryOf("angry@example.net", policy.Entry{Source: policy.SourceComplaint, Since: at}),
		entryOf("tired@example.net", policy.Entry{Source: policy.SourceUnsubscribe, Stream: "news"}),
		entryOf("boss@example.net", policy.Entry{Source: policy.SourceOperator, Since: at}),
		entryOf("both@example.net", policy.Entry{Source: policy.SourceBounce, Cause: bounce.MailboxFull, Since: at}),
	}
	out := importList(t, db, list...)
	if out.ID == 0 || out.Read != 7 || out.New != 6 || out.Added != 5 {
		t.Errorf("%+v", out)
	}
	var got []string
	for _, s := range listed(t, db, query.Filter{}) {
		got = append(got, fmt.Sprintf("%s %s %s %s %s %s until %s", s.Address, s.Source, s.Reason, s.Class, s.Stream, s.Since.Format(time.DateOnly), s.Expires.Format(time.DateOnly)))
	}
	want := `angry@example.net complaint complaint none  2025-03-02 until 0001-01-01
boss@example.net operator manual none  2025-03-02 until 0001-01-01
both@example.net bounce user_unknown hard  2026-03-05 until 2028-03-04
dead@example.net bounce user_unknown hard  2025-03-02 until 2028-04-01
full@example.net bounce mailbox_full soft  2025-03-02 until 2026-05-02
tired@example.net unsubscribe unsubscribe none news 2026-04-02 until 0001-01-01`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("the list:\n%s\nwant:\n%s", text, want)
	}
	replayed, err := db.Judge.Replay(ctx, judge.Scenario{})
	if err != nil || len(replayed.Changes) > 0 {
		t.Errorf("it does not follow from what is stored: %+v %v", replayed, err)
	}

	if again := importList(t, db, list...); again.ID != 0 || again.New != 0 || again.Added != 0 {
		t.Errorf("again: %+v", again)
	}
	imports, err := db.Acts.Imports(ctx)
	if err != nil || len(imports) != 1 || imports[0].Rows != 6 || imports[0].Ended.IsZero() {
		t.Errorf("%+v %v", imports, err)
	}

	if n, err := db.Judge.UndoImport(ctx, out.ID, "wrong file", "ops"); err != nil || n != 5 {
		t.Errorf("%d %v", n, err)
	}
	if after := fmt.Sprintf("%+v", listed(t, db, query.Filter{})); after != before {
		t.Errorf("after the undo: %s\nwant: %s", after, before)
	}
	if _, err := db.Judge.UndoImport(ctx, 99, "x", "ops"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// An entry has its place in the history at its date: what is younger wins.
func TestImportedInItsPlace(t *testing.T) {
	db := openTest(t, Options{})
	delivered := failure(9, "lives@example.net", bounce.UserUnknown, func(it *facts.Item) {
		it.Result.Kind, it.Result.Recipients[0].Action = bounce.KindDelivered, bounce.Delivered
	})
	commit(t, db, delivered)
	if _, _, err := db.Judge.RecordSent(context.Background(), func(yield func(facts.Sent, error) bool) {
		yield(facts.Sent{MessageID: "<9.lives@example.net>", Recipient: "lives@example.net", At: epoch.AddDate(0, 0, 8)}, nil)
	}); err != nil {
		t.Fatal(err)
	}
	old, young := policy.Entry{Cause: bounce.UserUnknown, Since: epoch}, policy.Entry{Cause: bounce.UserUnknown, Since: epoch.AddDate(0, 0, 20)}
	for _, tt := range []struct {
		entry  policy.Entry
		listed int
	}{{old, 0}, {young, 1}} {
		importList(t, db, entryOf("lives@example.net", tt.entry))
		if got := len(listed(t, db, query.Filter{})); got != tt.listed {
			t.Errorf("an entry of %s after a success of 11 March: %d on the list, want %d", tt.entry.Since, got, tt.listed)
		}
	}
}

// Addresses of ours are never listed, whoever says it, and one that was erased
// does not come back.
func TestImportOfProtectedAndForgotten(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	importList(t, db, entryOf("gone@example.net", policy.Entry{Cause: bounce.UserUnknown}))
	if _, err := db.Upkeep.Forget(ctx, "gone@example.net", "ops"); err != nil {
		t.Fatal(err)
	}
	out := importList(t, db, entryOf("gone@example.net", policy.Entry{Cause: bounce.UserUnknown}), entryOf("info@example.org", policy.Entry{Cause: bounce.UserUnknown}))
	if out.Forgotten != 1 || out.Added != 0 {
		t.Errorf("%+v", out)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// The guard measures what notices do to the list, not what an operator brings in.
func TestImportDoesNotStopTheExports(t *testing.T) {
	ctx := context.Background()
	db := openAt(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	if _, err := db.Write.Exec(`INSERT INTO exports (name, profile, path, generation, at, rows, bytes, sha256, state) VALUES ('n','csv','p',1,0,0,0,'','published')`); err != nil {
		t.Fatal(err)
	}
	var list []policy.Override
	for i := range 2000 {
		list = append(list, entryOf(fmt.Sprintf("u%d@example.net", i), policy.Entry{Cause: bounce.UserUnknown}))
	}
	out := importList(t, db, list...)
	commit(t, db, failure(1, "x@example.com", bounce.UserUnknown))
	if _, err := db.Judge.UndoImport(ctx, out.ID, "wrong", "ops"); err != nil {
		t.Fatal(err)
	}
	commit(t, db, failure(2, "y@example.com", bounce.UserUnknown))
	if trip, stopped, err := db.Guard.Tripped(ctx); stopped || err != nil {
		t.Errorf("%+v %v", trip, err)
	}
}

// What an import of a list costs, an entry.
func BenchmarkImport(b *testing.B) {
	db := openTest(b, Options{})
	i := 0
	b.ResetTimer()
	_, err := db.Judge.Import(context.Background(), facts.Import{Name: "x", Form: "csv", Reason: "x", Author: "x"}, func(yield func(policy.Override, error) bool) {
		for i = range b.N {
			if !yield(entryOf(fmt.Sprintf("u%09d@d%d.example.net", i, i*7919%9973), policy.Entry{Cause: bounce.UserUnknown, Since: epoch}), nil) {
				return
			}
		}
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
}

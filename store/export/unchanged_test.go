package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// What changes the list, its form or its files is seen; nothing else makes a
// file be written anew.
func TestUnchangedIsSeen(t *testing.T) {
	ctx := context.Background()
	for _, profile := range []string{"email", "csv", "hashed", "rspamd"} {
		t.Run(profile, func(t *testing.T) {
			db := openDB(t)
			fail(t, db, "a@example.com", "b@example.com")
			to := target(t, profile, t.TempDir())
			step := func(what string, same bool) {
				t.Helper()
				marks, err := db.Exports.ExportMarks(ctx, to.Name)
				if err != nil {
					t.Fatal(err)
				}
				last, _ := db.Exports.LastExport(ctx, to.Name)
				state, err := db.List.ListState(ctx, to.Profile.form.depth())
				if err != nil {
					t.Fatal(err)
				}
				now := to
				now.Generation = marks.Generation
				if now.Policy == "" {
					now.Policy = policyVersion(db.Judge.Ours.Policy)
				}
				quick, ok := unchanged(&now, marks, state, last)
				res, err := Publish(ctx, db, to)
				if err != nil {
					t.Fatal(err)
				}
				if want := same && profile != "hashed"; ok != want {
					t.Errorf("%s: unchanged is %v, want %v", what, ok, want)
				}
				if ok && fmt.Sprint(quick) != fmt.Sprint(res) {
					t.Errorf("%s: %+v, want %+v", what, quick, res)
				}
			}
			step("the first time", false)
			step("nothing", true)
			fail(t, db, "c@example.com")
			step("an address more", false)
			step("nothing", true)
			again := notice("c@example.com")
			again.Message.Raw, again.Message.Locator.Name, again.Message.Received = []byte("again"), "again", day.Add(30*time.Hour)
			again.Result.Original.MessageID = "<again>"
			if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{again}}); err != nil {
				t.Fatal(err)
			}
			step("one more failure", profile != "csv")
			if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Allow, Pattern: "a@example.com", Reason: "test", Author: "test"}); err != nil {
				t.Fatal(err)
			}
			step("an act", false)
			if _, err := db.Upkeep.Forget(ctx, "b@example.com", "test"); err != nil {
				t.Fatal(err)
			}
			step("erasure", false)
			to.Filter.Domains = []string{"example.com"}
			step("another filter", false)
			if err := os.WriteFile(to.Path, []byte("gone wrong\n"), 0o640); err != nil {
				t.Fatal(err)
			}
			step("a changed file", false)
			if err := os.Remove(ManifestPath(to.Path)); err != nil {
				t.Fatal(err)
			}
			step("no manifest", false)
			step("nothing", true)
		})
	}
}

// BenchmarkPublish is what bringing the file of a list costs: as it is, after
// 100 changes, and whole. Measure it beside
// sqlite3 -csv harvester.db 'select address from suppressed'.
func BenchmarkPublish(b *testing.B) {
	const rows = 100_000
	ctx := context.Background()
	for _, profile := range []string{"email", "csv", "postfix-access"} {
		db := openDB(b)
		var names []string
		for i := range rows {
			names = append(names, fmt.Sprintf("user%d.surname@example%d.com", i, i%1000))
			if len(names) == 1000 {
				fail(b, db, names...)
				names = names[:0]
			}
		}
		to := target(b, profile, b.TempDir())
		publish := func(b *testing.B) {
			if _, err := Publish(ctx, db, to); err != nil {
				b.Fatal(err)
			}
		}
		publish(b)
		b.Run(profile+"/unchanged", func(b *testing.B) {
			for b.Loop() {
				publish(b)
			}
		})
		changes := 0
		b.Run(profile+"/100 changes", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				names = names[:0]
				for range 100 {
					changes++
					names = append(names, fmt.Sprintf("told%d@example%d.net", changes, changes%7))
				}
				fail(b, db, names...)
				if err := db.Guard.Release(ctx, "as meant", "test"); err != nil && !errors.Is(err, engine.ErrNotFound) {
					b.Fatal(err)
				}
				b.StartTimer()
				publish(b)
			}
		})
		b.Run(profile+"/whole", func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				to.Path = filepath.Join(b.TempDir(), fmt.Sprint(n))
				to.Name = fmt.Sprint(n)
				publish(b)
			}
		})
	}
}

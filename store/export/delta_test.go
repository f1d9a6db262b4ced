package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// contents are the addresses that a target holds after it has read the file.
func contents(t *testing.T, p Profile, path string) map[string]bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]bool{}
	for name, err := range p.form.read(f) {
		if err != nil {
			t.Fatal(err)
		}
		out[name] = true
	}
	return out
}

// The full file of now is what the acknowledged one becomes by the delta,
// whatever happened in between, for every profile. HARVESTER_HISTORIES is how
// many histories each profile goes through (make histories: 1,000).
func TestFullIsPreviousPlusDelta(t *testing.T) {
	ctx := context.Background()
	histories := 5
	if n, err := strconv.Atoi(os.Getenv("HARVESTER_HISTORIES")); err == nil {
		histories = n
	}
	var profiles []Profile
	for _, p := range Profiles() {
		if p.form.row != nil {
			profiles = append(profiles, p)
		}
	}
	now := day.AddDate(0, 1, 0)
	db := openAt(t, func() time.Time { return now })
	dir := t.TempDir()
	held := make([]map[string]bool, len(profiles)) // what each target has taken in
	targets := make([]Target, len(profiles))
	for i, p := range profiles {
		targets[i] = target(t, p.Name, dir)
		targets[i].Name, targets[i].Path = p.Name, filepath.Join(dir, p.Name+".csv")
		if i%2 == 1 { // these take what came later alone
			targets[i].Filter.Since = now.Add(time.Duration(len(profiles)) * time.Second)
		}
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	people := []string{"a@example.com", "B.b@example.net", "#c@example.com", `"d d"@example.com`, "jörg@example.net", "karl@bücher.example", "e+f@example.com", "g..h@example.net"}
	// One target is looked at per step; over all steps each sees a history of
	// its own, of one to many changes between two looks.
	for step := range histories * len(profiles) {
		now = now.Add(time.Second)
		for range rnd.IntN(4) {
			who := people[rnd.IntN(len(people))]
			act := policy.Override{Act: policy.Add, Pattern: who, Reason: "test", Author: "test", At: day.AddDate(0, 0, 1).Add(time.Duration(step) * time.Second)}
			if rnd.IntN(2) == 0 {
				act.Act = policy.Remove
			}
			if _, err := db.Judge.Override(ctx, act); err != nil {
				t.Fatal(err)
			}
		}
		i := step % len(profiles)
		to := targets[i]
		if _, err := Publish(ctx, db, to); err != nil {
			t.Fatal(err)
		}
		d, err := PublishDelta(ctx, db, to)
		if err != nil {
			t.Fatal(err)
		}
		full := contents(t, to.Profile, to.Path)
		if d.Since == 0 {
			held[i] = full
		} else {
			maps.Copy(held[i], contents(t, to.Profile, AddPath(to.Path)))
			f, err := os.Open(RemovePath(to.Path))
			if err != nil {
				t.Fatal(err)
			}
			for sc := bufio.NewScanner(f); sc.Scan(); {
				delete(held[i], sc.Text())
			}
			_ = f.Close()
		}
		if !maps.Equal(held[i], full) {
			t.Fatalf("step %d, %s: the target holds %v, the full file %v", step, to.Name, slices.Sorted(maps.Keys(held[i])), slices.Sorted(maps.Keys(full)))
		}
		if rnd.IntN(3) > 0 || d.Since == 0 {
			if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
				t.Fatal(err)
			}
		} else {
			held[i] = nil // it forgets what was not acknowledged
			marks, err := db.Exports.ExportMarks(ctx, to.Name)
			if err != nil || marks.AckedGeneration != d.Since {
				t.Fatalf("%+v, %v", marks, err)
			}
			held[i] = full // and takes in the full file instead
		}
	}
}

// An address that goes on failing for another reason changes its place in the
// files that take some reasons only, though it stays on the list.
func TestDeltaOfAReason(t *testing.T) {
	ctx := context.Background()
	now := day.AddDate(0, 1, 0)
	db := openAt(t, func() time.Time { return now })
	bounced := func(reason bounce.Reason, on int) {
		t.Helper()
		it := notice("jane@example.com")
		id := fmt.Sprintf("%v-%d", reason, on)
		it.Message.Raw, it.Message.Locator.Name, it.Message.Received = []byte(id), id, day.AddDate(0, 0, on)
		it.Result.Original.MessageID = "<" + id + ">"
		it.Result.Recipients[0].Reason, it.Result.Recipients[0].Class = reason, reason.Class(bounce.Failed)
		if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{it}}); err != nil {
			t.Fatal(err)
		}
	}
	targets := map[string]Target{}
	for _, reason := range []string{"mailbox_full", "user_unknown", ""} {
		to := target(t, "email", t.TempDir())
		if to.Name = "all"; reason != "" {
			to.Name, to.Filter.Reasons = reason, []string{reason}
		}
		targets[to.Name] = to
	}
	step := func(want map[string]string) {
		t.Helper()
		now = now.Add(time.Hour)
		for name, to := range targets {
			res, err := Publish(ctx, db, to)
			if err != nil {
				t.Fatal(err)
			}
			d, err := PublishDelta(ctx, db, to)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%d rows, +%d -%d", res.Rows, d.Added.Rows, d.Removed); got != want[name] {
				t.Errorf("%s: %s, want %s", name, got, want[name])
			}
			if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 10 {
		bounced(bounce.MailboxFull, 2*i)
	}
	step(map[string]string{"mailbox_full": "1 rows, +0 -0", "user_unknown": "0 rows, +0 -0", "all": "1 rows, +0 -0"})
	bounced(bounce.UserUnknown, 25)
	step(map[string]string{"mailbox_full": "0 rows, +0 -1", "user_unknown": "1 rows, +1 -0", "all": "1 rows, +1 -0"})
	x, err := db.List.Explain(ctx, "jane@example.com", query.Carried{"mailbox_full": targets["mailbox_full"].Filter, "user_unknown": targets["user_unknown"].Filter, "all": {}})
	if err != nil || len(x.Exports) != 2 || x.Exports[0].Name != "all" || x.Exports[1].Name != "user_unknown" {
		t.Errorf("it is in %+v, %v", x.Exports, err)
	}
}

func TestDeltaFiles(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	fail(t, db, "jane.doe@example.com", "fred@example.net")
	to := target(t, "email", t.TempDir())
	if _, err := db.Exports.AckExport(ctx, to.Name); err == nil || !strings.Contains(err.Error(), "nothing was published") {
		t.Errorf("got %v", err)
	}
	publish := func() Delta {
		t.Helper()
		if _, err := Publish(ctx, db, to); err != nil {
			t.Fatal(err)
		}
		d, err := PublishDelta(ctx, db, to)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := publish(); d.Since != 0 {
		t.Errorf("a delta before the first acknowledgement: %+v", d)
	}
	if _, err := os.Stat(AddPath(to.Path)); err == nil {
		t.Error("there is a file of additions")
	}
	if m, err := db.Exports.AckExport(ctx, to.Name); err != nil || m.AckedGeneration != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	fail(t, db, "third@example.com")
	if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Remove, Pattern: "fred@example.net", Reason: "lives", Author: "op"}); err != nil {
		t.Fatal(err)
	}
	if d := publish(); d.Since != 1 || d.Added.Rows != 1 || d.Removed != 1 {
		t.Errorf("%+v", d)
	}
	added, _ := os.ReadFile(AddPath(to.Path))
	removed, _ := os.ReadFile(RemovePath(to.Path))
	if string(added) != "email\nthird@example.com\n" || string(removed) != "fred@example.net\n" {
		t.Errorf("added %q, removed %q", added, removed)
	}
}

// More removals than the target takes off at a time go to further parts, which
// go away when they are no longer needed.
func TestRemovalsInParts(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	to := target(t, "ses", t.TempDir())
	if to.Profile.MaxRemovals != 10_000 {
		t.Errorf("SES takes %d removals at a time", to.Profile.MaxRemovals)
	}
	to.Profile.MaxRemovals = 2
	var who []string
	for i := range 5 {
		who = append(who, fmt.Sprintf("user%d@example.com", i))
	}
	fail(t, db, who...)
	publish := func() Delta {
		t.Helper()
		if _, err := Publish(ctx, db, to); err != nil {
			t.Fatal(err)
		}
		d, err := PublishDelta(ctx, db, to)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	act := func(a policy.Act, addresses ...string) {
		t.Helper()
		for _, who := range addresses {
			if _, err := db.Judge.Override(ctx, policy.Override{Act: a, Pattern: who, Reason: "test", Author: "test"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish()
	if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
		t.Fatal(err)
	}
	act(policy.Remove, who...)
	foreign := partPath(RemovePath(to.Path), 1)
	if err := os.WriteFile(foreign, []byte("mine\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := PublishDelta(ctx, db, to); !errors.Is(err, ErrForeign) {
		t.Errorf("a file of somebody else's: %v", err)
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	if d := publish(); d.Removed != 5 {
		t.Errorf("%+v", d)
	}
	for i, want := range []string{"user0@example.com\nuser1@example.com\n", "user2@example.com\nuser3@example.com\n", "user4@example.com\n"} {
		if got, err := os.ReadFile(partPath(RemovePath(to.Path), i)); err != nil || string(got) != want {
			t.Errorf("part %d: %q, %v", i, got, err)
		}
	}
	act(policy.Add, who[1:]...)
	publish()
	if got := names(t, filepath.Dir(to.Path)); got != "suppression.add.csv suppression.add.csv.manifest.json suppression.csv suppression.csv.manifest.json suppression.remove.csv" {
		t.Error(got)
	}
}

func BenchmarkDelta(b *testing.B) {
	ctx := context.Background()
	db := openDB(b)
	var names []string
	for i := range 300 { // each at a domain of its own: many at one would be held
		names = append(names, fmt.Sprintf("user@d%d.example", i))
	}
	fail(b, db, names...)
	to := target(b, "csv", b.TempDir())
	if _, err := Publish(ctx, db, to); err != nil {
		b.Fatal(err)
	}
	if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
		b.Fatal(err)
	}
	var more []string
	for i := range 100 {
		more = append(more, fmt.Sprintf("new@n%d.example", i))
	}
	fail(b, db, more...)
	if _, err := Publish(ctx, db, to); err != nil {
		b.Fatal(err)
	}
	var d Delta
	for b.Loop() {
		var err error
		if d, err = PublishDelta(ctx, db, to); err != nil {
			b.Fatal(err)
		}
	}
	if d.Added.Rows != 100 {
		b.Fatalf("%+v", d)
	}
}

package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// couldSplice tells whether Publish will splice the file of to.
func couldSplice(t *testing.T, db *store.DB, to Target) bool {
	t.Helper()
	ctx := context.Background()
	marks, err := db.Exports.ExportMarks(ctx, to.Name)
	if err != nil {
		t.Fatal(err)
	}
	last, err := db.Exports.LastExport(ctx, to.Name)
	if errors.Is(err, engine.ErrNotFound) {
		return false
	}
	state, serr := db.List.ListState(ctx, to.Profile.form.depth())
	if to.Generation, err = db.Exports.LastGeneration(ctx, to.Name); err != nil || serr != nil {
		t.Fatal(err, serr)
	}
	_, err = to.spliceable(marks, state, last)
	return err == nil && state != marks.State
}

// A file that is changed in places is the one that is written whole, whatever
// happened in between, for every profile.
func TestSplicedIsWhole(t *testing.T) {
	ctx := context.Background()
	now := day.AddDate(0, 1, 0)
	db := openAt(t, func() time.Time { return now })
	rnd := rand.New(rand.NewPCG(3, 4))
	var people []string
	for i := range 60 {
		people = append(people, fmt.Sprintf("user%d@d%d.example", i*37%60, i%7))
	}
	people = append(people, "B.b@example.net", "#c@example.com", `"d d"@example.com`, "jörg@example.net", "karl@bücher.example", "e+f@example.com", "g..h@example.net", "'q@example.net", "~z@example.net")
	var targets []Target
	spliced := map[string]int{}
	for _, p := range Profiles() {
		if p.form.lines() {
			to := target(t, p.Name, t.TempDir())
			to.Name = p.Name
			targets = append(targets, to)
		}
	}
	fail(t, db, people[:20]...)
	for step := range 10 {
		now = now.Add(time.Minute)
		if step == 6 {
			if _, err := db.Upkeep.Forget(ctx, people[rnd.IntN(20)], "test"); err != nil {
				t.Fatal(err)
			}
		}
		for range 1 + rnd.IntN(5) {
			who := people[rnd.IntN(len(people))]
			if rnd.IntN(3) == 0 {
				it := notice(who)
				id := fmt.Sprint(who, step)
				it.Message.Raw, it.Message.Locator.Name, it.Message.Received = []byte(id), id, day.AddDate(0, 0, step)
				it.Result.Original.MessageID = "<" + id + ">"
				it.Result.Recipients[0].Reason = []bounce.Reason{bounce.UserUnknown, bounce.AddressInvalid, bounce.MailboxFull}[rnd.IntN(3)]
				if _, err := db.Judge.Commit(ctx, facts.Batch{Items: []facts.Item{it}}); err != nil {
					t.Fatal(err)
				}
				continue
			}
			act := policy.Override{Act: policy.Add, Pattern: who, Reason: "test", Author: "test", At: day.AddDate(0, 0, 1).Add(time.Duration(step) * time.Second)}
			if rnd.IntN(2) == 0 {
				act.Act = policy.Remove
			}
			if _, err := db.Judge.Override(ctx, act); err != nil {
				t.Fatal(err)
			}
		}
		for _, to := range targets {
			if couldSplice(t, db, to) {
				spliced[to.Name]++
			}
			if _, err := Publish(ctx, db, to); err != nil {
				t.Fatal(err)
			}
			whole := to
			whole.Path = filepath.Join(t.TempDir(), filepath.Base(to.Path))
			if _, err := Write(ctx, db.List.Suppressions(ctx, whole.Reading()), whole); err != nil {
				t.Fatal(err)
			}
			got, gerr := os.ReadFile(to.Path)
			want, werr := os.ReadFile(whole.Path)
			if gerr != nil || werr != nil || !bytes.Equal(got, want) {
				t.Fatalf("step %d, %s:\n%s\nwritten whole:\n%s%v%v", step, to.Name, got, want, gerr, werr)
			}
			m, merr := ReadManifest(to.Path)
			n, nerr := ReadManifest(whole.Path)
			if merr != nil || nerr != nil {
				t.Fatal(merr, nerr)
			}
			n.Generation, n.Created, n.Claims, m.Claims = m.Generation, m.Created, nil, nil
			if fmt.Sprintf("%+v", m) != fmt.Sprintf("%+v", n) {
				t.Fatalf("step %d, %s:\n%+v\nwritten whole:\n%+v", step, to.Name, m, n)
			}
		}
	}
	for _, to := range targets {
		if spliced[to.Name] < 6 {
			t.Errorf("%s was changed in places %d times only", to.Name, spliced[to.Name])
		}
	}
}

// What was written over since is not carried on, and a file that changed by
// much is written whole.
func TestSpliceSeesDamage(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	fail(t, db, "a@example.com", "b@example.com", "c@example.com")
	to := target(t, "email", t.TempDir())
	if _, err := Publish(ctx, db, to); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	// The same size, time and inode, as after a disk lost a bit.
	f, err := os.OpenFile(to.Path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("A"), int64(len("email\n")))
	}
	if err := errors.Join(err, f.Close(), os.Chtimes(to.Path, st.ModTime(), st.ModTime())); err != nil {
		t.Fatal(err)
	}
	fail(t, db, "d@example.com")
	if !couldSplice(t, db, to) {
		t.Fatal("it would be written whole for another reason")
	}
	if _, err := Publish(ctx, db, to); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to.Path)
	if want := "email\na@example.com\nb@example.com\nc@example.com\nd@example.com\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	var many []string
	for i := range 150 {
		many = append(many, fmt.Sprintf("m%d@example.com", i))
	}
	fail(t, db, many...)
	if couldSplice(t, db, to) {
		t.Error("150 changes of a list of 4 are spliced")
	}
}

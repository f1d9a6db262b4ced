package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/policy"
)

// openDB is a database whose clock stands a month after day.
func openDB(t testing.TB) *store.DB {
	t.Helper()
	return openAt(t, func() time.Time { return day.AddDate(0, 1, 0) })
}

// openAt is a database with a clock.
func openAt(t testing.TB, now func() time.Time) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "harvester.db"),
		store.Options{Own: []string{"example.org"}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fail stores one notice for each address that there is nobody.
func fail(t testing.TB, db *store.DB, addresses ...string) {
	t.Helper()
	var b facts.Batch
	for _, a := range addresses {
		b.Items = append(b.Items, notice(a))
	}
	if _, err := db.Judge.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// notice says of an address that there is nobody.
func notice(a string) facts.Item {
	return facts.Item{
		Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Name: a}, Raw: []byte(a), Received: day},
		Result: parse.Result{Kind: bounce.KindBounce, Original: parse.Original{MessageID: "<" + a + ">", From: "news@example.org", To: a},
			Recipients: []parse.Recipient{{Recipient: a, Action: bounce.Failed, Status: "5.1.1", ReplyCode: 550, Reason: bounce.UserUnknown,
				Fault: bounce.FaultRecipient, Class: bounce.ClassHard, Rule: "test.unknown", Confidence: bounce.ByRule, Diagnostic: "550 5.1.1 no such user"}}},
	}
}

func TestPublish(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	fail(t, db, "jane.doe@example.com", "fred@example.net")
	to := target(t, "csv", t.TempDir())
	to.Policy = ""
	step := func(rows int, changed bool, generation int64) Result {
		t.Helper()
		res, err := Publish(ctx, db, to)
		if err != nil || res.Rows != rows || res.Changed != changed || res.Generation != generation {
			t.Fatalf("%+v, %v", res, err)
		}
		last, err := db.Exports.LastExport(ctx, to.Name)
		if err != nil || last.Generation != generation || last.SHA256 != res.SHA256 || last.Rows != rows || last.Bytes != res.Bytes {
			t.Fatalf("recorded %+v, %v", last, err)
		}
		return res
	}
	step(2, true, 1)
	step(2, false, 1)
	fail(t, db, "third@example.com")
	step(3, true, 2)
	b, _ := os.ReadFile(to.Path)
	want := "fred@example.net,user_unknown,hard,2026-03-02T07:11:09Z,2026-03-02T07:11:09Z,1,2028-03-01T07:11:09Z,bounce\n"
	if !strings.Contains(string(b), want) {
		t.Errorf("%s lacks %s", b, want)
	}
	m, err := ReadManifest(to.Path)
	if err != nil || len(m.Policy) != 12 || m.Generation != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	// What was withheld in between uses up a generation.
	if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: to.Name, Withheld: true, Why: "too many"}); err != nil {
		t.Fatal(err)
	}
	fail(t, db, "fourth@example.com")
	step(4, true, 4)
	// A file that somebody took away is written again.
	if err := os.Remove(to.Path); err != nil {
		t.Fatal(err)
	}
	step(4, true, 5)
}

// A list that changes too much within an hour is not published, and the file
// stays as it is until somebody has looked.
// A database that is new, because the old one was lost, must not empty the
// list that other senders rely on.
func TestPublishKeepsTheFileOfALostDatabase(t *testing.T) {
	ctx := context.Background()
	to := target(t, "csv", t.TempDir())
	to.Policy = ""
	old := openDB(t)
	fail(t, old, "jane.doe@example.com", "fred@example.net")
	if _, err := Publish(ctx, old, to); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	lost := openDB(t)
	fail(t, lost, "jane.doe@example.com")
	if _, err := Publish(ctx, lost, to); !errors.Is(err, ErrOtherDatabase) {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(to.Path); err != nil || string(after) != string(before) {
		t.Errorf("the file is now %q (%v)", after, err)
	}
	fail(t, lost, "fred@example.net") // as an import of the old mail would
	if _, err := Publish(ctx, lost, to); err != nil {
		t.Errorf("the whole list is there again: %v", err)
	}
}

func TestPublishObeysTheGuard(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	fail(t, db, "jane.doe@example.com")
	to := target(t, "email", t.TempDir())
	if _, err := Publish(ctx, db, to); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 500 {
		many = append(many, fmt.Sprintf("user%d@domain%d.example", i, i))
	}
	fail(t, db, many...)
	_, err := Publish(ctx, db, to)
	if b, _ := os.ReadFile(to.Path); !errors.Is(err, engine.ErrStopped) || string(b) != "email\njane.doe@example.com\n" {
		t.Errorf("%v; the file is %d bytes long", err, len(b))
	}
	if _, err := PublishDelta(ctx, db, to); !errors.Is(err, engine.ErrStopped) {
		t.Errorf("the delta went out: %v", err)
	}
}

// A worker whose lease another took between the writing of a file and its rename
// puts nothing into its place, and leaves nothing behind.
func TestPublishAfterALostLease(t *testing.T) {
	db := openDB(t)
	to := target(t, "email", t.TempDir())
	path := to.Path
	content := func() string {
		var all strings.Builder
		for _, name := range []string{path, ManifestPath(path), AddPath(path), RemovePath(path)} {
			b, err := os.ReadFile(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			all.Write(b)
		}
		return all.String()
	}
	publish := func(ctx context.Context) error {
		res, err := Publish(ctx, db, to)
		if err == nil && res.Generation == 1 {
			_, err = db.Exports.AckExport(ctx, to.Name)
		}
		if err == nil {
			_, err = PublishDelta(ctx, db, to)
		}
		return err
	}
	fail(t, db, "a@example.net")
	if err := publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := content()
	fail(t, db, "b@example.net")
	written := 0
	lost := engine.Fenced(t.Context(), func(*engine.Tx) error {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp"))
		written += len(found)
		return errors.Join(err, fleet.ErrLost)
	})
	if err := publish(lost); !errors.Is(err, fleet.ErrLost) {
		t.Errorf("a former owner publishes: %v", err)
	}
	if _, err := PublishDelta(lost, db, to); !errors.Is(err, fleet.ErrLost) {
		t.Errorf("a former owner publishes what changed: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")); err != nil || len(left) > 0 || written < 2 {
		t.Errorf("%d files were written when the lease was looked at, %q are left: %v", written, left, err)
	}
	if got := content(); got != before {
		t.Errorf("the files changed:\n%s\nwere\n%s", got, before)
	}
	held := engine.Fenced(t.Context(), func(*engine.Tx) error { return nil })
	if err := publish(held); err != nil || !strings.Contains(content(), "b@example.net") {
		t.Errorf("its owner does not publish: %v", err)
	}
}

func TestPublishNarrowed(t *testing.T) {
	db := openDB(t)
	fail(t, db, "jane.doe@example.com", "fred@example.net")
	to := target(t, "email", t.TempDir())
	to.Filter.Domain = "Example.NET"
	if _, err := Publish(context.Background(), db, to); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(to.Path)
	m, err := ReadManifest(to.Path)
	if string(b) != "email\nfred@example.net\n" || err != nil || m.Filter.Domain != "Example.NET" {
		t.Errorf("%q, %+v, %v", b, m, err)
	}
}

// A file can be narrowed to some reasons and domains; what leaves its part of
// the list is a removal in the delta.
func TestPublishNarrowedByReasonAndDomain(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	fail(t, db, "jane.doe@example.com", "karl@bücher.example", "fred@example.net")
	to := target(t, "email", t.TempDir())
	to.Filter.Reasons, to.Filter.Domains = []string{"user_unknown"}, []string{"Example.COM", "bücher.example"}
	if res, err := Publish(ctx, db, to); err != nil || res.Rows != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if m, err := ReadManifest(to.Path); err != nil || len(m.Filter.Reasons) != 1 || len(m.Filter.Domains) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Remove, Pattern: "jane.doe@example.com", Reason: "lives", Author: "op"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(ctx, db, to); err != nil {
		t.Fatal(err)
	}
	if d, err := PublishDelta(ctx, db, to); err != nil || d.Removed != 1 || d.Added.Rows != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// A file can be narrowed to what came onto the list since a day, whenever the
// mail failed. What is on it leaves it by leaving the list alone.
func TestPublishSinceADay(t *testing.T) {
	ctx := context.Background()
	now := day.AddDate(0, 1, 0)
	db := openAt(t, func() time.Time { return now })
	fail(t, db, "early@example.com", "again@example.com")
	to := target(t, "email", t.TempDir())
	to.Filter.Since = now.AddDate(0, 0, 1)
	step := func(want string) {
		t.Helper()
		if _, err := Publish(ctx, db, to); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(to.Path); err != nil || string(b) != "email\n"+want {
			t.Errorf("the file is %q, %v", b, err)
		}
		if wrong, err := Verify(ctx, db, to); err != nil || len(wrong) > 0 {
			t.Errorf("verify: %q, %v", wrong, err)
		}
	}
	override := func(act policy.Act, who string) {
		t.Helper()
		now = now.Add(time.Hour)
		if _, err := db.Judge.Override(ctx, policy.Override{Act: act, Pattern: who, Reason: "test", Author: "op", At: now}); err != nil {
			t.Fatal(err)
		}
	}
	step("")
	now = to.Filter.Since
	fail(t, db, "late@example.com") // the notice is as old as the others
	step("late@example.com\n")
	if m, err := ReadManifest(to.Path); err != nil || !m.Filter.Since.Equal(to.Filter.Since) {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := db.Exports.AckExport(ctx, to.Name); err != nil {
		t.Fatal(err)
	}
	override(policy.Remove, "again@example.com")
	override(policy.Add, "again@example.com")
	override(policy.Remove, "late@example.com")
	step("again@example.com\n")
	if d, err := PublishDelta(ctx, db, to); err != nil || d.Removed != 1 || d.Added.Rows != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

func ExampleSkippedPath() {
	fmt.Println(SkippedPath("/var/lib/harvester/export/suppression.csv"))
	// Output: /var/lib/harvester/export/suppression.csv.skipped.csv
}

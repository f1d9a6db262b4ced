package export

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store/query"
)

// A file that no export wrote is never touched, whichever of ours it would be.
func TestForeignFilesStay(t *testing.T) {
	entries := []query.Suppression{hard("a@example.com"), hard("b@example.com"), hard("line\nbreak@example.com")}
	for _, place := range []func(string) string{
		func(p string) string { return p },
		func(p string) string { return partPath(p, 1) },
		SkippedPath, ManifestPath,
	} {
		to := target(t, "email", t.TempDir())
		to.Profile.MaxRows = 1
		theirs := place(to.Path)
		if err := os.WriteFile(theirs, []byte("jane@example.com OK\n"), 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := Write(context.Background(), seq(entries), to)
		if err == nil || !strings.Contains(err.Error(), "away") || !strings.Contains(err.Error(), theirs) {
			t.Errorf("%s: %v", filepath.Base(theirs), err)
		}
		if b, _ := os.ReadFile(theirs); string(b) != "jane@example.com OK\n" {
			t.Errorf("%s holds %q now", theirs, b)
		}
		if err := os.Remove(theirs); err != nil {
			t.Fatal(err)
		}
		if res := mustWrite(t, entries, to); len(res.Files) != 2 {
			t.Errorf("when it is away: %+v", res)
		}
	}
}

// After a crash between a first file and its manifest, the file is ours.
func TestCrashBeforeTheManifest(t *testing.T) {
	to := target(t, "email", t.TempDir())
	w := &writer{t: &to, omitted: make([]int, len(kindNames))}
	e := hard("a@example.com")
	if err := errors.Join(w.nextPart(), w.add(&e), w.seal()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.claim(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.parts[0].publish(); err != nil {
		t.Fatal(err)
	}
	if res := mustWrite(t, []query.Suppression{hard("b@example.com")}, to); res.Generation != 1 || !res.Changed {
		t.Errorf("%+v", res)
	}
	if m, err := ReadManifest(to.Path); err != nil || m.Rows != 1 || m.Claims != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// Files beside one another keep what they skipped apart, a delta from its file
// too, with and without an extension.
func TestSkippedFilesAreApart(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]string{}
	for _, name := range []string{"list", "list.csv", "list.txt"} {
		for what, path := range map[string]string{"": filepath.Join(dir, name), " add": AddPath(filepath.Join(dir, name))} {
			if other, twice := seen[SkippedPath(path)]; twice {
				t.Errorf("%s%s and %s share %s", name, what, other, SkippedPath(path))
			}
			seen[SkippedPath(path)] = name + what
		}
	}
	// What an earlier version called otherwise is taken away.
	to := target(t, "sendgrid", dir)
	odd := []query.Suppression{hard(`"a,b"@example.com`)}
	mustWrite(t, odd, to)
	m, err := ReadManifest(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "suppression.skipped.csv")
	if err := os.Rename(SkippedPath(to.Path), old); err != nil {
		t.Fatal(err)
	}
	m.SkippedAt = base(old)
	if _, err := m.write(to.Path); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, odd, to)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
	if _, err := os.Stat(SkippedPath(to.Path)); err != nil {
		t.Error(err)
	}
}

// No first file tells everybody to mail because a mailbox was never read.
func TestNoEmptyFirstFile(t *testing.T) {
	ctx := context.Background()
	db := openDB(t)
	to := target(t, "email", t.TempDir())
	to.Unread = []string{"bounces"}
	if _, err := Publish(ctx, db, to); !errors.Is(err, ErrUnread) || !strings.Contains(err.Error(), "bounces") {
		t.Errorf("%v", err)
	}
	if names(t, filepath.Dir(to.Path)) != "" {
		t.Errorf("written: %s", names(t, filepath.Dir(to.Path)))
	}
	read, err := db.Mailboxes.EverRead(ctx, "bounces")
	if err != nil || read {
		t.Errorf("read: %v, %v", read, err)
	}
	fail(t, db, "jane@example.com")
	if read, err = db.Mailboxes.EverRead(ctx, "bounces"); err != nil || !read {
		t.Errorf("read: %v, %v", read, err)
	}
	if res, err := Publish(ctx, db, to); err != nil || res.Rows != 1 {
		t.Errorf("with something to tell: %+v, %v", res, err)
	}
}

package compose

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"harvester/cmd/harvester/config"
)

// Two mailboxes may read two folders of one place; one folder has one reader.
func TestClaimsAreOfFolders(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the sockets for it")
	}
	maildir := filepath.Join(t.TempDir(), "Maildir")
	box := func(name config.Name, folder string) config.Mailbox {
		return config.Mailbox{Name: name, Type: config.Maildir, Path: maildir, Folders: []string{folder}}
	}
	held, err := claim(t.Context(), maildir, []config.Mailbox{box("a", "INBOX"), box("b", "Bounces")}, "first", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if _, err := claim(t.Context(), maildir, []config.Mailbox{box("c", "Bounces")}, "second", slog.New(slog.DiscardHandler)); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
}

// A relative path is another folder in each directory, and the same folder has one
// reader by whatever path.
func TestClaimsAreOfRealPaths(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the sockets for it")
	}
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := os.Mkdir(filepath.Join(dir, "md"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(first, "md"), filepath.Join(second, "link")); err != nil {
		t.Fatal(err)
	}
	take := func(path string) error {
		t.Helper()
		held, err := claim(t.Context(), path, []config.Mailbox{{Name: "m", Type: config.Maildir, Path: path, Folders: []string{"INBOX"}}}, "a reader", slog.New(slog.DiscardHandler))
		t.Cleanup(held.release)
		return err
	}
	t.Chdir(first)
	if err := take("md"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(first, "md"), filepath.Join(second, "link")} {
		if err := take(path); !errors.Is(err, ErrInUse) {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Chdir(second)
	if err := take("md"); err != nil {
		t.Errorf("another folder: %v", err)
	}
}

// Whoever binds the names of a mailbox without being allowed to harvest it stops
// nobody: the next name is taken, and another harvester finds it there. Where all
// are taken, the harvest goes on without the guard.
func TestClaimsOfStrangersDontCount(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the sockets for it")
	}
	name := "@harvester/test " + t.TempDir()
	us, strangers := []uint32{uint32(os.Geteuid())}, []uint32{uint32(os.Geteuid()) + 1} // to strangers, we are the stranger
	squatter, by, err := claimPlace(t.Context(), name, us)
	if err != nil || by != "" || squatter == nil {
		t.Fatal(by, err)
	}
	defer squatter.Close()
	go answerClaims(squatter, "a squatter\n")

	harvester, by, err := claimPlace(t.Context(), name, strangers)
	if err != nil || by != "" || harvester == nil {
		t.Fatalf("stopped by a stranger: %q, %v", by, err)
	}
	defer harvester.Close()
	go answerClaims(harvester, "a harvester\n")
	if _, by, _ := claimPlace(t.Context(), name, us); by != "a squatter" && by != "a harvester" {
		t.Errorf("not found: %q", by)
	}
	// The first name is free again: a harvester behind it counts all the same.
	squatter.Close()
	second, by, err := claimPlace(t.Context(), name, us)
	if err != nil || by != "a harvester" {
		t.Errorf("%q, %v", by, err)
	}
	second.Close()

	var all claims
	for range namesEach {
		l, _, err := claimPlace(t.Context(), name, strangers)
		if err != nil {
			t.Fatal(err)
		}
		if l != nil {
			all = append(all, l)
		}
	}
	defer all.release()
	if l, by, err := claimPlace(t.Context(), name, strangers); l != nil || by != "" || err != nil {
		t.Errorf("%v, %q, %v: want none, and nobody to wait for", l, by, err)
	}
}

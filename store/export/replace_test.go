package export

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func names(t *testing.T, dir string) string {
	t.Helper()
	ents, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range ents {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "list [a*].csv")
	step := func(body string, want bool) os.FileInfo {
		t.Helper()
		changed, err := Replace(path, text(body))
		if err != nil || changed != want {
			t.Fatalf("changed %v, err %v", changed, err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != body {
			t.Fatalf("read %q, %v", got, err)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	if st := step("a\n", true); st.Mode().Perm() != 0o640 {
		t.Errorf("a new file has mode %v", st.Mode())
	}
	old := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if err := errors.Join(os.Chmod(path, 0o604), os.Chtimes(path, old, old)); err != nil {
		t.Fatal(err)
	}
	if st := step("a\n", false); !st.ModTime().Equal(old) {
		t.Errorf("unchanged bytes moved the time to %v", st.ModTime())
	}
	stale := filepath.Join(dir, ".list [a*].csv.123.tmp")
	if err := errors.Join(os.WriteFile(stale, nil, 0o600), os.Chtimes(stale, old, old)); err != nil {
		t.Fatal(err)
	}
	if st := step("b\n", true); st.Mode().Perm() != 0o604 {
		t.Errorf("an existing mode became %v", st.Mode())
	}
	if got := names(t, dir); got != "list [a*].csv" {
		t.Errorf("left behind: %s", got)
	}
}

// Whatever goes wrong, the previous file stays and nothing else is left.
func TestReplaceKeepsThePreviousFile(t *testing.T) {
	full := fmt.Errorf("write: %w", syscall.ENOSPC)
	cases := []struct {
		name, path, want string
		write            func(io.Writer) error
		is               error
	}{
		{"full disk", "list.csv", "free some space", func(w io.Writer) error { _, _ = w.Write([]byte("half")); return full }, syscall.ENOSPC},
		{"link", "link.csv", "symbolic link", text("x"), nil},
		{"folder", "folder", "no regular file", text("x"), nil},
		{"no directory", "none/list.csv", "create the directory", text("x"), os.ErrNotExist},
		{"file as directory", "list.csv/x", "not a directory", text("x"), syscall.ENOTDIR},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			list := filepath.Join(dir, "list.csv")
			if err := errors.Join(os.WriteFile(list, []byte("old\n"), 0o640), os.Symlink(list, filepath.Join(dir, "link.csv")),
				os.Mkdir(filepath.Join(dir, "folder"), 0o750)); err != nil {
				t.Fatal(err)
			}
			before := names(t, dir)
			changed, err := Replace(filepath.Join(dir, c.path), c.write)
			if err == nil || changed || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("changed %v, err %v", changed, err)
			}
			if got, _ := os.ReadFile(list); string(got) != "old\n" || names(t, dir) != before {
				t.Errorf("now %q, and in the directory: %s", got, names(t, dir))
			}
		})
	}
}

func TestReplaceInUnwritableDirectory(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Replace(filepath.Join(dir, "list.csv"), text("x"))
	if err == nil || !strings.Contains(err.Error(), "must be writable") {
		t.Errorf("got %v", err)
	}
}

// A directory behind a link is fine: the temporary file lies where it points.
func TestReplaceThroughLinkedDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o750), os.Symlink("real", filepath.Join(dir, "way"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Replace(filepath.Join(dir, "way", "list.csv"), text("x")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(dir, "real")); got != "list.csv" {
		t.Errorf("in the real directory: %s", got)
	}
}

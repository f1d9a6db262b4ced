package compose

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/schedule"
	"harvester/store/export"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
)

// exporting is a set with one export, the file list/list.csv of its folder.
type exporting struct {
	*Set
	t   *testing.T
	dir string
	job schedule.Job
}

func newExporting(t *testing.T, more string) *exporting {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "list"), 0o750); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(filepath.Join(dir, "harvester.toml"), []byte(`own_domains = ["example.org"]
[store]
path = "h.db"
[[export]]
name = "list"
profile = "email"
path = "list/list.csv"
`+more))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Open(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	files := set.Files()
	i := slices.IndexFunc(files, func(j schedule.Job) bool { return j.Name == job.Export.Of("list") })
	return &exporting{Set: set, t: t, dir: dir, job: files[i]}
}

func (x *exporting) path() string { return filepath.Join(x.dir, "list", "list.csv") }

func (x *exporting) add(addresses ...string) {
	x.t.Helper()
	for _, a := range addresses {
		if _, err := x.DB.Judge.Override(x.t.Context(), policy.Override{Act: policy.Add, Pattern: a, Reason: "test", Author: "test"}); err != nil {
			x.t.Fatal(err)
		}
	}
}

// run runs the job and returns how the status shows it afterwards.
func (x *exporting) run() facts.Run {
	x.t.Helper()
	_, err := schedule.Do(x.t.Context(), x.DB.Runs, &x.job, slog.New(slog.DiscardHandler))
	s, serr := x.DB.Reports.Status(x.t.Context())
	if serr != nil || len(s.Jobs) != 1 || s.Jobs[0].OK != (err == nil) {
		x.t.Fatalf("%+v, %v; the run: %v", s.Jobs, serr, err)
	}
	return s.Jobs[0]
}

func (x *exporting) content() string {
	x.t.Helper()
	b, err := os.ReadFile(x.path())
	if err != nil {
		x.t.Fatal(err)
	}
	return string(b)
}

// Whatever keeps a file from being written is said in the status; the previous
// one stands with its manifest, nothing is left beside it, and the run after
// writes what was missed.
func TestExportThatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		name, want string
		harm       func(x *exporting) (mend func() error, err error)
	}{
		{"the folder is gone", "create the directory", func(x *exporting) (func() error, error) {
			away := filepath.Join(x.dir, "away")
			return func() error { return os.Rename(away, filepath.Dir(x.path())) }, os.Rename(filepath.Dir(x.path()), away)
		}},
		{"a link in its place", "symbolic link", func(x *exporting) (func() error, error) {
			away := filepath.Join(x.dir, "away.csv")
			return func() error { return os.Rename(away, x.path()) }, errors.Join(os.Rename(x.path(), away), os.Symlink(away, x.path()))
		}},
		{"the folder is a link to nowhere", "create the directory", func(x *exporting) (func() error, error) {
			dir, away := filepath.Dir(x.path()), filepath.Join(x.dir, "away")
			return func() error { return errors.Join(os.Remove(dir), os.Rename(away, dir)) }, errors.Join(os.Rename(dir, away), os.Symlink("nowhere", dir))
		}},
		{"the folder is read-only", "must be writable", func(x *exporting) (func() error, error) {
			dir := filepath.Dir(x.path())
			return func() error { return mount(x, "-o", "remount,rw", dir) }, mount(x, "-o", "remount,ro", dir)
		}},
		{"the disk is full", "free some space", func(x *exporting) (func() error, error) {
			filler := filepath.Join(filepath.Dir(x.path()), "filler")
			if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
				return nil, errors.New("the disk takes a megabyte")
			}
			return func() error { return os.Remove(filler) }, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newExporting(t, "")
			if c.want == "must be writable" || c.want == "free some space" {
				small(x)
			}
			x.add("jane@example.com")
			if j := x.run(); !j.OK {
				t.Fatal(j.Detail)
			}
			before := x.content()
			mend, err := c.harm(x)
			if err != nil {
				t.Fatal(err)
			}
			x.add("fred@example.net")
			if j := x.run(); j.OK || !strings.Contains(j.Detail, "exporting list: ") || !strings.Contains(j.Detail, c.want) {
				t.Errorf("the status says %+v", j)
			}
			if err := mend(); err != nil {
				t.Fatal(err)
			}
			if got := x.content(); got != before {
				t.Errorf("the previous file is now %q", got)
			}
			entries, err := os.ReadDir(filepath.Dir(x.path()))
			if err != nil || len(entries) != 2 {
				t.Errorf("in the folder: %v, %v", entries, err)
			}
			if m, err := export.ReadManifest(x.path()); err != nil || m.Rows != 1 {
				t.Errorf("the manifest: %+v, %v", m, err)
			}
			if j := x.run(); !j.OK || x.content() != "email\nfred@example.net\njane@example.com\n" {
				t.Errorf("afterwards: %+v, %q", j, x.content())
			}
		})
	}
}

// small puts a file system of some pages under the folder of the export, or
// skips the test where that isn't allowed.
func small(x *exporting) {
	x.t.Helper()
	dir := filepath.Dir(x.path())
	if err := mount(x, "-t", "tmpfs", "-o", "size=64k", "none", dir); err != nil {
		x.t.Skipf("only root of a machine may mount: %v", err)
	}
	x.t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			x.t.Errorf("%v: %s", err, out)
		}
	})
}

func mount(x *exporting, args ...string) error {
	out, err := exec.CommandContext(x.t.Context(), "mount", args...).CombinedOutput()
	if err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
}

// A command that hangs or fails is killed and said in the status. The file is
// written all the same, and the command runs again until it succeeds, once.
func TestExportTellsUntilItIsHeard(t *testing.T) {
	x := newExporting(t, `on_change = ["sh", "-c", "echo told >> told; if [ -e hang ]; then sleep 60 & sleep 60; fi; [ ! -e fail ]"]
`)
	t.Chdir(x.dir)
	told := func(want int) {
		t.Helper()
		b, err := os.ReadFile("told")
		if err != nil && !errors.Is(err, fs.ErrNotExist) || strings.Count(string(b), "told") != want {
			t.Errorf("told %q, want %d times; %v", b, want, err)
		}
	}
	x.add("jane@example.com")
	x.hookDeadline = time.Second
	for i, c := range []struct{ fault, want string }{{"hang", "it took longer than 1s and was killed"}, {"fail", "exit status 1"}} {
		if err := os.WriteFile(c.fault, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if j := x.run(); j.OK || !strings.Contains(j.Detail, "running on_change of export list (sh): "+c.want) {
			t.Errorf("%s: the status says %+v", c.fault, j)
		}
		told(i + 1)
		if err := os.Remove(c.fault); err != nil {
			t.Fatal(err)
		}
		x.hookDeadline = hookDeadline
	}
	if got := x.content(); got != "email\njane@example.com\n" {
		t.Errorf("the file is %q", got)
	}
	for range 2 {
		if j := x.run(); !j.OK {
			t.Errorf("unharmed: %+v", j)
		}
		told(3)
	}
	x.add("fred@example.net")
	if j := x.run(); !j.OK {
		t.Errorf("a change: %+v", j)
	}
	told(4)
}

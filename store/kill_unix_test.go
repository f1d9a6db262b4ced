//go:build unix

package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"harvester/parse/bounce"
)

// victim runs this test binary for one test that a variable tells of a path, and
// returns what it prints, a line at a time.
func victim(t *testing.T, test, variable, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// killAfter runs this test binary as the victim and kills it a moment after
// it reported that many commits.
func killAfter(t *testing.T, path string, commits int) {
	t.Helper()
	cmd, lines := victim(t, "TestKilledInTheMiddle", "STORE_TEST_VICTIM", path)
	for range commits {
		if !lines.Scan() {
			t.Fatal("the victim ended by itself")
		}
	}
	time.Sleep(5 * time.Millisecond) // into the next commit
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the victim ended by itself")
	}
}

// A migration that is killed at any moment leaves the old schema or the new
// one, whole, and the next start brings it to its end.
func TestKilledWhileMigrating(t *testing.T) {
	if path := os.Getenv("STORE_TEST_MIGRATES"); path != "" {
		fmt.Println("begins")
		db := openAt(t, path, Options{Now: later})
		fmt.Println("ended", db.Path())
		return
	}
	script := oldSchemas(t)[1]
	path := filepath.Join(t.TempDir(), "whole.db")
	fillOld(t, path, script)
	_, rows := holds(t, path)
	db := openAt(t, path, Options{Now: later})
	newest, _ := holds(t, path)
	want := image(t, db)
	whole := false
	for after := time.Duration(0); !whole; after += time.Millisecond + after/3 {
		path := filepath.Join(t.TempDir(), "killed.db")
		fillOld(t, path, script)
		cmd, lines := victim(t, "TestKilledWhileMigrating", "STORE_TEST_MIGRATES", path)
		lines.Scan()
		time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGKILL) }) // where it is then differs, and may
		for lines.Scan() {
			whole = whole || strings.HasPrefix(lines.Text(), "ended")
		}
		cmd.Wait()
		if v, left := holds(t, path); v != 1 && v != newest || left != rows {
			t.Fatalf("killed after %v: schema %d with %s, want %s", after, v, left, rows)
		}
		if got := image(t, openAt(t, path, Options{Now: later})); got != want {
			t.Fatalf("killed after %v: the list is\n%s\nwant\n%s", after, got, want)
		}
	}
}

// What a killed backup left is swept by the next, but not what one that still
// runs writes, and nothing else of a like name.
func TestBackupSweeps(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, filepath.Join(dir, "h.db"), Options{Owner: "the daemon"})
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown))
	to := filepath.Join(dir, "good.db")
	left := []string{to + ".part-1", to + ".part-1-journal", to + ".part-2-wal", fmt.Sprintf("%s.part-%d", to, os.Getpid())}
	stays := []string{to + ".part-99", to + ".part-of-mine", to + ".part-", filepath.Join(dir, "other.db.part-1")}
	for _, path := range append(left, stays...) {
		write(t, path, "half a copy")
	}
	running, err := os.Open(to + ".part-99")
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if err := syscall.Flock(int(running.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	for _, path := range left {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s was not swept: %v", path, err)
		}
	}
	for _, path := range stays {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s was swept: %v", path, err)
		}
	}
}

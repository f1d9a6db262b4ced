package compare

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cost is what a process took.
type cost struct {
	wall, cpu time.Duration
	peak      float64 // MB
}

// measure runs a build to its end.
func (b build) measure(t *testing.T, in io.Reader, args ...string) cost {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.program, args...)
	var errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, io.Discard, &errs
	started := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	var peak float64
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%s: %v: %v\n%s", b.name, args, err, errs.String())
			}
			return cost{time.Since(started), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak}
		case <-look.C:
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater is the most memory that a process had so far, in MB (proc(5)); 0
// where the system does not tell. What wait(2) tells would begin with this
// process's own.
func highWater(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	kb, _ := strconv.Atoi(strings.TrimSpace(line))
	return float64(kb) / 1024
}

// configured writes a configuration into a folder of its own and returns its
// path.
func configured(t *testing.T, dir, text string) string {
	t.Helper()
	file := filepath.Join(dir, "harvester.toml")
	write(t, file, "own_domains = [\"example.org\", \"example.com\"]\ntimezone = \"UTC\"\n[store]\npath = \"h.db\"\n"+text)
	return file
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// duplicate copies a database, closed in good order, into a folder.
func duplicate(t *testing.T, from, dir string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		in, err := os.Open(from + suffix)
		if os.IsNotExist(err) && suffix != "" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(dir, "h.db"+suffix))
		if err == nil {
			_, err = io.Copy(out, in)
		}
		if err == nil {
			err = out.Close()
		}
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

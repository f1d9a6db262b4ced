//go:build unix

package export

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOnChange(t *testing.T) {
	dir := t.TempDir()
	to := Target{Name: "news", Path: filepath.Join(dir, "list.csv")}
	run := func(timeout time.Duration, argv ...string) error {
		return OnChange(context.Background(), argv, timeout, to, Result{Generation: 7, Rows: 3})
	}
	out := filepath.Join(dir, "out")
	if err := run(time.Minute, "sh", "-c", `echo "$HARVESTER_EXPORT $HARVESTER_GENERATION $HARVESTER_ROWS $1" > "$0"`, out, "$(not a shell);"); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(out); string(b) != "news 7 3 $(not a shell);\n" {
		t.Errorf("the command saw %q", b)
	}
	for _, c := range []struct {
		name    string
		timeout time.Duration
		argv    []string
		want    string
	}{
		{"nothing to do", time.Minute, nil, ""},
		{"fails", time.Minute, []string{"sh", "-c", "echo no such map >&2; exit 3"}, `exit status 3: "no such map"`},
		{"hangs", 50 * time.Millisecond, []string{"sh", "-c", "sleep 60 & sleep 60"}, "took longer than 50ms and was killed"},
		{"not there", time.Minute, []string{"/no/such/program"}, "no such file"},
		{"talks without end", time.Minute, []string{"sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo wordy; i=$((i+1)); done; exit 1"}, "exit status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := run(c.timeout, c.argv...)
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || len(err.Error()) > 2000) {
				t.Errorf("got %.300v", err)
			}
		})
	}
}

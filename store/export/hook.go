package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// hookOutput is how much of a hook's output an error quotes, in bytes.
const hookOutput = 500

// OnChange runs the command that an operator wants after a change of a file
// (argv[0] is the program, there is no shell), with HARVESTER_EXPORT,
// HARVESTER_PATH, HARVESTER_GENERATION and HARVESTER_ROWS in its environment.
// It is killed, with the processes that it started, when it takes longer than
// timeout. Its failure says what it printed last; the written file stays.
func OnChange(ctx context.Context, argv []string, timeout time.Duration, t Target, res Result) error {
	if len(argv) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	ownGroup(cmd)
	cmd.WaitDelay = 2 * time.Second // for a grandchild that keeps the pipe open
	cmd.Env = append(os.Environ(), "HARVESTER_EXPORT="+t.Name, "HARVESTER_PATH="+t.Path,
		"HARVESTER_GENERATION="+strconv.FormatInt(res.Generation, 10), "HARVESTER_ROWS="+strconv.Itoa(res.Rows))
	out := &tail{most: hookOutput}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %v and was killed", timeout)
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	said := ""
	if s := strings.TrimSpace(string(out.kept)); s != "" {
		said = ": " + strconv.Quote(s)
	}
	return fmt.Errorf("running on_change of export %s (%s): %w%s; the file %s is written all the same", t.Name, argv[0], err, said, t.Path)
}

// tail keeps the last bytes of what is written to it.
type tail struct {
	most int
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.most):]...)
	t.kept = t.kept[max(0, len(t.kept)-t.most):]
	return len(p), nil
}

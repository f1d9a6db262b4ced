package compare

import (
	"bufio"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// fill stores a history (WriteHistory) and returns the path of its database,
// which lasts as long as the test.
func fill(t *testing.T, b build, n, times int) string {
	t.Helper()
	dir := t.TempDir()
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(out, 1<<20)
		err := WriteHistory(w, n, times, time.Now())
		if err == nil {
			err = w.Flush()
		}
		out.CloseWithError(err)
	}()
	b.measure(t, in, "import", "-", "--config", configured(t, dir, ""))
	return filepath.Join(dir, "h.db")
}

package engine

import (
	"os"
	"path/filepath"
	"testing"
)

// What readers need who may not write to the folder stays beside the file when
// nobody has it open, and the journal is empty then: the file alone is whole.
func TestJournalStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.db")
	w, err := openLasting((&file{path: path}).dsn(map[string][]string{"_journal_mode": {"WAL"}, "_pragma": {"journal_size_limit(67108864)"}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`CREATE TABLE t (a)`, `INSERT INTO t VALUES (1)`} {
		if _, err := w.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil || wal.Size() != 0 {
		t.Errorf("the journal: %v, %v", wal, err)
	}
	if _, err := os.Stat(path + "-shm"); err != nil {
		t.Error(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	r, err := (&file{path: path}).readers(map[string][]string{"mode": {"ro"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var n int
	if err := r.QueryRowContext(t.Context(), `SELECT count(*) FROM t`).Scan(&n); err != nil || n != 1 {
		t.Errorf("the file alone holds %d rows: %v", n, err)
	}
}

package export

import (
	"context"
	"harvester/store"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manual returns the indented lines of docs/howto.md that stand after a text.
func manual(t *testing.T, after string) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/howto.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(b), after)
	if !found {
		t.Fatalf("docs/howto.md does not say %q", after)
	}
	var lines []string
	for _, line := range strings.Split(rest, "\n")[1:] {
		if text, code := strings.CutPrefix(line, "    "); code {
			lines = append(lines, text)
		} else if line != "" {
			break
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// The table in the manual makes Postfix find every address of the database,
// those that no file can hold too.
func TestPostfixReadsTheDatabase(t *testing.T) {
	postmap := program(t, "HARVESTER_POSTMAP", "postmap")
	ctx, dir := context.Background(), t.TempDir()
	path := filepath.Join(dir, "harvester.db")
	db, err := store.Open(ctx, path, store.Options{Own: []string{"example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	listed := []string{"jane@example.net", "#hash@example.net", "a..b@docomo.example", "o'brien@example.net", "jörg@example.com", "per%cent@example.net", "x@xn--bcher-kva.example"}
	fail(t, db, listed...)
	table := filepath.Join(dir, "harvester.cf")
	text := strings.ReplaceAll(manual(t, "`/etc/postfix/harvester.cf`:"), "/var/lib/harvester/harvester.db", path)
	for name, content := range map[string]string{table: text, filepath.Join(dir, "main.cf"): "compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n"} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, _ := exec.CommandContext(ctx, postmap, "-c", dir, "-q", "x@example.net", "sqlite:"+table).CombinedOutput(); strings.Contains(string(out), "nsupported") {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatalf("HARVESTER_REQUIRE_MTA=1, but Postfix lacks SQLite (postfix-sqlite): %s", out)
		}
		t.Skip("Postfix lacks SQLite (postfix-sqlite)")
	}
	out := runWith(t, strings.Join(append(listed, "JANE@EXAMPLE.NET", "fred@example.net", "' OR 1=1 --@example.net"), "\n")+"\n", postmap, "-c", dir, "-q", "-", "sqlite:"+table)
	for _, a := range append(listed, "JANE@EXAMPLE.NET") {
		if !strings.Contains("\n"+out, "\n"+a+"\t550 5.7.1 suppressed by harvester: user_unknown") {
			t.Errorf("%s is not found", a)
		}
	}
	if n := strings.Count(out, "\n"); n != len(listed)+1 {
		t.Errorf("%d answers:\n%s", n, out)
	}
}

package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store"
	"harvester/store/export/mtatest"
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
	postmap := mtatest.Program(t, "HARVESTER_POSTMAP", "postmap")
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

// The lines of the manual make Exim refuse every address of the database, those
// that no file can hold too, and no other.
func TestEximReadsTheDatabase(t *testing.T) {
	exim := mtatest.Program(t, "HARVESTER_EXIM", "exim4", "exim")
	if !strings.Contains(runWith(t, "", exim, "-bV"), "sqlite") {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatal("HARVESTER_REQUIRE_MTA=1, but Exim lacks SQLite (exim4-daemon-heavy)")
		}
		t.Skip("Exim lacks SQLite (exim4-daemon-heavy)")
	}
	ctx, dir := context.Background(), mtatest.Scratch(t)
	if err := errors.Join(os.Chmod(dir, 0o777), os.Mkdir(filepath.Join(dir, "harvester"), 0o755)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "harvester", "harvester.db") // Exim may not write there
	db, err := store.Open(ctx, path, store.Options{Own: []string{"example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{"jane@example.net", "#hash@example.net", "o'brien@example.net", "jörg@example.com", "per%cent@example.net", "x@xn--bcher-kva.example", "user+tag@example.net", "$dollar{x}@example.net"}
	fail(t, db, listed...)
	if err := db.Close(); err != nil { // harvester may be stopped
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	main, acl, _ := strings.Cut(strings.ReplaceAll(manual(t, "In the main part, then in the same ACL:"), "/var/lib/harvester/harvester.db", path), "\n")
	conf := filepath.Join(dir, "exim.conf")
	text := fmt.Sprintf("primary_hostname = mail.example.org\nsmtputf8_advertise_hosts = *\nlog_file_path = %s/%%slog\nspool_directory = %s\nacl_smtp_rcpt = rcpt\n%s\nbegin acl\nrcpt:\n%s\n  accept\n", dir, dir, main, acl)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	asked := append(append([]string{}, listed...), "JANE@EXAMPLE.NET", "fred@example.net", "'or'1'='1@example.net")
	session := "EHLO client.example.org\r\nMAIL FROM:<news@example.org> SMTPUTF8\r\n"
	for _, a := range asked {
		session += "RCPT TO:<" + a + ">\r\n"
	}
	var answers []string
	for _, line := range strings.Split(runWith(t, session+"QUIT\r\n", exim, "-C", conf, "-bh", "192.0.2.9"), "\n") {
		if line = strings.TrimRight(line, "\r"); len(line) > 3 && strings.Contains("550 501 451", line[:3]) || line == "250 Accepted" {
			answers = append(answers, line)
		}
	}
	if len(answers) != len(asked) {
		t.Fatalf("%d answers to %d recipients: %q", len(answers), len(asked), answers)
	}
	for i, a := range asked {
		want := "550 suppressed"
		if i >= len(asked)-2 {
			want = "250 Accepted"
		}
		if answers[i] != want {
			t.Errorf("%s: %s, want %s", a, answers[i], want)
		}
	}
}

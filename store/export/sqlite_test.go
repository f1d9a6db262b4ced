package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	table := strings.ReplaceAll(manual(t, "`/etc/postfix/harvester.cf`:"), "/var/lib/harvester/harvester.db", path)
	postmapFinds(t, postmap, "sqlite", table, listed)
}

// postmapFinds has Postfix look up, in a table of a database, who is listed,
// and some who are not.
func postmapFinds(t *testing.T, postmap, kind, table string, listed []string) {
	t.Helper()
	hasMap(t, postmap, kind)
	dir := t.TempDir()
	at := filepath.Join(dir, "harvester.cf")
	file(t, at, table)
	file(t, filepath.Join(dir, "main.cf"), "compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n")
	asked := append(slices.Clone(listed), "JANE@EXAMPLE.NET", "fred@example.net", "' OR 1=1 --@example.net", `\' OR 1=1 --@example.net`, "\xe9\xff@example.net")
	out := runWith(t, strings.Join(asked, "\n")+"\n", postmap, "-c", dir, "-q", "-", kind+":"+at)
	for _, a := range append(listed, "JANE@EXAMPLE.NET") {
		if !strings.Contains("\n"+out, "\n"+a+"\t550 5.7.1 suppressed by harvester: user_unknown") {
			t.Errorf("%s is not found", a)
		}
	}
	if n := strings.Count(out, "\n"); n != len(listed)+1 {
		t.Errorf("%d answers:\n%s", n, out)
	}
}

// hasMap skips a test where Postfix lacks a kind of table.
func hasMap(t *testing.T, postmap, kind string) {
	t.Helper()
	if slices.Contains(strings.Fields(runWith(t, "", strings.TrimSuffix(postmap, "postmap")+"postconf", "-m")), kind) {
		return
	}
	if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
		t.Fatalf("HARVESTER_REQUIRE_MTA=1, but postfix-%s is not installed", kind)
	}
	t.Skipf("postfix-%s is not installed", kind)
}

// The lines of the manual make Exim refuse every address of the database, those
// that no file can hold too, and no other.
func TestEximReadsTheDatabase(t *testing.T) {
	exim := eximWith(t, "sqlite")
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
	eximRefusesAll(t, exim, dir, strings.ReplaceAll(manual(t, "In the main part, then in the same ACL:"), "/var/lib/harvester/harvester.db", path), listed)
}

// eximWith is an Exim that can look up in a kind of database.
func eximWith(t *testing.T, kind string) string {
	t.Helper()
	exim := mtatest.Program(t, "HARVESTER_EXIM", "exim4", "exim")
	if !strings.Contains(runWith(t, "", exim, "-bV"), kind) {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatalf("HARVESTER_REQUIRE_MTA=1, but Exim lacks %s (exim4-daemon-heavy)", kind)
		}
		t.Skipf("Exim lacks %s (exim4-daemon-heavy)", kind)
	}
	return exim
}

// eximRefusesAll has Exim ask a database by the lines of the manual, of which
// the first is for its main part, about who is listed, and some who are not.
// dir is everybody's.
func eximRefusesAll(t *testing.T, exim, dir, lines string, listed []string) {
	t.Helper()
	main, acl, _ := strings.Cut(lines, "\n")
	conf := filepath.Join(dir, "exim.conf")
	file(t, conf, fmt.Sprintf("primary_hostname = mail.example.org\nsmtputf8_advertise_hosts = *\nlog_file_path = %s/%%slog\nspool_directory = %s\nacl_smtp_rcpt = rcpt\n%s\nbegin acl\nrcpt:\n%s\n  accept\n", dir, dir, main, acl))
	others := []string{"fred@example.net", "'or'1'='1@example.net", "\xe9\xff@example.net"}
	asked := slices.Concat(listed, []string{"JANE@EXAMPLE.NET"}, others)
	session := "EHLO client.example.org\r\nMAIL FROM:<news@example.org> SMTPUTF8\r\n"
	for _, a := range asked {
		session += "RCPT TO:<" + a + ">\r\n"
	}
	var answers []string
	out := runWith(t, session+"QUIT\r\n", exim, "-C", conf, "-bh", "192.0.2.9")
	for _, line := range strings.Split(out, "\n") {
		if line = strings.TrimRight(line, "\r"); len(line) > 3 && strings.Contains("550 501 451", line[:3]) || line == "250 Accepted" {
			answers = append(answers, line)
		}
	}
	if len(answers) != len(asked) {
		t.Fatalf("%d answers to %d recipients: %q\n%s", len(answers), len(asked), answers, out)
	}
	for i, a := range asked {
		want := "550 suppressed"
		if i >= len(asked)-len(others) {
			want = "250 Accepted"
		}
		if answers[i] != want {
			t.Errorf("%s: %s, want %s", a, answers[i], want)
		}
	}
}

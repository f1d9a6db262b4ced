package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest/imap/imaptest"
)

// harvester runs a command line in the process and returns what it printed.
func harvester(t testing.TB, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(t.Context(), args, stdio{strings.NewReader(""), &out, &errs}); got != want {
		t.Fatalf("harvester %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
	}
	return out.String()
}

// Every sample mail lies in a real server's folder; each is accounted for
// exactly once, what was understood is moved, and a second pass changes
// nothing, neither on the server nor in the files.
func TestDovecotToFiles(t *testing.T) {
	server := imaptest.Start(t, imaptest.Options{})
	var mails [][]byte
	distinct := map[[sha256.Size]byte]bool{}
	err := fs.WalkDir(fixtures.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		mails = append(mails, raw)
		// The server ends lines with CR LF, and the last one, too.
		sum := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		distinct[sha256.Sum256(sum)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Deliver("INBOX", mails...)

	dir := t.TempDir()
	file := filepath.Join(dir, "harvester.toml")
	text := fmt.Sprintf(`
own_domains = ["example.org"]
timezone = "UTC"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = %q
tls = "implicit"
ca_file = %q
username = %q
password = "file:password"
done = "move:Harvested"
[[export]]
name = "csv"
path = "list.csv"
[[export]]
name = "email"
profile = "email"
path = "list.txt"
`, server.IMAPS, server.CAFile, imaptest.Username)
	for name, content := range map[string]string{file: text, filepath.Join(dir, "password"): imaptest.Password} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	harvester(t, exitOK, "once", "--config", file)
	status := statusOfDB(t, file)
	if status.Messages != len(distinct) || status.Poison != 0 || status.Unsettled != 0 {
		t.Errorf("%d mails, %d distinct: %+v", len(mails), len(distinct), status)
	}
	left, moved := countMails(t, server.Maildir("INBOX")), countMails(t, server.Maildir("Harvested"))
	stay := status.Kinds["none"] + status.Kinds["unparsed"]
	if left+moved != len(mails) || left < stay {
		t.Errorf("%d mails: %d left in INBOX, %d moved; %d were of people or not understood", len(mails), left, moved, stay)
	}
	if status.Suppressions["bounce"] == 0 {
		t.Error("nobody is suppressed")
	}

	before := map[string]string{}
	files := []string{"list.csv", "list.txt", "list.csv.manifest.json"}
	for _, f := range files {
		before[f] = fileState(t, filepath.Join(dir, f))
	}
	time.Sleep(10 * time.Millisecond) // so that a rewritten file would show
	harvester(t, exitOK, "once", "--config", file)
	harvester(t, exitOK, "export", "--config", file)
	if again := statusOfDB(t, file); again.Messages != status.Messages || again.Events != status.Events {
		t.Errorf("a second pass changed the facts: %+v, before %+v", again, status)
	}
	for _, f := range files {
		if fileState(t, filepath.Join(dir, f)) != before[f] {
			t.Errorf("a second pass changed %s", f)
		}
	}
	if l, m := countMails(t, server.Maildir("INBOX")), countMails(t, server.Maildir("Harvested")); l != left || m != moved {
		t.Errorf("a second pass moved mail: %d and %d, before %d and %d", l, m, left, moved)
	}
}

func statusOfDB(t testing.TB, file string) (s struct {
	Messages, Events, Poison, Unsettled int
	Kinds, Suppressions                 map[string]int
},
) {
	t.Helper()
	view := struct{ Database any }{&s}
	if err := json.Unmarshal([]byte(harvester(t, exitOK, "status", "--json", "--config", file)), &view); err != nil {
		t.Fatal(err)
	}
	return s
}

func countMails(t *testing.T, maildir string) (n int) {
	t.Helper()
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(maildir, sub))
		if err != nil {
			t.Fatal(err)
		}
		n += len(entries)
	}
	return n
}

// fileState is a file's content and time of change.
func fileState(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.ModTime().UnixNano(), sha256.Sum256(content))
}

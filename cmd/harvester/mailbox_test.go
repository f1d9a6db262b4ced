package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"harvester/cmd/harvester/compare"
	"harvester/harvest/imap/imaptest"
)

func backlog(t testing.TB, n int) [][]byte {
	t.Helper()
	mails, err := compare.Backlog(n)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// configured writes a configuration that harvests alice's INBOX at server into
// a new database, and returns its path.
func configured(t testing.TB, server, done string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`own_domains = ["example.org", "example.com"]
timezone = "UTC"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = %q
tls = "none"
username = %q
password = "file:password"
done = %q
`, server, imaptest.Username, done)
	file := filepath.Join(dir, "harvester.toml")
	for name, content := range map[string]string{file: text, filepath.Join(dir, "password"): imaptest.Password} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest/imap/imaptest"
	"harvester/parse"
	"harvester/parse/bounce"
)

// backlog makes n delivery status notifications out of the sample mails: each
// about an address of its own at one of a thousand domains, with Message-IDs of
// its own, taken in over four weeks.
func backlog(t testing.TB, n int) [][]byte {
	t.Helper()
	var layouts []notification
	err := fs.WalkDir(fixtures.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		res := parse.Parse(raw, nil)
		if res.Kind == bounce.KindBounce && len(res.Recipients) == 1 && bytes.Contains(raw, []byte("message/delivery-status")) && len(raw) > 2500 {
			layouts = append(layouts, notification{raw, res})
		}
		return err
	})
	if err != nil || len(layouts) == 0 {
		t.Fatal(len(layouts), err)
	}
	mails := make([][]byte, n)
	for i := range mails {
		mails[i] = layouts[i%len(layouts)].numbered(i)
	}
	return mails
}

// notification is a sample mail and what it says.
type notification struct {
	raw []byte
	res parse.Result
}

func (s notification) numbered(i int) []byte {
	at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i%4000) * 10 * time.Minute)
	raw := fmt.Appendf(nil, "Received: from mx.example.org by imap.example.org; %s\n", at.Format(time.RFC1123Z))
	raw = append(raw, s.raw...)
	raw = bytes.ReplaceAll(raw, []byte(s.res.Recipients[0].Recipient), fmt.Appendf(nil, "user%d@d%d.example.net", i, i*7%1000))
	for _, id := range []string{s.res.MessageID, s.res.Original.MessageID} {
		if id = strings.Trim(id, "<>"); id != "" {
			raw = bytes.ReplaceAll(raw, []byte(id), fmt.Appendf(nil, "n%d.%s", i, id))
		}
	}
	return raw
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

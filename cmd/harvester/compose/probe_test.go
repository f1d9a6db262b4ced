package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/harvest/imap/memserver"
)

func TestProbe(t *testing.T) {
	server := func() string {
		s, err := memserver.Start("u", "right")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Append("INBOX", []byte("Subject: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		return s.Addr
	}
	t.Setenv("RIGHT", "right")
	t.Setenv("WRONG", "wrong")
	text := "own_domains = [\"example.org\"]\n[store]\npath = \"/tmp/none.db\"\n"
	for _, m := range []struct{ name, server, secret, folders string }{
		{"good", server(), "RIGHT", `["INBOX"]`},
		{"password", server(), "WRONG", `["INBOX"]`},
		{"folder", server(), "RIGHT", `["Nowhere", "INBOX", "Neither"]`},
		{"port", "127.0.0.1:1", "RIGHT", `["INBOX"]`},
	} {
		text += fmt.Sprintf("[[mailbox]]\nname = %q\nserver = %q\ntls = \"none\"\nusername = \"u\"\npassword = \"env:%s\"\nfolders = %s\n",
			m.name, m.server, m.secret, m.folders)
	}
	path := filepath.Join(t.TempDir(), "harvester.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	found := Probe(t.Context(), c)
	for i, want := range []struct {
		kind    error
		folders int
	}{{nil, 1}, {harvest.ErrAuth, 0}, {harvest.ErrFolder, 1}, {harvest.ErrUnreachable, 0}} {
		p := found[i]
		if p.Mailbox != string(c.Mailboxes[i].Name) || len(p.Folders) != want.folders || (p.Err == nil) != (want.kind == nil) || want.kind != nil && !errors.Is(p.Err, want.kind) {
			t.Errorf("%+v", p)
		}
	}
	if f := found[0].Folders[0]; f.Name != "INBOX" || f.Messages != 1 {
		t.Errorf("%+v", f)
	}
}

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"harvester/parse/envelope"
)

// documented LANGUAGE FILE: writes the first block of that language in
// docs/return-paths.md to FILE, so that what is documented is what is tested.
func documented(ts *testscript.TestScript, _ bool, args []string) {
	blocks, err := docBlocks(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), blocks[0], 0o600))
}

func docBlocks(language string) (out [][]byte, err error) {
	doc, err := os.ReadFile("../../docs/return-paths.md")
	if err != nil {
		return nil, err
	}
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(doc, -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("docs/return-paths.md has no block of %s", language)
	}
	return out, nil
}

// What the documentation tells Exim to write is what we read.
func TestEximSigns(t *testing.T) {
	exim, err := exec.LookPath(cmp.Or(os.Getenv("HARVESTER_EXIM"), "exim4"))
	if err != nil {
		exim, err = exec.LookPath("/usr/sbin/exim4")
	}
	if err != nil {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatal("HARVESTER_REQUIRE_MTA=1, but exim4 is not installed")
		}
		t.Skip("exim4 is not installed: the return paths that it writes are not tested")
	}
	blocks, err := docBlocks("exim")
	if err != nil {
		t.Fatal(err)
	}
	dir, key := t.TempDir(), "0123456789abcdef"
	conf := filepath.Join(dir, "exim.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "spool_directory = %s\nlog_file_path = %s/%%slog\n", dir, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	expand := func(text []byte) string {
		s := strings.NewReplacer("KEY", key, "$local_part", "Jane", "$domain", "Example.net", "\n", "").Replace(string(text))
		out, err := exec.CommandContext(t.Context(), exim, "-C", conf, "-be", s).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	verp, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	path := expand(blocks[0])
	if s, ok := envelope.Read([]*envelope.VERP{verp}, path); !ok || !s.Fresh(time.Now()) || s.Recipient != "jane@example.net" {
		t.Errorf("%s reads as %+v %v", path, s, ok)
	}
	batv, err := envelope.NewBATV([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	path = expand(blocks[1])
	if tag, ok := batv.Read(path); !ok || !tag.Fresh(time.Now()) || tag.Address != "bounces@example.org" {
		t.Errorf("%s reads as %+v %v", path, tag, ok)
	}
}

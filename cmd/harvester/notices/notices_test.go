package notices

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write notices.txt anew")

// licence is the name of a file that has to be passed on.
var licence = regexp.MustCompile(`(?i)^(.*-)?(licen[cs]e|copying|copyright|notice|patents)(-.*)?(\.(txt|md))?$`)

// linked is what of a module is in the program: its folder in the module cache,
// and the folders of its packages.
type linked struct {
	path, version, root string
	folders             []string
}

// modules are those that the packages for Linux have linked, in order.
func modules(t *testing.T) (out []linked) {
	t.Helper()
	by := map[string]*linked{}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Module", "./cmd/harvester")
		cmd.Dir = filepath.Join("..", "..", "..")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
		text, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for d := json.NewDecoder(bytes.NewReader(text)); ; {
			var p struct {
				Dir    string
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if p.Module == nil || p.Module.Main {
				continue
			}
			if by[p.Module.Path] == nil {
				by[p.Module.Path] = &linked{path: p.Module.Path, version: p.Module.Version, root: p.Module.Dir}
			}
			by[p.Module.Path].folders = append(by[p.Module.Path].folders, p.Dir)
		}
	}
	for _, m := range by {
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b linked) int { return strings.Compare(a.path, b.path) })
	return out
}

// texts are the licences in the module's root and in the folders of what is
// linked, and in those between.
func (m *linked) texts(t *testing.T) (out []string) {
	t.Helper()
	var folders []string
	for _, f := range append(m.folders, m.root) {
		for ; len(f) >= len(m.root); f = filepath.Dir(f) {
			folders = append(folders, f)
		}
	}
	slices.Sort(folders)
	for _, f := range slices.Compact(folders) {
		entries, err := os.ReadDir(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !licence.MatchString(e.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(f, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if body := plain(text); !slices.Contains(out, body) {
				out = append(out, body)
			}
		}
	}
	return out
}

func plain(text []byte) string {
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}

const rule = "================================================================================\n"

// Every linked module stands there, in its version and with its licences as they
// are in the module cache; so does Go itself.
func TestEveryLinkedModule(t *testing.T) {
	var want strings.Builder
	want.WriteString("Harvester is made of its own code and of what follows, each under its licence.\n\n")
	section := func(name string, texts []string) {
		if len(texts) == 0 {
			t.Errorf("%s has no licence that was found", name)
		}
		fmt.Fprintf(&want, "%s%s\n%s\n%s\n", rule, name, rule, strings.Join(texts, "\n"))
	}
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	switch text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE")); {
	case err == nil:
		section("Go, its standard library", []string{plain(text)})
	case errors.Is(err, fs.ErrNotExist) && !*update: // distributions put it elsewhere
		parts := strings.Split(Text, rule)
		if len(parts) < 3 || !strings.HasPrefix(parts[1], "Go, ") {
			t.Fatal("there is no section for Go")
		}
		want.WriteString(rule + parts[1] + rule + parts[2])
	default:
		t.Fatal(err)
	}
	all := modules(t)
	if len(all) < 20 {
		t.Fatalf("only %d modules", len(all))
	}
	for i := range all {
		section(all[i].path+" "+all[i].version, all[i].texts(t))
	}
	if *update {
		if err := os.WriteFile("notices.txt", []byte(want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if Text != want.String() {
		for i := range all {
			if name := all[i].path + " " + all[i].version; !strings.Contains(Text, rule+name+"\n") {
				t.Errorf("%s is missing", name)
			}
		}
		t.Error("notices.txt is not what is linked: make licences")
	}
}

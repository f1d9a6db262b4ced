package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"harvester/cmd/harvester/config"
)

var (
	commandLine  = regexp.MustCompile(`(?m)^ {0,8}(?:\$ )?(?:! )?(?:\S+/)?harvester ([a-z].*)$`)
	commandWords = regexp.MustCompile("`harvester ([a-z][^`]*)`")
	endOfCommand = regexp.MustCompile(`\s+(?:[|>&;##]|2>).*$|;.*$`)
)

// Every command line in the manuals names a command and flags that exist.
func TestManualsNameCommandsThatExist(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		manual := strings.ReplaceAll(string(text), "\\\n", " ")
		for _, m := range append(commandLine.FindAllStringSubmatch(manual, -1), commandWords.FindAllStringSubmatch(manual, -1)...) {
			if strings.HasPrefix(m[1], "unix ") {
				continue // a service of Postfix's master.cf
			}
			line := endOfCommand.ReplaceAllString(m[1], "")
			seen++
			if problem := parses(line); problem != "" {
				t.Errorf("%s: harvester %s: %s", filepath.Base(path), line, problem)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d command lines were found", seen)
	}
}

// parses says what is wrong with a command line, without running it.
func parses(line string) string {
	var out bytes.Buffer
	root := newRoot(&app{stdio: stdio{strings.NewReader(""), &out, &out}})
	cmd, rest, err := root.Find(words(line))
	switch {
	case err != nil:
		return err.Error()
	case cmd == root:
		return "there is no such command"
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if args := cmd.Flags().Args(); cmd.HasAvailableSubCommands() && len(args) > 0 && cmd.Flags().NFlag() == 0 {
		return "there is no such command below " + cmd.CommandPath()
	}
	return ""
}

// words parts a line as a shell does, as far as manuals need it.
func words(line string) (out []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		out = append(out, m[1]+m[2]+m[3])
	}
	return out
}

func TestManualsAreChecked(t *testing.T) {
	for line, want := range map[string]bool{
		"status": true, "config check --online": true, "suppress allow a@example.com --reason 'called us'": true,
		"statsu": false, "config chck": false, "status --jsno": false, "backup --to x": false,
	} {
		if problem := parses(line); (problem == "") != want {
			t.Errorf("%s: %q", line, problem)
		}
	}
}

// Each configuration of docs/howto.md is one that the program takes.
func TestHowtoConfigurationsAreRight(t *testing.T) {
	text, err := os.ReadFile("../../docs/howto.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 7 {
		t.Fatalf("%d configurations", len(blocks))
	}
	file := filepath.Join(t.TempDir(), "harvester.toml")
	for _, b := range blocks {
		if err := os.WriteFile(file, []byte("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"+b[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(file); err != nil {
			t.Errorf("%s\n%v", b[1], err)
		}
	}
}

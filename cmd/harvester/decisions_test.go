package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// executed is a line of a script that runs the program, perhaps to see it fail.
var executed = regexp.MustCompile(`^\s*(?:exec|status \d+) (harvester .*?)\s*$`)

// Each command line of docs/decisions.md is run by a script of testdata.
func TestDecisionsAreRun(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "decisions.md"))
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if m := executed.FindStringSubmatch(line); m != nil {
				command := m[1]
				run[strings.TrimSuffix(strings.TrimSuffix(command, " --rules rules"), " --config later.toml")] = true
				run[strings.TrimSuffix(command, " --config streams.toml")] = true
			}
		}
	}
	n := 0
	for line := range strings.Lines(string(doc)) {
		if command, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "    harvester "); ok {
			n++
			if !run["harvester "+command] {
				t.Errorf("no script runs: harvester %s", command)
			}
		}
	}
	if n == 0 {
		t.Error("no command was found")
	}
}

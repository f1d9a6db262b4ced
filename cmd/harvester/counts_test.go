package main

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// uncounted are words that follow a number and are no plural of a thing that
// there can be one of: units, verbs, and parts of words.
var uncounted = regexp.MustCompile(`^(bytes|bits|octets|is|has|was|does|this|as|its|names|says|leaves)$`)

var (
	numberAndThing   = regexp.MustCompile(`%d ((?:new |more )?[a-z]+(?:-[a-z]+)*s)\b`)
	numberInTemplate = regexp.MustCompile(`\{\{(?:number|len|\.(?:N|Count|Failures|Runs|Rows|Held))[^}]*\}\} ((?:new |more )?[a-z]+(?:-[a-z]+)*s)\b`)
)

// A number of things is written by package count, nowhere else: "1 failures at
// 1 receivers" comes of every other way.
func TestCountsAreWrittenInOnePlace(t *testing.T) {
	templates := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".tmpl") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		templates++
		for _, m := range numberInTemplate.FindAllStringSubmatch(string(text), -1) {
			if uncounted.MatchString(m[1]) {
				continue
			}
			t.Errorf("%s: %q: use {{count N \"thing\"}}", path, m[0])
		}
		return nil
	})
	if err != nil || templates == 0 {
		t.Fatal(templates, err)
	}
	eachSource(t, "", func(s source) {
		if strings.Contains(s.path, "test/") {
			return
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, m := range numberAndThing.FindAllStringSubmatch(lit.Value, -1) {
				if words := strings.Fields(m[1]); !uncounted.MatchString(words[len(words)-1]) {
					t.Errorf("%s: %q: write it as count.Of(n, \"thing\")", s.fset.Position(lit.Pos()), m[0])
				}
			}
			return true
		})
	})
}

// The rule finds what it is for, and lets units be.
func TestCountRule(t *testing.T) {
	for text, want := range map[string]bool{`%d failures at %d receivers`: true, `%d new suppressions`: true, `%d look-ups`: true, `larger than %d bytes`: false, `act %d is taken back`: false, `%d of %d`: false} {
		got := false
		for _, m := range numberAndThing.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(m[1])
			got = got || !uncounted.MatchString(words[len(words)-1])
		}
		if got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if !numberInTemplate.MatchString(`{{number .N}} failures`) || !numberInTemplate.MatchString(`{{.Held}} verdicts`) || numberInTemplate.MatchString(`{{count .N "failure"}} since`) {
		t.Error("templates")
	}
}

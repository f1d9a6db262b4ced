package parse

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// A parse that has no steps left stops at the same place every time, and names
// nobody: half an answer could be a wrong one.
func TestStepsAreBounded(t *testing.T) {
	raw := fixture(t, "postfix/failed.eml")
	opt := *ours
	opt.Limits = DefaultLimits()
	if got := Parse(raw, &opt); len(got.Recipients) != 1 {
		t.Fatalf("within its limits it names %d recipients", len(got.Recipients))
	}
	stops := map[string]bool{}
	for steps := 1; ; steps += len(raw) / 20 {
		opt.Limits.Steps = steps
		got, again := Parse(raw, &opt), Parse(raw, &opt)
		if a, b := strings.Join(got.Notes, "; "), strings.Join(again.Notes, "; "); a != b {
			t.Fatalf("with %d steps it stops with %q and with %q", steps, a, b)
		}
		if len(got.Recipients) > 0 {
			break
		}
		if got.Kind != bounce.KindUnparsed || len(got.Notes) == 0 {
			t.Fatalf("with %d steps it is %s: %q", steps, got.Kind, got.Notes)
		}
		_, where, _ := strings.Cut(got.Notes[len(got.Notes)-1], "steps, ")
		stops[where] = true
		if steps > 100*len(raw) {
			t.Fatal("it never gets there")
		}
	}
	if len(stops) < 2 {
		t.Errorf("it stops only at %v", stops)
	}
}

// What a mail means depends on its bytes alone: no part of parse looks at a
// clock, a file, the network or a database.
func TestNothingButBytes(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "sentlog/") { // that reads logs, no mail
			return err
		}
		files++
		set := token.NewFileSet()
		file, err := goparser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			switch name, _ := strconv.Unquote(spec.Path.Value); name {
			case "os", "os/exec", "net", "net/http", "database/sql", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog":
				t.Errorf("%s imports %s", path, name)
			}
		}
		for _, call := range clockCalls(file) {
			t.Errorf("%s calls %s", set.Position(call.Pos()), call.Sel.Name)
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Errorf("%d files were looked at: %v", files, err)
	}
}

// clockCalls finds time.Now and what else asks the clock.
func clockCalls(file *ast.File) (found []*ast.SelectorExpr) {
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
			switch sel.Sel.Name {
			case "Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep":
				found = append(found, sel)
			}
		}
		return true
	})
	return found
}

package main

import (
	"go/ast"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every key that is logged anywhere is told in docs/operations.md, and no
// other: one word for one thing.
func TestLogKeysAreThoseOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(manual), "## The log\n")
	if !ok {
		t.Fatal("docs/operations.md has no section about the log")
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`,? ?)+)\\|").FindAllStringSubmatch(table, -1) {
		for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(m[1], -1) {
			told[key[1]] = true
		}
	}
	used := map[string]string{}
	eachSource(t, "", func(s source) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				for _, key := range keysLogged(call) {
					used[key] = s.path
				}
			}
			return true
		})
	})
	if len(used) < 10 {
		t.Errorf("only %d keys were found", len(used))
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		if !told[key] {
			t.Errorf("%s logs the key %q, which docs/operations.md does not tell", used[key], key)
		}
		delete(told, key)
	}
	for key := range told {
		t.Errorf("docs/operations.md tells of the key %q, which nothing logs", key)
	}
}

// keysLogged are the keys in a call of a logger, or of slog for an attribute.
func keysLogged(call *ast.CallExpr) (keys []string) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	literal := func(i int) {
		if i < len(call.Args) {
			if lit, ok := call.Args[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				key, _ := strconv.Unquote(lit.Value) // the parser has read it
				keys = append(keys, key)
			}
		}
	}
	if on, ok := f.X.(*ast.Ident); ok && on.Name == "slog" {
		switch f.Sel.Name {
		case "String", "Int", "Int64", "Uint64", "Bool", "Duration", "Time", "Any", "Float64":
			literal(0)
		}
		return keys
	}
	first := map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2}[f.Sel.Name]
	on := ""
	switch x := f.X.(type) {
	case *ast.Ident:
		on = x.Name
	case *ast.SelectorExpr:
		on = x.Sel.Name
	}
	if first == 0 || on != "log" && on != "Log" && on != "logger" {
		return nil
	}
	for i := first; i < len(call.Args); i += 2 {
		literal(i)
	}
	return keys
}

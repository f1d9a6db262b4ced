package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// source is a Go file of the project.
type source struct {
	path string // from the root, with slashes
	fset *token.FileSet
	file *ast.File
}

// eachSource calls f for the Go files of the project below a folder, "" for
// all, without the tests.
func eachSource(t *testing.T, below string, f func(source)) {
	t.Helper()
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(filepath.Join(root, below), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(rel), fset: token.NewFileSet()}
		if s.file, err = parser.ParseFile(s.fset, path, nil, parser.ParseComments); err != nil {
			return err
		}
		seen++
		f(s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if below == "" && seen < 300 || seen == 0 {
		t.Errorf("only %d files were looked at", seen)
	}
}

package main

import (
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// storeRooms from the lowest up: a room uses what stands before it.
var storeRooms = []string{"job", "policy", "engine", "fleet", "facts", "judge", "query", "upkeep", "store"}

// uses counts how often the code of a room names something of another.
func uses(t *testing.T) map[[2]string]int {
	t.Helper()
	found := map[[2]string]int{}
	eachSource(t, "store", func(s source) {
		room := path.Base(path.Dir(s.path))
		if !slices.Contains(storeRooms, room) || strings.Count(s.path, "/") > 2 {
			return
		}
		imported := map[string]bool{}
		for _, spec := range s.file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasPrefix(name, "harvester/store/") && strings.Count(name, "/") == 2 { // what lies within a room is its own
				imported[path.Base(name)] = true
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && imported[x.Name] {
					found[[2]string{room, x.Name}]++
				}
			}
			return true
		})
	})
	return found
}

// The rooms of the store use those below them only, and ARCHITECTURE.md draws
// who uses whom. With -v it prints the drawing with how often.
func TestRoomsOfTheStore(t *testing.T) {
	found := uses(t)
	var arrows, counted strings.Builder
	for _, a := range slices.SortedFunc(maps.Keys(found), func(a, b [2]string) int {
		at := func(x [2]string) int {
			return -100*slices.Index(storeRooms, x[0]) - slices.Index(storeRooms, x[1])
		}
		return at(a) - at(b)
	}) {
		if slices.Index(storeRooms, a[1]) >= slices.Index(storeRooms, a[0]) {
			t.Errorf("%s uses %s, which stands above it or beside it", a[0], a[1])
		}
		fmt.Fprintf(&arrows, "  %s --> %s\n", a[0], a[1])
		fmt.Fprintf(&counted, "  %s -- %d --> %s\n", a[0], found[a], a[1])
	}
	t.Logf("graph TD\n%s", counted.String())
	doc, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if drawing := "```mermaid\ngraph TD\n" + arrows.String() + "```\n"; !strings.Contains(string(doc), drawing) {
		t.Errorf("ARCHITECTURE.md does not draw the rooms as they are:\n%s", drawing)
	}
}

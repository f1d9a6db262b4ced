package toml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	gotoml "github.com/pelletier/go-toml/v2"
)

// Position is where something stands, 1-based; zero where nothing in the document
// is to blame.
type Position struct{ Line, Column int }

// Fault is one thing that is wrong with a document.
type Fault struct {
	Position
	Path          string // with indices: mailbox[0].server; "" for the document
	Problem, Hint string // Hint may be empty
}

// Key is the path without indices: mailbox.server.
func (f *Fault) Key() string { return withoutIndices(f.Path) }

// In is the fault as a line: "file:line:column: key: problem (hint: …)".
func (f *Fault) In(file string) string {
	var b strings.Builder
	b.WriteString(file)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	b.WriteString(": ")
	if f.Path != "" {
		b.WriteString(f.Key() + ": ")
	}
	b.WriteString(f.Problem)
	if f.Hint != "" {
		b.WriteString(" (hint: " + f.Hint + ")")
	}
	return b.String()
}

var index = regexp.MustCompile(`\[\d+\]`)

func withoutIndices(path string) string {
	if strings.IndexByte(path, '[') < 0 {
		return path
	}
	return index.ReplaceAllString(path, "")
}

// Document is what was read, and all that is wrong with it.
type Document struct {
	Faults   []Fault
	data     []byte
	tables   map[string]Position // nil unless it is TOML
	keys     map[string]Position // and tables; found when the first is asked for
	defaults map[string]any
}

// Read fills the struct that into points to. Keys that are absent take their
// defaults, which are told by their paths without indices.
func Read(data []byte, into any, defaults map[string]any) *Document {
	d := &Document{defaults: defaults}
	if bytes.IndexByte(data, 0) >= 0 {
		d.Faults = append(d.Faults, Fault{Problem: "it is no text in UTF-8: it holds zero bytes, as UTF-16 does", Hint: "save it as UTF-8"})
		return d
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as editors of Windows put it
	var tree map[string]any
	if err := gotoml.Unmarshal(data, &tree); err != nil {
		d.syntax(err)
		return d
	}
	d.data, d.tables = data, positions(data, false)
	d.set("", tree, reflect.ValueOf(into).Elem(), "")
	return d
}

func (d *Document) syntax(err error) {
	f := Fault{Problem: strings.TrimPrefix(err.Error(), "toml: ")}
	var de *gotoml.DecodeError
	if errors.As(err, &de) {
		f.Line, f.Column = de.Position()
		f.Path = strings.Join(de.Key(), ".")
	}
	if strings.Contains(f.Problem, "strings cannot have new lines") || strings.Contains(f.Problem, "not terminated") {
		f.Problem, f.Hint = "a quote is opened and not closed on this line", `write key = "value"`
	}
	d.Faults = append(d.Faults, f)
}

// Valid reports whether the document is TOML at all.
func (d *Document) Valid() bool { return d.tables != nil }

// Given reports whether a path stands in the document.
func (d *Document) Given(path string) bool { return d.find(path).Line > 0 }

// Place is where a path stands, or else the nearest key around it.
func (d *Document) Place(path string) Position {
	p := d.find(path)
	for up := path; p.Line == 0 && up != ""; p = d.find(up) {
		up = up[:max(0, strings.LastIndexAny(up, ".["))]
	}
	return p
}

func (d *Document) find(path string) Position {
	if p, ok := d.tables[path]; ok {
		return p
	}
	if d.keys == nil {
		d.keys = positions(d.data, true)
	}
	return d.keys[path]
}

// Fault notes what is wrong at a path.
func (d *Document) Fault(path, problem, hint string) {
	d.Faults = append(d.Faults, Fault{d.Place(path), path, problem, hint})
}

// Sort puts the faults into the order of the document.
func (d *Document) Sort() {
	slices.SortStableFunc(d.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Failed reports whether a key is known to be wrong, or for "table." one below it.
// With indices it is that of one table alone, or of an element of its list.
func (d *Document) Failed(key string) bool {
	for i := range d.Faults {
		f := &d.Faults[i]
		list := f.Path
		if strings.HasSuffix(list, "]") {
			list = list[:strings.LastIndexByte(list, '[')]
		}
		if f.Key() == key || f.Path == key || list == key || strings.HasSuffix(key, ".") && strings.HasPrefix(f.Key(), key) {
			return true
		}
	}
	return false
}

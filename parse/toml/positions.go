package toml

import (
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"
)

// walker finds where the keys of a document stand.
type walker struct {
	parser unstable.Parser
	lines  []uint32 // offsets at which lines begin
	at     map[string]Position
	last   map[string]int // the last element of each array of tables
}

// positions finds every table of a document that is valid TOML, and every key
// where they are asked for. Paths are dotted; the elements of arrays count from
// zero: mailbox[0].server.
func positions(doc []byte, keys bool) map[string]Position {
	w := &walker{lines: []uint32{0}, at: map[string]Position{}, last: map[string]int{}}
	for i, c := range doc {
		if c == '\n' {
			w.lines = append(w.lines, uint32(i+1))
		}
	}
	w.parser.Reset(doc)
	table := ""
	for w.parser.NextExpression() {
		e := w.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = w.key(e.Key(), "", w.last)
		case unstable.ArrayTable:
			path := w.key(e.Key(), "", nil)
			n, ok := w.last[path]
			if ok {
				n++
			}
			w.last[path] = n
			table = Element(path, n)
			w.at[table] = w.at[path]
		case unstable.KeyValue:
			if !keys {
				continue
			}
			w.value(e.Value(), w.key(e.Key(), table, w.last))
		}
	}
	return w.at
}

func (w *walker) value(v *unstable.Node, path string) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			kv := it.Node()
			w.value(kv.Value(), w.key(kv.Key(), path, nil))
		}
	case unstable.Array:
		n := 0
		for it := v.Children(); it.Next(); n++ {
			element := Element(path, n)
			w.at[element] = w.at[path]
			if it.Node().Raw.Length > 0 {
				w.at[element] = w.place(it.Node().Raw)
			}
			w.value(it.Node(), element)
		}
	}
}

// key notes where each part of a dotted key stands and returns the path of the
// last; parts that name an array of tables stand for its last element.
func (w *walker) key(key unstable.Iterator, path string, last map[string]int) string {
	for key.Next() {
		path = Join(path, string(key.Node().Data))
		w.at[path] = w.place(key.Node().Raw)
		if n, ok := last[path]; ok {
			path = Element(path, n)
		}
	}
	return path
}

// place is where bytes begin. (The parser's own Shape counts lines from the
// beginning of the document each time.)
func (w *walker) place(raw unstable.Range) Position {
	line, _ := slices.BinarySearch(w.lines, raw.Offset+1)
	return Position{Line: line, Column: int(raw.Offset-w.lines[line-1]) + 1}
}

package config

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// position is where a key or the header of a table stands, 1-based.
type position struct{ line, col int }

// positions finds every key of a document that is valid TOML. Paths are
// dotted; the elements of arrays count from zero: mailbox[0].server.
func positions(doc []byte) map[string]position {
	var p unstable.Parser
	p.Reset(doc)
	at := map[string]position{}
	last := map[string]int{} // the last element of each array of tables
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = walkKey(&p, e.Key(), "", at, last)
		case unstable.ArrayTable:
			path := walkKey(&p, e.Key(), "", at, nil)
			n, ok := last[path]
			if ok {
				n++
			}
			last[path] = n
			table = fmt.Sprintf("%s[%d]", path, n)
			at[table] = at[path]
		case unstable.KeyValue:
			walkValue(&p, e.Value(), walkKey(&p, e.Key(), table, at, last), at)
		}
	}
	return at
}

func walkValue(p *unstable.Parser, v *unstable.Node, path string, at map[string]position) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			kv := it.Node()
			walkValue(p, kv.Value(), walkKey(p, kv.Key(), path, at, nil), at)
		}
	case unstable.Array:
		n := 0
		for it := v.Children(); it.Next(); n++ {
			element := fmt.Sprintf("%s[%d]", path, n)
			at[element] = at[path]
			if it.Node().Raw.Length > 0 {
				at[element] = place(p, it.Node().Raw)
			}
			walkValue(p, it.Node(), element, at)
		}
	}
}

// walkKey notes where each part of a dotted key stands and returns the path of
// the last; parts that name an array of tables stand for its last element.
func walkKey(p *unstable.Parser, key unstable.Iterator, path string, at map[string]position, last map[string]int) string {
	for key.Next() {
		path = join(path, string(key.Node().Data))
		at[path] = place(p, key.Node().Raw)
		if n, ok := last[path]; ok {
			path = fmt.Sprintf("%s[%d]", path, n)
		}
	}
	return path
}

func place(p *unstable.Parser, raw unstable.Range) position {
	start := p.Shape(raw).Start
	return position{start.Line, start.Column}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

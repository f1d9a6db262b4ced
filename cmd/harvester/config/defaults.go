package config

import (
	"harvester/parse/toml"
	"strings"

	gotoml "github.com/pelletier/go-toml/v2"
)

// defaults reads the defaults out of Example, by path. There, a line
// "#key = value", without a blank behind the hash, is a key with its default;
// keys without the hash are examples that have none.
func defaults() map[string]any {
	var doc strings.Builder
	for line := range strings.Lines(Example) {
		commented, ok := strings.CutPrefix(line, "#")
		switch {
		case strings.HasPrefix(line, "["):
			doc.WriteString(line)
		case ok && !strings.HasPrefix(commented, " ") && strings.Contains(commented, " = "),
			ok && strings.HasPrefix(commented, "["):
			doc.WriteString(commented)
		}
	}
	var tree map[string]any
	if err := gotoml.Unmarshal([]byte(doc.String()), &tree); err != nil {
		panic("config: example.toml: " + err.Error())
	}
	flat := map[string]any{}
	flatten("", tree, flat)
	return flat
}

func flatten(path string, table map[string]any, into map[string]any) {
	for key, v := range table {
		p := toml.Join(path, key)
		switch v := v.(type) {
		case map[string]any:
			flatten(p, v, into)
		case []any:
			if element, ok := firstTable(v); ok {
				flatten(p, element, into)
			} else {
				into[p] = v
			}
		default:
			into[p] = v
		}
	}
}

func firstTable(list []any) (map[string]any, bool) {
	if len(list) == 0 {
		return nil, false
	}
	t, ok := list[0].(map[string]any)
	return t, ok
}

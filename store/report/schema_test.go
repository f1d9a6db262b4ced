package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"
)

// The JSON form has exactly the keys and types that docs/report.schema.json
// promises. Only the words of the schema that it uses are understood here.
func TestJSONKeepsItsSchema(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "report.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	defs := schema["$defs"].(map[string]any)
	for name, r := range cases() {
		var v any
		if err := json.Unmarshal(render(t, r, forms[1]), &v); err != nil {
			t.Fatal(err)
		}
		for _, problem := range mismatches(name, v, schema, defs) {
			t.Error(problem)
		}
	}
}

func mismatches(at string, v any, schema, defs map[string]any) (out []string) {
	if _, ok := schema["$ref"]; ok {
		schema = defs["count"].(map[string]any)
	}
	types, ok := schema["type"].([]any)
	if !ok {
		types = []any{schema["type"]}
	}
	if k := typeOf(v); !slices.Contains(types, any(k)) && !(k == "integer" && slices.Contains(types, any("number"))) {
		return []string{fmt.Sprintf("%s is of type %s, the schema wants %v", at, k, types)}
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) || schema["const"] != nil && schema["const"] != v {
		out = append(out, fmt.Sprintf("%s is %v, which the schema does not know", at, v))
	}
	switch v := v.(type) {
	case []any:
		for i, x := range v {
			out = append(out, mismatches(fmt.Sprintf("%s[%d]", at, i), x, schema["items"].(map[string]any), defs)...)
		}
	case map[string]any:
		properties := schema["properties"].(map[string]any)
		for _, k := range schema["required"].([]any) {
			if _, ok := v[k.(string)]; !ok {
				out = append(out, fmt.Sprintf("%s lacks %q", at, k))
			}
		}
		for k, x := range v {
			if p, ok := properties[k].(map[string]any); ok {
				out = append(out, mismatches(at+"."+k, x, p, defs)...)
			} else {
				out = append(out, fmt.Sprintf("%s has %q, which the schema does not name", at, k))
			}
		}
		sort.Strings(out)
	}
	return out
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

package web

import (
	"encoding/json"
	"fmt"
	"harvester/store/judge"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The description names exactly what is served below /v1, and every answer has
// exactly the keys and types that it promises.
func TestOpenAPI(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	var served, described []string
	for _, r := range (&server{}).routes() {
		if strings.Contains(r.pattern, " /v1/") {
			served = append(served, r.pattern)
		}
	}
	for path, ops := range doc.Paths {
		for method := range ops {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served    %v\ndescribed %v", served, described)
	}

	c := start(t, nil)
	const soon = "2126-01-01T00:00:00Z"
	asked := map[string]bool{}
	for _, tt := range []struct{ method, route, path, body string }{
		{"get", "/v1/openapi.json", "", ""},
		{"get", "/v1/lookup", "?address=" + listed(c), ""},
		{"get", "/v1/lookup", "?address=nobody%40example.net", ""},
		{"post", "/v1/lookup", "", `{"addresses":["nobody@example.net"]}`},
		{"get", "/v1/pause/{stream}", "", ""},
		{"get", "/v1/suppressions", "?held=true", ""},
		{"get", "/v1/suppressions", "?since=0", ""},
		{"post", "/v1/suppressions", "", `{"address":"x@example.net","reason":"r","author":"a","until":"` + soon + `"}`},
		{"get", "/v1/events", "", ""},
		{"get", "/v1/incidents", "?since=2020-01-01T00:00:00Z", ""},
		{"post", "/v1/ledger", "", `{"message_id":"<1@example.org>","recipient":"jane@example.net"}`},
	} {
		op, ok := doc.Paths[tt.route][tt.method]
		if !ok {
			continue // reported above
		}
		asked[tt.method+tt.route] = true
		got := c.want(http.StatusOK, "", strings.ToUpper(tt.method), strings.Replace(tt.route, "{stream}", judge.AllStreams, 1)+tt.path, tt.body)
		var v any
		if err := json.Unmarshal([]byte(got), &v); err != nil {
			t.Fatalf("%s: %v", tt.route, err)
		}
		for _, p := range op.Responses["200"].Content["application/json"].Schema.check(tt.method+" "+tt.route, v, doc.Components.Schemas) {
			t.Error(p)
		}
		if tt.body == "" {
			continue
		}
		for _, content := range op.RequestBody.Content {
			if err := json.Unmarshal([]byte(tt.body), &v); err != nil {
				t.Fatal(err)
			}
			for _, p := range content.Schema.check("body of "+tt.route, v, doc.Components.Schemas) {
				t.Error(p)
			}
		}
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			if !asked[method+path] {
				t.Errorf("%s %s was not asked", method, path)
			}
			for _, p := range op.Parameters {
				if p.In != "query" {
					continue
				}
				if res := c.ask(strings.ToUpper(method), path+"?"+p.Name+"=", ""); strings.Contains(res.Body, "there is no parameter") {
					t.Errorf("%s %s does not know its parameter %s", method, path, p.Name)
				}
			}
		}
	}
	problem := c.ask("GET", "/v1/lookup", "")
	var v any
	if err := json.Unmarshal([]byte(problem.Body), &v); err != nil || problem.Status != http.StatusBadRequest {
		t.Fatal(problem.Status, err)
	}
	shape := doc.Components.Schemas["Problem"]
	for _, p := range shape.check("problem", v, doc.Components.Schemas) {
		t.Error(p)
	}
}

// listed is an address that stands on the list.
func listed(c *client) string {
	var page SuppressionPage
	c.json(&page, "/v1/suppressions?limit=1")
	return url.QueryEscape(page.Suppressions[0].Key)
}

type operation struct {
	Parameters  []struct{ Name, In string }
	RequestBody struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
}

type media struct{ Schema *schema }

// schema is as much of JSON Schema as the description uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 types
	Format               string
	Enum                 []any
	AnyOf                []*schema
	Items                *schema
	Properties           map[string]*schema
	Required             []string
	AdditionalProperties *bool
}

func (s *schema) check(at string, v any, defs map[string]schema) (out []string) {
	if s.Ref != "" {
		def := defs[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		return def.check(at, v, defs)
	}
	if s.AnyOf != nil {
		for _, one := range s.AnyOf {
			if out = one.check(at, v, defs); out == nil {
				return nil
			}
		}
		return out
	}
	if k := kindOf(v); !s.Type.has(k) {
		return []string{fmt.Sprintf("%s is of type %s, the description says %v", at, k, s.Type)}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		out = append(out, fmt.Sprintf("%s is %v, not one of %v", at, v, s.Enum))
	}
	if s.Format == "date-time" {
		if _, err := time.Parse(time.RFC3339, v.(string)); err != nil {
			out = append(out, fmt.Sprintf("%s: %v", at, err))
		}
	}
	switch v := v.(type) {
	case []any:
		for i, x := range v {
			out = append(out, s.Items.check(fmt.Sprintf("%s[%d]", at, i), x, defs)...)
		}
	case map[string]any:
		for _, k := range s.Required {
			if _, ok := v[k]; !ok {
				out = append(out, fmt.Sprintf("%s lacks %q", at, k))
			}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if p, ok := s.Properties[k]; ok {
				out = append(out, p.check(at+"."+k, v[k], defs)...)
			} else if s.AdditionalProperties != nil {
				out = append(out, fmt.Sprintf("%s has %q, which is not described", at, k))
			}
		}
	}
	return out
}

// types is one type or several.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*[]string)(t)); err == nil {
		return nil
	}
	*t = types{""}
	return json.Unmarshal(b, &(*t)[0])
}

func (t types) has(kind string) bool {
	return slices.Contains(t, kind) || kind == "integer" && slices.Contains(t, "number")
}

func kindOf(v any) string {
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

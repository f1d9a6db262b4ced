package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// decoder fills structs from a TOML document and goes on after an error, so
// that an operator sees everything at once.
type decoder struct {
	file     string
	at       map[string]position
	defaults map[string]any // values that apply where a key is absent, by path without indices
	errs     Errors
}

func (d *decoder) decode(doc []byte, into any) {
	if bytes.IndexByte(doc, 0) >= 0 {
		d.errs = append(d.errs, &Error{File: d.file, Problem: "it is no text in UTF-8: it holds zero bytes, as UTF-16 does", Hint: "save it as UTF-8"})
		return
	}
	doc = bytes.TrimPrefix(doc, []byte("\ufeff")) // as editors of Windows put it
	var tree map[string]any
	if err := toml.Unmarshal(doc, &tree); err != nil {
		d.syntax(err)
		return
	}
	d.at = positions(doc)
	d.set("", tree, reflect.ValueOf(into).Elem())
}

func (d *decoder) syntax(err error) {
	e := &Error{File: d.file, Problem: strings.TrimPrefix(err.Error(), "toml: "), Hint: "see `harvester config example`"}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		e.Line, e.Col = de.Position()
		e.Key = strings.Join(de.Key(), ".")
	}
	if strings.Contains(e.Problem, "strings cannot have new lines") || strings.Contains(e.Problem, "not terminated") {
		e.Problem, e.Hint = "a quote is opened and not closed on this line", `write key = "value"`
	}
	d.errs = append(d.errs, e)
}

var index = regexp.MustCompile(`\[\d+\]`)

// place is where a path stands, or else the nearest key around it.
func (d *decoder) place(path string) position {
	p := d.at[path]
	for up := path; p.line == 0 && up != ""; p = d.at[up] {
		up = up[:max(0, strings.LastIndexAny(up, ".["))]
	}
	return p
}

// fail notes an error at a path.
func (d *decoder) fail(path, problem, hint string) {
	p := d.place(path)
	d.errs = append(d.errs, &Error{
		File: d.file, Line: p.line, Col: p.col,
		Key: index.ReplaceAllString(path, ""), Problem: problem, Hint: hint, path: path,
	})
}

func (d *decoder) set(path string, v any, dst reflect.Value) {
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := v.(string)
		if !ok {
			d.wrong(path, "a string", v)
		} else if err := u.UnmarshalText([]byte(s)); err != nil {
			d.fail(path, err.Error(), "")
		}
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		d.set(path, v, dst.Elem())
	case reflect.String:
		if s, ok := v.(string); ok {
			dst.SetString(s)
		} else {
			d.wrong(path, "a string", v)
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			dst.SetBool(b)
		} else {
			d.wrong(path, "true or false", v)
		}
	case reflect.Int:
		if n, ok := v.(int64); ok {
			dst.SetInt(n)
		} else {
			d.wrong(path, "a whole number", v)
		}
	case reflect.Slice:
		d.setSlice(path, v, dst)
	case reflect.Map:
		d.setMap(path, v, dst)
	case reflect.Struct:
		d.setStruct(path, v, dst)
	default:
		panic("config: no TOML form for " + dst.Type().String())
	}
}

func (d *decoder) setSlice(path string, v any, dst reflect.Value) {
	list, ok := v.([]any)
	if !ok {
		if dst.Type().Elem().Kind() == reflect.Struct {
			d.fail(path, "expected an array of tables, found "+typeName(v), fmt.Sprintf("write [[%s]]", path))
		} else {
			d.wrong(path, "an array", v)
		}
		return
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
	for i, e := range list {
		d.set(fmt.Sprintf("%s[%d]", path, i), e, dst.Index(i))
	}
}

func (d *decoder) setMap(path string, v any, dst reflect.Value) {
	table, ok := v.(map[string]any)
	if !ok {
		d.wrong(path, "a table", v)
		return
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		val := reflect.New(dst.Type().Elem()).Elem()
		d.set(join(path, name), table[name], val)
		dst.SetMapIndex(reflect.ValueOf(name), val)
	}
}

func (d *decoder) setStruct(path string, v any, dst reflect.Value) {
	table, ok := v.(map[string]any)
	if !ok {
		d.wrong(path, "a table", v)
		return
	}
	names := keysOf(dst.Type())
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if !slices.Contains(names, key) {
			d.fail(join(path, key), "unknown key", DidYouMean(key, names))
		}
	}
	for i, name := range names {
		field, required := dst.Field(i), strings.HasSuffix(dst.Type().Field(i).Tag.Get("toml"), ",required")
		value, present := table[name]
		if !present {
			value, present = d.defaults[index.ReplaceAllString(join(path, name), "")]
		}
		switch {
		case present:
			d.set(join(path, name), value, field)
		case required:
			d.fail(join(path, name), "missing", "")
		case field.Kind() == reflect.Struct && field.Type().NumField() > 0 && keysOf(field.Type()) != nil:
			d.set(join(path, name), map[string]any{}, field)
		}
	}
}

// keysOf are the names of a struct's fields, in order; nil for structs that
// are values and not tables.
func keysOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (d *decoder) wrong(path, want string, v any) {
	hint := ""
	if s, ok := v.(string); ok && want == "an array" {
		hint = fmt.Sprintf("write [%q]", s)
	} else if want == "a string" {
		if s, ok := v.(int64); ok {
			hint = fmt.Sprintf("write \"%d\"", s)
		}
	}
	d.fail(path, fmt.Sprintf("expected %s, found %s", want, typeName(v)), hint)
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}

package toml

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"harvester/parse/nearest"
)

// set reads a value into a field; how is what the field's tag says behind its key.
func (d *Document) set(path string, v any, dst reflect.Value, how string) {
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		s, ok := v.(string)
		if !ok {
			d.wrong(path, "a string", v)
		} else if err := u.UnmarshalText([]byte(s)); err != nil {
			d.Fault(path, err.Error(), "")
		}
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		d.set(path, v, dst.Elem(), how)
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
	case reflect.Uint64:
		if n, ok := v.(int64); ok && n >= 0 {
			dst.SetUint(uint64(n))
		} else {
			d.wrong(path, "a whole number from 0", v)
		}
	case reflect.Float64:
		switch n := v.(type) {
		case float64:
			dst.SetFloat(n)
		case int64:
			dst.SetFloat(float64(n))
		default:
			d.wrong(path, "a number", v)
		}
	case reflect.Slice:
		d.setSlice(path, v, dst, how)
	case reflect.Map:
		d.setMap(path, v, dst)
	case reflect.Struct:
		d.setStruct(path, v, dst)
	default:
		panic("toml: no form for " + dst.Type().String())
	}
}

func (d *Document) setSlice(path string, v any, dst reflect.Value, how string) {
	list, ok := v.([]any)
	if text, single := v.(string); single && how == "one" {
		list, ok = []any{text}, true
	}
	if !ok {
		if dst.Type().Elem().Kind() == reflect.Struct {
			d.Fault(path, "expected an array of tables, found "+typeName(v), fmt.Sprintf("write [[%s]]", path))
		} else {
			d.wrong(path, "an array", v)
		}
		return
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(list), len(list)))
	for i, e := range list {
		if text, ok := e.(string); ok && dst.Type() == reflect.TypeFor[[]string]() {
			dst.Index(i).SetString(text) // as nearly all
			continue
		}
		d.set(Element(path, i), e, dst.Index(i), "")
	}
}

func (d *Document) setMap(path string, v any, dst reflect.Value) {
	table, ok := v.(map[string]any)
	if !ok {
		d.wrong(path, "a table", v)
		return
	}
	dst.Set(reflect.MakeMap(dst.Type()))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		val := reflect.New(dst.Type().Elem()).Elem()
		d.set(Join(path, name), table[name], val, "")
		dst.SetMapIndex(reflect.ValueOf(name), val)
	}
}

func (d *Document) setStruct(path string, v any, dst reflect.Value) {
	table, ok := v.(map[string]any)
	if !ok {
		d.wrong(path, "a table", v)
		return
	}
	keys := Keys(dst.Type())
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name }) {
			d.Fault(Join(path, name), "unknown key", nearest.Hint(name, names(keys)))
		}
	}
	for _, k := range keys {
		field := dst.Field(k.Field)
		value, present := table[k.Name]
		if !present && d.defaults != nil {
			value, present = d.defaults[withoutIndices(Join(path, k.Name))]
		}
		switch {
		case present:
			d.set(Join(path, k.Name), value, field, k.how)
		case k.how == "required":
			d.Fault(Join(path, k.Name), "missing", "")
		case field.Kind() == reflect.Struct && len(Keys(field.Type())) > 0:
			d.set(Join(path, k.Name), map[string]any{}, field, "")
		}
	}
}

// Key is what the tag of a field says.
type Key struct {
	Field int    // of the struct
	Name  string // as the document writes it
	how   string
}

// Keys are the keys of a struct, in order; none for structs that are values and
// not tables.
func Keys(t reflect.Type) []Key {
	var keys []Key
	for i := range t.NumField() {
		if name, how, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ","); name != "" {
			keys = append(keys, Key{i, name, how})
		}
	}
	return keys
}

func names(keys []Key) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.Name
	}
	return list
}

// Join is the path of a key below a table's.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Element is the path of an element of an array's.
func Element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func (d *Document) wrong(path, want string, v any) {
	hint := ""
	if s, ok := v.(string); ok && want == "an array" {
		hint = fmt.Sprintf("write [%q]", s)
	} else if want == "a string" {
		if s, ok := v.(int64); ok {
			hint = fmt.Sprintf("write \"%d\"", s)
		}
	}
	d.Fault(path, fmt.Sprintf("expected %s, found %s", want, typeName(v)), hint)
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

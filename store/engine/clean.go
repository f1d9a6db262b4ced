package engine

import (
	"reflect"

	"harvester/store/engine/postgres"
)

// Clean makes all texts in what v points to such as every engine takes: UTF-8
// without NUL. What comes from a mail may hold anything; SQLite would store it,
// PostgreSQL refuses the row, and both shall come to the same list.
func Clean(v any) { clean(reflect.ValueOf(v)) }

// CleanText is Clean of one text.
func CleanText(s string) string { return postgres.Clean(s) }

func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			clean(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				clean(f)
			}
		}
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k != reflect.String && k != reflect.Struct && k != reflect.Pointer {
			return
		}
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.String:
		s := v.String()
		if c := postgres.Clean(s); c != s {
			v.SetString(c)
		}
	}
}

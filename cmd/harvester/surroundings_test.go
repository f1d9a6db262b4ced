package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"harvester/cmd/harvester/config"
)

// Each secret that a configuration can name is looked up by the check.
func TestCheckLooksUpEverySecret(t *testing.T) {
	c := &config.Config{
		Mailboxes: []config.Mailbox{{}, {}}, Exports: []config.Export{{}}, Pushes: []config.Push{{}},
	}
	n := 0
	secret := reflect.TypeFor[config.Secret]()
	var fill func(v reflect.Value, path string)
	fill = func(v reflect.Value, path string) {
		switch {
		case v.Type() == secret:
			n++
			name := fmt.Sprintf("env:HARVESTER_NO_SUCH_%d", n)
			if err := v.Addr().Interface().(*config.Secret).UnmarshalText([]byte(name)); err != nil {
				t.Fatal(err)
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					fill(v.Field(i), path+"."+f.Name)
				}
			}
		case v.Kind() == reflect.Slice && v.Type().Elem() != secret: // keys of return paths are told by ReturnPaths
			for i := range v.Len() {
				fill(v.Index(i), path)
			}
		case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && v.CanSet() && strings.HasPrefix(v.Type().Elem().PkgPath(), "harvester/cmd/harvester/config"):
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), path)
		}
	}
	fill(reflect.ValueOf(c).Elem(), "")
	if n < 8 {
		t.Fatalf("only %d secrets were found", n)
	}
	// One mailbox signs in with a password, the other by OAuth2.
	unused := map[string]bool{c.Mailboxes[1].Password.Reference(): true}
	for _, s := range c.Mailboxes[0].Secrets() {
		unused[s.Reference()] = true
	}
	unused[c.Mailboxes[0].Password.Reference()] = false
	c.Mailboxes[0].OAuth, c.Mailboxes[1].Password = nil, config.Secret{}
	var told strings.Builder
	lookUp(t.Context(), c, func(key, problem, _ string) { told.WriteString(key + ": " + problem + "\n") })
	for i := 1; i <= n; i++ {
		if unused[fmt.Sprintf("env:HARVESTER_NO_SUCH_%d", i)] {
			continue
		}
		if !strings.Contains(told.String(), fmt.Sprintf("HARVESTER_NO_SUCH_%d:", i)) {
			t.Errorf("secret %d of %d is not looked up; told is\n%s", i, n, told.String())
		}
	}
}

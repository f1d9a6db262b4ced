package names

import "testing"

func TestSet(t *testing.T) {
	s := Parse("")
	for _, name := range []string{"b", "a", "b", "c"} {
		s.Add(name)
	}
	s.Only([]string{"c", "b", "z"})
	again := Parse(s.String())
	for name, want := range map[string]bool{"a": false, "b": true, "c": true, "z": false} {
		if s.Has(name) != want || again.Has(name) != want {
			t.Errorf("%s: %v and %v, want %v", name, s.Has(name), again.Has(name), want)
		}
	}
	if again.String() != s.String() || len(s.String()) != 22 {
		t.Errorf("%q %q", s, again)
	}
	for _, state := range []string{"!", "AAAA", "AA"} {
		if Parse(state).String() != "" {
			t.Errorf("%q is no set", state)
		}
	}
}

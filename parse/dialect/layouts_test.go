package dialect

import (
	"slices"
	"strings"
	"testing"

	"harvester/parse/notice"
)

// Each layout has a name of its own and marks that can be found: folded as the
// text is in which they are looked for.
func TestLayouts(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range slices.Concat(inCode(), forms()) {
		if d.Name == "" || seen[d.Name] {
			t.Errorf("a layout has the name %q, which is empty or taken", d.Name)
		}
		seen[d.Name] = true
		if len(d.Marks) == 0 {
			t.Errorf("%s has no marks", d.Name)
		}
		for _, m := range d.Marks {
			if len(m) == 0 {
				t.Errorf("%s has an empty mark, which every mail would show", d.Name)
			}
			for _, literal := range m {
				if strings.TrimSpace(notice.Fold(literal)) == "" {
					t.Errorf("%s: the mark %q is empty when folded", d.Name, literal)
				}
			}
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d layouts are known", len(seen))
	}
}

// The words of a form are compared with folded text.
func TestFormsAreFolded(t *testing.T) {
	for _, f := range readForms() {
		for _, words := range [][]string{f.Label, f.List, f.Sentence, f.Reply, f.Host} {
			for _, w := range words {
				if got := notice.Fold(w); got != w {
					t.Errorf("%s: %q must be written %q", f.Name, w, got)
				}
			}
		}
	}
}

// Each file describes a layout by signs; a sign that is too short would claim
// ordinary mail.
func TestMarksAreSpecific(t *testing.T) {
	for _, d := range builtin().dialects {
		if d.Name == "" || len(d.Marks) == 0 {
			t.Errorf("dialect %q has no marks", d.Name)
		}
		for _, m := range d.Marks {
			n := 0
			for _, l := range m {
				n += len(l)
			}
			if n < 9 {
				t.Errorf("dialect %s: mark %q would claim anything", d.Name, m)
			}
		}
	}
}

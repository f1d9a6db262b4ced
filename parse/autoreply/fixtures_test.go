package autoreply_test

import (
	"bufio"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse/autoreply"
	"harvester/parse/bounce"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// sample is one line of kinds.txt.
type sample struct {
	file string
	kind bounce.Kind
	hint string
}

func samples(t testing.TB) []sample {
	t.Helper()
	f, err := os.Open("../../fixtures/negative/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sample
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		file, rest, _ := strings.Cut(lines.Text(), " ")
		kind, hint, _ := strings.Cut(strings.TrimSpace(rest), " ")
		s := sample{file: file, hint: strings.TrimSpace(hint)}
		if err := s.kind.UnmarshalText([]byte(kind)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, s)
	}
	return all
}

// read returns the mail of a fixture as its readers see it.
func read(t testing.TB, file string) *view.Mail {
	t.Helper()
	raw, err := fixtures.FS.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return view.New(raw, mime.DefaultLimits())
}

func TestFixtures(t *testing.T) {
	for _, s := range samples(t) {
		m := read(t, s.file)
		if m.Feedback != nil {
			continue // feedback reports are read elsewhere
		}
		got := autoreply.Classify(m)
		if s.kind == bounce.KindNone && got.Kind == bounce.KindBounce && !autoreply.LooksFailed(m) {
			continue // left to a reader of phrases, which finds nobody
		}
		if got.Kind != s.kind || got.Hint != s.hint {
			t.Errorf("%s: %s %q (%s), want %s %q", s.file, got.Kind, got.Hint, got.Why, s.kind, s.hint)
		}
		if again := autoreply.Classify(m); again != got {
			t.Errorf("%s: %v, then %v", s.file, got, again)
		}
	}
}

// Every mail of the described folders has its line, and every line its mail.
func TestKindsAreComplete(t *testing.T) {
	var listed, found []string
	for _, s := range samples(t) {
		listed = append(listed, s.file)
	}
	for _, dir := range []string{"negative", "complaint", "receipt"} {
		entries, err := fixtures.FS.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if path.Ext(e.Name()) == ".eml" {
				found = append(found, path.Join(dir, e.Name()))
			}
		}
	}
	slices.Sort(listed)
	slices.Sort(found)
	if !slices.Equal(listed, found) {
		t.Errorf("kinds.txt lists %d mails, the folders hold %d", len(listed), len(found))
	}
}

// No failure notice is taken for something else before it was read.
func TestNoVetoOnFailures(t *testing.T) {
	dirs, err := fixtures.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() || slices.Contains([]string{"negative", "complaint", "receipt", "hostile", "notice", "autoreply"}, d.Name()) {
			continue
		}
		mails, err := fixtures.FS.ReadDir(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range mails {
			file := path.Join(d.Name(), e.Name())
			if v, ok := autoreply.Veto(read(t, file)); ok {
				t.Errorf("%s: taken for %s: %s", file, v.Kind, v.Why)
			}
		}
	}
}

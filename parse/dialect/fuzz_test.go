package dialect

import (
	"io/fs"
	"testing"

	"harvester/fixtures"
	"harvester/parse/generic"
	"harvester/parse/mime"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// FuzzDialects gives any text to the readers of all layouts, whether its marks
// are there or not, as none may rely on them.
func FuzzDialects(f *testing.F) {
	seen := map[string]bool{}
	files, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := fixtures.FS.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		m := view.New(raw, mime.Limits{})
		if !seen[m.Text] {
			seen[m.Text] = true
			f.Add(m.Subject, m.Text)
		}
	}
	f.Fuzz(func(t *testing.T, subject, text string) {
		if len(text) > 16<<10 {
			t.Skip()
		}
		m := &view.Mail{Root: &mime.Part{}, ReturnPath: "<>", From: "mailer-daemon@example.com", Subject: subject, Text: text}
		for _, d := range builtin().dialects {
			if d.Read == nil {
				continue
			}
			if n := d.Read(m); n != nil && len(n.Failures) > len(subject)+len(text) {
				t.Errorf("%s reads %d failures in %d bytes", d.Name, len(n.Failures), len(text))
			}
		}
		generic.Read(m, func(string) bool { return false })
		notice.FromHeader(m)
		notice.Unnamed(m)
		Recognise(m)
	})
}

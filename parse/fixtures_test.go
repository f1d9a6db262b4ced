package parse

import (
	"io/fs"
	"testing"

	"harvester/fixtures"
)

// ours is how the fixtures' sender is configured.
var ours = &Options{OwnDomains: []string{"example.org"}}

func fixture(tb testing.TB, file string) []byte {
	b, err := fixtures.FS.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// mails returns the name of every fixture.
func mails(tb testing.TB) []string {
	out, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil || len(out) == 0 {
		tb.Fatalf("no fixtures: %v", err)
	}
	return out
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/fixtures"
)

// samples writes an mbox of at least n mails: all samples, again and again,
// each with a line of its own so that no two are the same.
func samples(b *testing.B, n int) (path string, mails int) {
	b.Helper()
	var box bytes.Buffer
	for mails < n {
		err := fs.WalkDir(fixtures.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".eml") {
				return err
			}
			raw, err := fixtures.FS.ReadFile(name)
			raw = bytes.ReplaceAll(raw, []byte("\nFrom "), []byte("\n>From "))
			fmt.Fprintf(&box, "From MAILER-DAEMON Mon Nov  2 10:00:00 2026\nX-Sample: %d\n%s\n\n", mails, raw)
			mails++
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	path = filepath.Join(b.TempDir(), "samples.mbox")
	if err := os.WriteFile(path, box.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(box.Len()))
	return path, mails
}

func command(b *testing.B, args ...string) {
	b.Helper()
	var errs bytes.Buffer
	if status := run(b.Context(), args, stdio{strings.NewReader(""), io.Discard, &errs}); status != exitOK {
		b.Fatalf("status %d: %s", status, errs.String())
	}
}

// BenchmarkParse is `harvester parse --json` on an mbox of sample mails.
func BenchmarkParse(b *testing.B) {
	path, mails := samples(b, 5000)
	for b.Loop() {
		command(b, "parse", "--json", path)
	}
	b.ReportMetric(float64(mails*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkImport is the whole pipeline into an empty database: read, parse,
// decide, commit.
func BenchmarkImport(b *testing.B) {
	path, mails := samples(b, 5000)
	n := 0
	for b.Loop() {
		dir := b.TempDir()
		file := filepath.Join(dir, "harvester.toml")
		if err := os.WriteFile(file, []byte("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"), 0o600); err != nil {
			b.Fatal(err)
		}
		command(b, "import", path, "--config", file)
		n += mails
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
}

package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mail = "Received: from a.example by b.example; Tue, 3 Nov 2026 10:00:00 +0100\r\nSubject: x\r\n\r\nbody\r\n"

// tree writes files and returns their directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// walked lists names and errors below paths, without the directory.
func walked(t *testing.T, dir string, o Options, paths ...string) []string {
	t.Helper()
	var got []string
	for m, err := range Walk(context.Background(), paths, o) {
		name := strings.TrimPrefix(m.Name, dir+"/")
		if err != nil {
			name += " !" + strings.ReplaceAll(err.Error(), dir+"/", "")
		}
		got = append(got, name)
	}
	return got
}

func TestWalkDirectory(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.eml": mail, "a.eml": mail, ".hidden": mail, "sub/c": mail, "notes.json": "{\n \"a\": 1}", "empty.eml": "",
		"Maildir/cur/1700000000.M1.host:2,S": mail, "Maildir/new/1700000001.M2.host": mail, "Maildir/tmp/3": mail,
		"Maildir/dovecot-uidlist": "3 V1", "Maildir/.Done/cur/4": mail, "Maildir/.Done/new/": "", "Maildir/.Done/tmp/": "",
	})
	want := []string{
		"Maildir/.Done/cur/4", "Maildir/cur/1700000000.M1.host:2,S", "Maildir/new/1700000001.M2.host",
		"a.eml", "b.eml", "empty.eml !reading empty.eml: not a mail: it is empty",
		"notes.json !reading notes.json: not a mail: no header field at its start", "sub/c",
	}
	if diff := cmp.Diff(want, walked(t, dir, Options{}, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestWalkFailures(t *testing.T) {
	dir := tree(t, map[string]string{"d/a.eml": mail})
	if err := os.Symlink("..", filepath.Join(dir, "d", "up")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "d", "z")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"missing !reading missing: no such file or directory: check the path",
		"d/a.eml",
		"d/up/d !reading d/up/d: directory loop: it leads back to a directory above it",
		"d/z !reading d/z: no such file or directory: check the path",
	}
	if diff := cmp.Diff(want, walked(t, dir, Options{}, dir+"/missing", dir+"/d")); diff != "" {
		t.Error(diff)
	}
}

func TestWalkNoPermission(t *testing.T) {
	if os.Getuid() == 0 {
		err := explain("x", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission})
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "run as a user") {
			t.Error(err)
		}
		return // root may read everything
	}
	dir := tree(t, map[string]string{"a.eml": mail})
	if err := os.Chmod(dir+"/a.eml", 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range Walk(context.Background(), []string{dir}, Options{}) {
		if !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}

const mbox = "From a@example.org Tue Nov  3 10:00:00 2026\nSubject: 1\n\n>From here\n>>From there\nFrom nobody, no separator\n\n" +
	"From MAILER-DAEMON Tue Nov  3 11:00 2026\nSubject: 2\n\nbody\n\nFrom the start of a sentence\n\n\n" +
	"From b@example.org Tue Nov  3 12:00:00 +0100 2026\nSubject: 3\n\nend"

func TestWalkMbox(t *testing.T) {
	dir := tree(t, map[string]string{"x": mbox})
	for path, o := range map[string]Options{dir + "/x": {}, "-": {Stdin: strings.NewReader(mbox)}} {
		var got []string
		for m, err := range Walk(context.Background(), []string{path}, o) {
			if err != nil {
				t.Fatal(err)
			}
			if m.Hash != sha256.Sum256(m.Raw) || m.Size != int64(len(m.Raw)) {
				t.Error("hash or size differ from the content of", m.Name)
			}
			got = append(got, strings.TrimPrefix(m.Name, path)+" "+m.Received.Format("15:04")+" "+string(m.Raw))
		}
		want := []string{
			"#1 10:00 Subject: 1\n\nFrom here\n>From there\nFrom nobody, no separator\n",
			"#2 11:00 Subject: 2\n\nbody\n\nFrom the start of a sentence\n\n",
			"#3 12:00 Subject: 3\n\nend",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(path, diff)
		}
	}
}

// A mail that some program saved with its envelope line stays one mail.
func TestWalkEnvelopeLine(t *testing.T) {
	dir := tree(t, map[string]string{"x.eml": "From a@example.org Tue Nov  3 10:00:00 2026\n" + mail})
	for m, err := range Walk(context.Background(), []string{dir}, Options{}) {
		if err != nil || m.Name != dir+"/x.eml" || string(m.Raw) != mail {
			t.Errorf("%s %q %v", m.Name, m.Raw, err)
		}
		if m.Received.Format("15:04") != "09:00" {
			t.Error(m.Received)
		}
	}
}

func TestWalkCutsAndHashesWhole(t *testing.T) {
	whole := mail + strings.Repeat("x", 200_000)
	for m, err := range Walk(context.Background(), []string{"-"}, Options{MaxMessage: 1000, Stdin: strings.NewReader(whole)}) {
		if err != nil {
			t.Fatal(err)
		}
		if !m.Truncated || len(m.Raw) != 1000 || m.Size != int64(len(whole)) || m.Hash != sha256.Sum256([]byte(whole)) {
			t.Errorf("truncated %v, kept %d, size %d", m.Truncated, len(m.Raw), m.Size)
		}
	}
}

func TestWalkStops(t *testing.T) {
	dir := tree(t, map[string]string{"a.eml": mail, "b.eml": mail, "c": mbox})
	n := 0
	for range Walk(context.Background(), []string{dir}, Options{}) {
		if n++; n == 3 {
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	for _, err := range Walk(ctx, []string{dir}, Options{}) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a canceled walk ended with %v", last)
	}
}

// FuzzMbox checks that no byte of an mbox vanishes: what the messages hold is
// the file without separators, one empty line before each, and quotes.
func FuzzMbox(f *testing.F) {
	f.Add([]byte(mbox))
	f.Add([]byte("From a Tue Nov  3 10:00:00 2026\r\n\r\n\r\nFrom b Tue Nov  3 10:00:00 2026\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(">")) || !isSeparator(firstLine(data)) {
			return
		}
		var size int64
		n := 0
		for m, err := range Walk(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(data)}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; m.Name != fmt.Sprintf("-#%d", n) {
				t.Fatal(m.Name)
			}
			size += m.Size
		}
		lost := int64(len(data)) - size
		separators := int64(0)
		for line := range bytes.Lines(data) {
			if isSeparator(line) {
				separators += int64(len(line)) + 2
			}
		}
		if lost > separators+2 {
			t.Fatalf("%d bytes vanished, separators have %d", lost, separators)
		}
	})
}

package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/harvest"
	"harvester/harvest/harvesttest"
)

func mkdirs(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func sourceOf(format Format, path string) func(int, int64) harvest.Source {
	return func(batch int, most int64) harvest.Source {
		return New(Config{Name: "bounces", Format: format, Path: path, BatchMessages: batch, MaxMessage: most})
	}
}

func TestMaildirContract(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		dir := t.TempDir()
		mkdirs(t, dir+"/cur", dir+"/new", dir+"/tmp")
		n := 0
		return harvesttest.Mailbox{
			Source: sourceOf(Maildir, dir), Folder: Inbox, Target: "Done/2026", RepeatsMove: true,
			Can: []harvest.Disposition{harvest.Seen, harvest.Move, harvest.Delete},
			Deliver: func(messages ...[]byte) {
				for _, m := range messages {
					n++
					put(t, fmt.Sprintf("%s/new/17000%05d.M1P1.host", dir, n), m)
				}
			},
		}
	})
}

func TestDirectoryContract(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		dir := t.TempDir()
		n := 0
		return harvesttest.Mailbox{
			Source: sourceOf(Directory, dir), Folder: Inbox, Target: "done", RepeatsMove: true,
			Can: []harvest.Disposition{harvest.Move, harvest.Delete},
			Deliver: func(messages ...[]byte) {
				for _, m := range messages {
					n++
					put(t, fmt.Sprintf("%s/.tmp%05d", dir, n), []byte("half a mess"))
					put(t, fmt.Sprintf("%s/%05d.eml", dir, n), m)
				}
			},
		}
	})
}

func appendMbox(t *testing.T, path string, messages ...[]byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, m := range messages {
		text := strings.ReplaceAll(string(m), "\r\n", "\n")
		fmt.Fprintf(f, "From MAILER-DAEMON Tue Nov  3 10:00:00 2026\n%s\n", text)
	}
}

func TestMboxContract(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		path := filepath.Join(t.TempDir(), "bounces")
		appendMbox(t, path)
		return harvesttest.Mailbox{
			Source: sourceOf(Mbox, path), Folder: Inbox, RepeatsMove: true,
			Deliver: func(messages ...[]byte) { appendMbox(t, path, messages...) },
		}
	})
}

// subjects reads what is new and lists the numbers in the subjects.
func subjects(t *testing.T, s harvest.Source, cur *harvest.Cursor) string {
	t.Helper()
	session, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		batch, err := session.Next(t.Context(), *cur)
		if err != nil {
			t.Fatal(err)
		}
		*cur = batch.Cursor
		if len(batch.Messages) == 0 {
			return strings.Join(got, " ")
		}
		for _, m := range batch.Messages {
			_, after, _ := strings.Cut(string(m.Raw), "Subject: message ")
			number, _, _ := strings.Cut(after, "\n")
			got = append(got, strings.TrimSpace(number))
		}
	}
}

func TestMboxIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bounces")
	appendMbox(t, path, harvesttest.Message(1), harvesttest.Message(2))
	source := sourceOf(Mbox, path)(1, 1<<20)
	cur := harvest.Cursor{Folder: Inbox}
	expect := func(want string) {
		t.Helper()
		if got := subjects(t, source, &cur); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	expect("1 2")
	appendMbox(t, path, harvesttest.Message(3))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	appendMbox(t, path, harvesttest.Message(4))
	expect("3 4")
	expect("")
	// Rotated and written anew, longer than before, the old one thrown away.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendMbox(t, path, harvesttest.Message(5), harvesttest.Message(6))
	expect("5 6")
	put(t, path, nil) // emptied
	expect("")
	appendMbox(t, path, harvesttest.Message(7))
	expect("7")
	// Rotated, and nobody has written to a new one yet.
	appendMbox(t, path, harvesttest.Message(8))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	expect("8")
	expect("")
	session, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := session.(harvest.Prober).Probe(t.Context(), Inbox); n != 0 || err != nil {
		t.Error(n, err)
	}
	appendMbox(t, path, harvesttest.Message(9))
	expect("9")
}

func TestMboxIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bounces")
	appendMbox(t, path, harvesttest.Message(1))
	put(t, path+".lock", nil)
	session, err := sourceOf(Mbox, path)(1, 1<<20).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Next(t.Context(), harvest.Cursor{Folder: Inbox}); err == nil || !strings.Contains(err.Error(), "another program is writing") {
		t.Error(err)
	}
}

func TestMaildirKeepsIdentityAcrossFlags(t *testing.T) {
	dir := t.TempDir()
	mkdirs(t, dir+"/cur", dir+"/new", dir+"/tmp")
	put(t, dir+"/new/1700000001.M1.host", harvesttest.Message(1))
	source := sourceOf(Maildir, dir)(5, 1<<20)
	cur := harvest.Cursor{Folder: Inbox}
	if got := subjects(t, source, &cur); got != "1" {
		t.Error(got)
	}
	if err := os.Rename(dir+"/new/1700000001.M1.host", dir+"/cur/1700000001.M1.host:2,RS"); err != nil {
		t.Fatal(err)
	}
	if got := subjects(t, source, &cur); got != "" {
		t.Error("read again:", got)
	}
}

func TestDirectoryMoveReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	mkdirs(t, dir+"/done")
	put(t, dir+"/done/a.eml", []byte("earlier"))
	put(t, dir+"/a.eml", harvesttest.Message(1))
	session, err := sourceOf(Directory, dir)(5, 1<<20).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = session.Settle(t.Context(), Inbox, []harvest.Settlement{
		{Locator: harvest.Locator{Name: "a.eml"}, Disposition: harvest.Move, Target: "done"},
	})
	if err != nil {
		t.Fatal(err)
	}
	earlier, _ := os.ReadFile(dir + "/done/a.eml")
	moved, _ := os.ReadFile(dir + "/done/a.eml.1")
	if string(earlier) != "earlier" || string(moved) != string(harvesttest.Message(1)) {
		t.Errorf("%q %q", earlier, moved)
	}
}

func TestOpenNamesTheCure(t *testing.T) {
	dir := tree(t, map[string]string{"file": mbox, "sub/": ""})
	for _, test := range []struct {
		format Format
		path   string
		text   string
	}{
		{Maildir, dir + "/none", "no such file or directory (check the path)"},
		{Maildir, dir, "not a Maildir"},
		{Directory, dir + "/file", "not a directory"},
		{Mbox, dir, "not a file"},
		{"mh", dir, `none of maildir, mbox, directory`},
	} {
		_, err := sourceOf(test.format, test.path)(1, 1).Open(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s %s: %v", test.format, test.path, err)
		}
	}
}

// A look at a mailbox finds out whether it may be changed as configured. Root
// may everything.
func TestProbeAsksForTheRightToWrite(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for readOnly, want := range map[bool]bool{true: true, false: false} {
		session, err := New(Config{Name: "bounces", Format: Directory, Path: dir, ReadOnly: readOnly}).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = session.(harvest.Prober).Probe(t.Context(), Inbox)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "give the user that harvester runs as the right to it") {
			t.Errorf("read-only %v: %v", readOnly, err)
		}
	}
}

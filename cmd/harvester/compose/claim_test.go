package compose

import (
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"

	"harvester/cmd/harvester/config"
)

// Two mailboxes may read two folders of one place; one folder has one reader.
func TestClaimsAreOfFolders(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the sockets for it")
	}
	maildir := filepath.Join(t.TempDir(), "Maildir")
	box := func(name config.Name, folder string) config.Mailbox {
		return config.Mailbox{Name: name, Type: config.Maildir, Path: maildir, Folders: []string{folder}}
	}
	held, err := claim(t.Context(), []config.Mailbox{box("a", "INBOX"), box("b", "Bounces")}, "first", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if _, err := claim(t.Context(), []config.Mailbox{box("c", "Bounces")}, "second", slog.New(slog.DiscardHandler)); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
}

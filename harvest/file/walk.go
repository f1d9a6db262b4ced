// Package file reads mail from files: single messages, mbox files, Maildirs,
// directories of any of them, and standard input.
package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"harvester/harvest"
)

// Options of a walk. The zero value is usable.
type Options struct {
	MaxMessage int64     // bytes of a message that are kept; 0: [DefaultMaxMessage]
	Stdin      io.Reader // what the path "-" reads; nil: the process's standard input
	Strict     bool      // a file that was asked for by name must look like mail, too
}

// DefaultMaxMessage is how much of a message is kept unless told otherwise.
const DefaultMaxMessage = 8 << 20

// ErrNotMail is in the error for a file that holds no mail.
var ErrNotMail = errors.New("not a mail")

// ErrLoop is in the error for a directory that contains itself.
var ErrLoop = errors.New("directory loop")

// Walk yields every message below the paths: in the order of the paths, then
// by name, so that two walks over the same files are equal. A message's Name is
// its path as walked; one of an mbox adds "#N", counted from 1. The path "-" is
// standard input, one message or an mbox.
//
// An error concerns one path, named in it, and the walk goes on after it; the
// message yielded with it has only its Name. A file found in a directory that
// is plainly something else is an [ErrNotMail], too: callers may pass over
// those. Memory is bounded by one message and one directory's names.
func Walk(ctx context.Context, paths []string, o Options) iter.Seq2[harvest.Message, error] {
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return func(yield func(harvest.Message, error) bool) {
		w := &walk{ctx: ctx, Options: o, yield: yield}
		for _, path := range paths {
			if !w.path(path) {
				return
			}
		}
	}
}

// walk is one walk. Its methods return false when it is over.
type walk struct {
	Options
	ctx   context.Context
	yield func(harvest.Message, error) bool
	above []fs.FileInfo // the directories that we are in
}

func (w *walk) fail(path string, err error) bool {
	return w.yield(harvest.Message{Locator: harvest.Locator{Name: path}}, err)
}

func (w *walk) path(path string) bool {
	if err := w.ctx.Err(); err != nil {
		w.fail(path, err)
		return false
	}
	if path == "-" {
		return w.stream(path, bufio.NewReaderSize(w.Stdin, readSize), true)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return w.fail(path, explain(path, err))
	case info.IsDir():
		return w.directory(path, info)
	case !info.Mode().IsRegular() && info.Mode()&fs.ModeNamedPipe == 0:
		return w.fail(path, fmt.Errorf("reading %s: neither a file nor a directory", path))
	}
	return w.file(path, true)
}

// explain says in the caller's terms why a path can't be read.
func explain(path string, err error) error {
	var what *fs.PathError
	if errors.As(err, &what) {
		err = what.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reading %s: %w: check the path", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("reading %s: %w: run as a user that may read it", path, err)
	}
	return fmt.Errorf("reading %s: %w", path, err)
}

func (w *walk) directory(path string, info fs.FileInfo) bool {
	for _, above := range w.above {
		if os.SameFile(above, info) {
			return w.fail(path, fmt.Errorf("reading %s: %w: it leads back to a directory above it", path, ErrLoop))
		}
	}
	w.above = append(w.above, info)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	entries, err := os.ReadDir(path)
	if err != nil && !w.fail(path, explain(path, err)) {
		return false
	}
	maildir := isMaildir(path)
	for _, entry := range entries { // ReadDir sorts
		if maildir && !belongsToMaildir(entry) || !maildir && strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if !w.entry(filepath.Join(path, entry.Name()), entry) {
			return false
		}
	}
	return true
}

func (w *walk) entry(path string, entry fs.DirEntry) bool {
	if !entry.Type().IsRegular() {
		if entry.Type()&(fs.ModeSymlink|fs.ModeDir) == 0 {
			return true // a socket or pipe that happens to lie there
		}
		return w.path(path)
	}
	if err := w.ctx.Err(); err != nil {
		w.fail(path, err)
		return false
	}
	return w.file(path, false)
}

// isMaildir recognizes https://cr.yp.to/proto/maildir.html.
func isMaildir(path string) bool {
	for _, name := range []string{"cur", "new"} {
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// belongsToMaildir leaves out tmp, where mail is still being written, and the
// files that servers keep beside the mail. Folders of Maildir++ begin with a
// dot.
func belongsToMaildir(entry fs.DirEntry) bool {
	name := entry.Name()
	return name == "cur" || name == "new" || entry.IsDir() && strings.HasPrefix(name, ".")
}

func (w *walk) file(path string, asked bool) bool {
	f, err := os.Open(path)
	if err != nil {
		return w.fail(path, explain(path, err))
	}
	defer f.Close()
	return w.stream(path, bufio.NewReaderSize(f, readSize), asked || inMaildir(path))
}

func inMaildir(path string) bool {
	switch filepath.Base(filepath.Dir(path)) {
	case "cur", "new":
		return isMaildir(filepath.Dir(filepath.Dir(path)))
	}
	return false
}

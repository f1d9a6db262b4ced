package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"harvester/harvest"
)

// Format is how a mailbox keeps its mail on disk.
type Format string

// The formats of mailboxes on disk.
const (
	Maildir   Format = "maildir"   // https://cr.yp.to/proto/maildir.html, with the folders of Maildir++
	Mbox      Format = "mbox"      // RFC 4155; it is only read
	Directory Format = "directory" // one message in each file
)

// Inbox is the folder that every format has. Only a Maildir has others.
const Inbox = "INBOX"

// The defaults of a [Config].
const (
	DefaultBatchMessages = 500      // messages of a batch
	DefaultBatchBytes    = 16 << 20 // bytes of a batch
)

// Config is one mailbox on disk. Name, Format and Path are required.
type Config struct {
	Name    string // as configured; stands in locators and errors
	Format  Format
	Path    string
	Folders []string // default: INBOX

	ReadOnly bool // nothing is ever changed: Probe asks for no right to write

	BatchMessages int   // most messages in a batch
	BatchBytes    int64 // most bytes in a batch, unless one message has more
	MaxMessage    int64 // bytes of a message that are kept; it is hashed whole
}

type source struct{ Config }

// New returns the mailbox as a source. A wrong configuration shows in Open.
func New(c Config) harvest.Source {
	c.BatchMessages = cmp.Or(c.BatchMessages, DefaultBatchMessages)
	c.BatchBytes = cmp.Or(c.BatchBytes, DefaultBatchBytes)
	c.MaxMessage = cmp.Or(c.MaxMessage, DefaultMaxMessage)
	if len(c.Folders) == 0 {
		c.Folders = []string{Inbox}
	}
	return &source{c}
}

// Open looks whether the mailbox is there.
func (s *source) Open(ctx context.Context) (harvest.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fault("opening "+s.Path, err)
	}
	info, err := os.Stat(s.Path)
	if s.Format == Mbox && errors.Is(err, os.ErrNotExist) && s.rotated() {
		return &mailbox{source: s}, nil
	}
	if err != nil {
		return nil, s.fault("opening "+s.Path, errors.Unwrap(err)) // it names the path, too
	}
	switch s.Format {
	case Maildir:
		if !isMaildir(s.Path) {
			return nil, s.fault("opening "+s.Path, errors.New("it has no directories cur and new: not a Maildir"))
		}
		return &directory{source: s, layout: maildir{s.Path}}, nil
	case Directory:
		if !info.IsDir() {
			return nil, s.fault("opening "+s.Path, errors.New("not a directory"))
		}
		return &directory{source: s, layout: spool{s.Path}}, nil
	case Mbox:
		if !info.Mode().IsRegular() {
			return nil, s.fault("opening "+s.Path, errors.New("not a file"))
		}
		return &mailbox{source: s}, nil
	}
	return nil, s.fault("reading the settings", fmt.Errorf("format %q is none of maildir, mbox, directory", s.Format))
}

// fault says what failed. Missing files and permissions are for an operator to
// mend.
func (s *source) fault(step string, err error) error {
	f := &harvest.Fault{Mailbox: s.Name, Step: step, Err: err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errLocked):
		return f // it passes
	case errors.Is(err, os.ErrNotExist):
		f.Hint = "check the path"
	case errors.Is(err, os.ErrPermission):
		f.Hint = "give the user that harvester runs as the right to it"
	}
	f.Kind = harvest.ErrFolder
	return f
}

// Folders are the configured folders.
func (s *source) folders() []string { return slices.Clone(s.Folders) }

func (s *source) noFolder(folder string) error {
	return s.fault("opening folder "+folder, fmt.Errorf("a %s has only %s", s.Format, Inbox))
}

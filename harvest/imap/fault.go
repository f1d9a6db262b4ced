package imap

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
	"harvester/harvest/wire"
)

// errTruncated means that a literal ended before its announced size. go-imap
// reports it as a complete body.
var errTruncated = errors.New("connection lost in the middle of a message")

// failed turns the error of a command into a fault with the server's words.
func (s *session) failed(ctx context.Context, step string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return &harvest.Fault{Mailbox: s.Name, Step: step, Err: cause}
	}
	f := &harvest.Fault{Mailbox: s.Name, Step: step, Err: err}
	var said *imap.Error
	if errors.As(err, &said) {
		f.Words = wordsOf(said)
	} else if first := s.conn.Failure(); first != nil {
		f.Words = s.conn.LastWords()
		if f.Words == "" && !errors.Is(first, io.EOF) && !errors.Is(first, net.ErrClosed) {
			f.Err = first
		}
		if wire.IsTimeout(first) {
			f.Hint = "the server fell silent for " + s.Timeout.String()
		}
	}
	f.After = wire.BackoffTime(f.Words)
	return f
}

func wordsOf(e *imap.Error) string {
	words := string(e.Type)
	if e.Code != "" {
		words += " [" + string(e.Code) + "]"
	}
	return strings.TrimSpace(words + " " + e.Text)
}

// refused says whether the server answered NO or BAD: the command failed, the
// connection lives.
func refused(err error) bool {
	var said *imap.Error
	return errors.As(err, &said)
}

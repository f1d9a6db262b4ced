package file

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"harvester/harvest"
)

// mailbox is a session on an mbox file to which others append. It is never
// written.
type mailbox struct {
	*source
	harvest.Share
}

func (b *mailbox) Folders() []string { return b.folders() }

func (b *mailbox) Close(context.Context) error { return nil }

// place is how far an mbox was read: a cursor's State. The mark is a hash of
// the beginning of the file, which tells it from its successor after a
// rotation.
type place struct {
	offset int64
	mark   string
}

// markSize is how much of the beginning is hashed, at most.
const markSize = 4096

func parsePlace(state string) place {
	var p place
	if _, err := fmt.Sscanf(state, "%d:%s", &p.offset, &p.mark); err != nil || p.offset < 0 {
		return place{}
	}
	return p
}

func (p place) String() string { return fmt.Sprintf("%d:%s", p.offset, p.mark) }

// markOf hashes the beginning of a file that was read up to offset.
func markOf(f io.ReaderAt, offset int64) (string, error) {
	head := make([]byte, min(offset, markSize))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:8]), nil
}

// Next reads the next messages. When the file was rotated, what is left of the
// old one comes first.
func (b *mailbox) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	if cur.Folder != Inbox {
		return harvest.Batch{}, b.noFolder(cur.Folder)
	}
	cur.Mailbox = b.Name
	at := parsePlace(cur.State)
	for _, path := range append([]string{b.Path}, b.successors()...) {
		messages, next, err := b.read(ctx, path, at)
		if errors.Is(err, errOtherFile) || errors.Is(err, os.ErrNotExist) && (path != b.Path || b.rotated()) {
			continue
		}
		if err != nil {
			return harvest.Batch{}, b.fault("reading "+path, err)
		}
		if len(messages) > 0 || path == b.Path {
			cur.State = next.String()
			return harvest.Batch{Messages: messages, Cursor: cur}, nil
		}
		break // the old file is read to its end
	}
	messages, next, err := b.read(ctx, b.Path, place{})
	if errors.Is(err, os.ErrNotExist) && b.rotated() { // nobody has written to a new one yet
		return harvest.Batch{Cursor: cur}, nil
	}
	if err != nil {
		return harvest.Batch{}, b.fault("reading "+b.Path, err)
	}
	cur.State = next.String()
	return harvest.Batch{Messages: messages, Cursor: cur}, nil
}

// successors are what an mbox is called after a rotation.
//
// QUIRK: logrotate appends .1, newsyslog .0.
func (s *source) successors() []string { return []string{s.Path + ".1", s.Path + ".0"} }

// rotated tells that an mbox stands under its next name.
func (s *source) rotated() bool {
	return slices.ContainsFunc(s.successors(), func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

// Probe counts the messages in the file.
func (b *mailbox) Probe(ctx context.Context, folder string) (n int, err error) {
	if folder != Inbox {
		return 0, b.noFolder(folder)
	}
	f, err := os.Open(b.Path)
	if errors.Is(err, os.ErrNotExist) && b.rotated() {
		return 0, nil
	}
	if err != nil {
		return 0, b.fault("opening "+b.Path, err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, readSize)
	if _, empty, err := beginning(r); err != nil || empty {
		if err != nil {
			err = b.fault("reading "+b.Path, err)
		}
		return 0, err
	}
	m := &mboxReader{r: r}
	for {
		if err := ctx.Err(); err != nil {
			return n, b.fault("reading "+b.Path, err)
		}
		_, err := m.next(b.Path)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, b.fault("reading "+b.Path, err)
		}
		n++
	}
}

// errOtherFile means that a place doesn't belong to a file.
var errOtherFile = errors.New("another file stands there now")

func (b *mailbox) read(ctx context.Context, path string, at place) ([]harvest.Message, place, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, at, err
	}
	defer f.Close()
	if err := lock(f); err != nil {
		return nil, at, err
	}
	if at.offset > 0 {
		info, err := f.Stat()
		if err != nil {
			return nil, at, err
		}
		mark, err := markOf(f, at.offset)
		if err != nil {
			return nil, at, err
		}
		if info.Size() < at.offset || mark != at.mark {
			return nil, at, errOtherFile
		}
	}
	if _, err := f.Seek(at.offset, io.SeekStart); err != nil {
		return nil, at, err
	}
	messages, end, err := b.messages(ctx, f, path, at.offset)
	if err != nil {
		return nil, at, err
	}
	mark, err := markOf(f, end)
	return messages, place{end, mark}, err
}

// messages reads one batch from an offset, and returns that of the next.
func (b *mailbox) messages(ctx context.Context, f io.Reader, path string, offset int64) ([]harvest.Message, int64, error) {
	r := bufio.NewReaderSize(f, readSize)
	skipped, empty, err := beginning(r)
	offset += skipped
	if err != nil || empty {
		return nil, offset, err
	}
	var batch []harvest.Message
	var bytes int64
	m := &mboxReader{r: r, limit: b.MaxMessage}
	messages, most := b.Within(b.BatchMessages, b.BatchBytes)
	for len(batch) < messages && bytes < most {
		if err := ctx.Err(); err != nil {
			return nil, offset, err
		}
		begin := offset + m.start
		message, err := m.next(path)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, offset, err
		}
		// The offset alone recurs in the next file.
		message.Locator = harvest.Locator{Mailbox: b.Name, Folder: Inbox, Name: fmt.Sprintf("%d-%x", begin, message.Hash[:8])}
		bytes += int64(len(message.Raw))
		batch = append(batch, message)
	}
	return batch, offset + m.start, nil
}

// beginning skips to the first message, and fails if there is something else.
func beginning(r *bufio.Reader) (skipped int64, empty bool, err error) {
	start, err := r.Peek(1)
	for len(start) > 0 && (start[0] == '\n' || start[0] == '\r') { // some writers part messages before, not after them
		_, _ = r.Discard(1) // it was peeked at
		skipped++
		start, err = r.Peek(1)
	}
	if len(start) == 0 {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return skipped, true, err
	}
	if line, _ := r.Peek(sniffSize); !isSeparator(firstLine(line)) {
		return skipped, false, errors.New("no From_ line where a message should begin: not an mbox")
	}
	return skipped, false, nil
}

var errLocked = errors.New("another program is writing to it")

// lock keeps writers out while we read, in both ways that they may use; they
// end when the file is closed.
func lock(f *os.File) error {
	whole := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart}
	err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &whole)
	if err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	if _, exists := os.Stat(f.Name() + ".lock"); exists == nil { // a dot lock
		return errLocked
	}
	return err
}

// Settle can only keep: an mbox belongs to those who append to it.
func (b *mailbox) Settle(_ context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	for _, t := range todo {
		if t.Disposition != harvest.Keep {
			return done, b.fault("settling in folder "+folder, errors.New(`an mbox is only read: done = "keep"`))
		}
		done = append(done, t)
	}
	return done, nil
}

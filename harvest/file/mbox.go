package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"harvester/harvest"
)

var fromLine = []byte("From ")

// separator is a From_ line (RFC 4155): a sender, perhaps with spaces, and a
// date in the manner of asctime, perhaps without seconds or with a time zone.
var separator = regexp.MustCompile(`^From .*\b([A-Z][a-z]{2}) ([A-Z][a-z]{2}) +(\d{1,2}) +(\d{1,2}:\d\d(?::\d\d)?)(?: +[A-Z]{3,5}| +[+-]\d{4})? +(\d{4})`)

func isSeparator(line []byte) bool {
	return bytes.HasPrefix(line, fromLine) && separator.Match(line)
}

// separatorTime is the date of a From_ line; the format has no time zone.
func separatorTime(line []byte) time.Time {
	m := separator.FindSubmatch(line)
	if m == nil {
		return time.Time{}
	}
	clock := string(m[4])
	if len(clock) < len("0:00:00") {
		clock += ":00"
	}
	at, err := time.Parse("Jan 2 15:04:05 2006", fmt.Sprintf("%s %s %s %s", m[2], m[3], clock, m[5]))
	if err != nil {
		return time.Time{}
	}
	return at
}

// mboxReader splits an mbox. A separator is a From_ line at the start of the
// file or after an empty line; the empty line before it belongs to the format.
// One ">" is taken from lines that begin with any number of them and "From "
// (mboxrd; the older mboxo differs only where it can't be undone).
type mboxReader struct {
	r     *bufio.Reader
	limit int64
	from  []byte // the separator of the message to come
	taken int64  // bytes read so far
	start int64  // offset of that separator
	count int
}

// next reads one message, or io.EOF.
func (m *mboxReader) next(path string) (harvest.Message, error) {
	if m.count == 0 {
		line, err := m.line()
		if err != nil && len(line) == 0 {
			return harvest.Message{}, err
		}
		m.from = bytes.Clone(line)
	}
	if m.from == nil {
		return harvest.Message{}, io.EOF
	}
	m.count++
	received := separatorTime(m.from)
	m.from = nil
	k := harvest.NewKeeper(m.limit)
	var held []byte   // an empty line that may belong to the separator
	lineStart := true // the reader splits very long lines
	for {
		line, err := m.line()
		if lineStart && len(line) > 0 { // at the end of the file an empty line held back belongs to the format
			if (held != nil || k.Size() == 0) && isSeparator(line) {
				m.start = m.taken - int64(len(line))
				m.from = bytes.Clone(line)
				break
			}
			k.Add(held)
			held = nil
			if isBlank(line) {
				held = bytes.Clone(line)
			} else {
				k.Add(unquote(line))
			}
		} else {
			k.Add(line)
		}
		lineStart = bytes.HasSuffix(line, []byte("\n"))
		if err != nil {
			m.start = m.taken
			if !errors.Is(err, io.EOF) {
				return harvest.Message{}, err
			}
			break
		}
	}
	return message(k, fmt.Sprintf("%s#%d", path, m.count), received), nil
}

// line reads a line, or a piece of one that is longer than the buffer.
func (m *mboxReader) line() ([]byte, error) {
	line, err := m.r.ReadSlice('\n')
	m.taken += int64(len(line))
	if errors.Is(err, bufio.ErrBufferFull) {
		err = nil
	}
	return line, err
}

func isBlank(line []byte) bool { return len(line) > 0 && len(bytes.TrimRight(line, "\r\n")) == 0 }

func unquote(line []byte) []byte {
	if len(line) > 0 && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), fromLine) {
		return line[1:]
	}
	return line
}

func (w *walk) mbox(path string, r *bufio.Reader) bool {
	m := &mboxReader{r: r, limit: w.MaxMessage}
	for {
		message, err := m.next(path)
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return w.fail(path, explain(path, err))
		}
		if !w.yield(message, nil) {
			return false
		}
		if err := w.ctx.Err(); err != nil {
			w.fail(path, err)
			return false
		}
	}
}

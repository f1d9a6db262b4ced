package table

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// RowError is what is wrong with a row. Those after it can be read.
type RowError struct {
	Line int // where the row begins
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *RowError) Unwrap() error { return e.Err }

// Reader reads a table row by row.
type Reader struct {
	in    io.ReadSeeker
	comma rune

	rows  *csv.Reader // from base on
	base  int64       // bytes before it
	lines int         // and the lines in them
	taken int         // lines that its rows took so far
}

// lineLimit is how long a line may be, in bytes.
const lineLimit = 1 << 20

// NewReader reads a table whose first line is not empty and tells how its cells
// are parted. The text is UTF-8 without a byte order mark: see Text.
func NewReader(in io.ReadSeeker) (*Reader, error) {
	t := &Reader{in: in}
	for {
		line, err := t.skip()
		if err != nil && line == "" {
			return nil, fmt.Errorf("reading a table: %w", err)
		}
		if strings.TrimSpace(line) == "" && err == nil {
			continue
		}
		if t.comma = separatorLine(line); t.comma != 0 && err == nil {
			return t, t.from(t.base, t.lines)
		}
		t.comma = Separator(line)
		return t, t.from(t.base-int64(len(line)), t.lines-1)
	}
}

// from reads on at an offset that some lines stand before.
func (t *Reader) from(offset int64, lines int) error {
	if _, err := t.in.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("reading a table: %w", err)
	}
	t.base, t.lines, t.taken = offset, lines, 0
	t.rows = csv.NewReader(t.in)
	t.rows.Comma, t.rows.FieldsPerRecord, t.rows.ReuseRecord = t.comma, -1, true
	return nil
}

// skip reads the line at base and goes behind it.
func (t *Reader) skip() (string, error) {
	if _, err := t.in.Seek(t.base, io.SeekStart); err != nil {
		return "", err
	}
	var line []byte
	r := bufio.NewReader(t.in)
	for {
		part, err := r.ReadSlice('\n')
		if len(line) < lineLimit { // the rest is counted, not kept
			line = append(line, part...)
		}
		t.base += int64(len(part))
		if !errors.Is(err, bufio.ErrBufferFull) {
			t.lines++
			return string(line), err
		}
	}
}

// Next is the next row and the line that it begins on. The cells are valid
// until the next call. It ends with io.EOF; a *RowError is about one row.
func (t *Reader) Next() (cells []string, line int, err error) {
	start := t.base + t.rows.InputOffset()
	cells, err = t.rows.Read()
	if err == nil {
		last := len(cells) - 1
		line, _ = t.rows.FieldPos(0)
		t.taken, _ = t.rows.FieldPos(last)
		t.taken += strings.Count(cells[last], "\n")
		return cells, t.lines + line, nil
	}
	var syntax *csv.ParseError
	if !errors.As(err, &syntax) {
		return nil, 0, err
	}
	// What a quote opened may have swallowed good rows: the broken one ends
	// with its line, and reading goes on behind that.
	line = t.lines + syntax.StartLine
	t.base, t.lines = start, t.lines+t.taken
	var text string
	for t.lines < line {
		if text, err = t.skip(); err != nil && !errors.Is(err, io.EOF) {
			return nil, line, fmt.Errorf("reading a table: %w", err)
		}
	}
	if err := t.from(t.base, t.lines); err != nil {
		return nil, line, err
	}
	if errors.Is(syntax.Err, csv.ErrBareQuote) {
		if cells := t.literal(text); cells != nil {
			return cells, line, nil
		}
	}
	return nil, line, &RowError{line, Words(syntax)}
}

// literal reads a line whose unquoted cells hold quotes, as programs write that
// join cells by hand; nil when that can't be told.
func (t *Reader) literal(line string) []string {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = t.comma, -1, true
	cells, err := r.Read()
	if _, more := r.Read(); err != nil || more != io.EOF {
		return nil
	}
	return cells
}

// Words says what is wrong with a row and what to do.
func Words(syntax *csv.ParseError) error {
	if errors.Is(syntax.Err, csv.ErrQuote) {
		return errors.New(`a quote is opened and not closed in its cell: write "..." around the whole cell, and "" for a quote within`)
	}
	return syntax.Err
}

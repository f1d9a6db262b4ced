package foreign

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/table"
	"harvester/store/policy"
)

// Options say how a list is read.
type Options struct {
	Kind   Kind                      // of rows that don't say one
	Stream string                    // the stream of ours that the list is of, "" for all
	Known  func(stream string) error // refuses a stream that a list names; nil: none is refused
	Now    time.Time                 // when the list is read; its zone is that of times without one
	Own    []string                  // domain keys of ours

	// Meaning reads the reply of a server, with its enhanced status code where the
	// list has one.
	Meaning func(text, status string) bounce.Reason
	// Table is the policy: what it never suppresses for is left out.
	Table policy.Table
}

// Row is what a list says of an address.
type Row struct {
	Line  int
	Left  string // why it is not for the list, though it was understood; "" when it is
	Entry policy.Override
}

// List is a list whose form was recognised.
type List struct {
	o     Options
	times timeReader
	rows  rows
	form  *form
	head  head

	first []string // the first row of a table without header
	line  int
}

// rows are those of a table, or the objects of JSON.
type rows interface {
	// next is the next row, its columns and the line where it begins. It ends with
	// io.EOF; a *table.RowError is about one row.
	next() (head, []string, int, error)
}

// ErrEmpty tells that there is nothing in a file.
var ErrEmpty = errors.New("the file is empty")

// Open recognises a list: CSV or JSON, in UTF-8 without byte order mark (see
// table.Text). The error says what is expected.
func Open(in io.ReadSeeker, o Options) (*List, error) {
	l := &List{o: o, times: timeReader{zone: o.Now.Location()}}
	begin, err := firstByte(in)
	if err != nil {
		return nil, err
	}
	if begin == '{' || begin == '[' {
		if l.rows, err = openJSON(in); err != nil {
			return nil, err
		}
		h, _, _, err := l.rows.next()
		if err != nil {
			return nil, fmt.Errorf("its first entry: %w", err)
		}
		if l.form, err = recognise(h, o.Kind); err != nil {
			return nil, err
		}
		l.rows, err = openJSON(in)
		return l, err
	}
	if alone, err := addressAlone(in); err != nil || alone {
		if err == nil && o.Kind == KindUnknown {
			err = errKind
		}
		l.form, l.rows = &plainForm, &lineRows{s: bufio.NewScanner(in)}
		return l, err
	}
	t, err := table.NewReader(in)
	if err != nil {
		return nil, err
	}
	cells, line, err := t.Next()
	if err == nil && strings.HasPrefix(cells[0], "For reading only") { // the banner of the profile spreadsheet
		cells, line, err = t.Next()
	}
	if err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	c := &csvRows{Reader: t}
	l.rows = c
	if l.form, l.head = headless(cells); l.form != nil {
		c.head, l.first, l.line = l.head, append([]string(nil), cells...), line
		if l.form.mute && o.Kind == KindUnknown {
			return nil, errKind
		}
		return l, nil
	}
	c.head = headOf(cells)
	l.form, err = recognise(c.head, o.Kind)
	return l, err
}

// lineRows are lines that each hold an address and nothing else.
type lineRows struct {
	s    *bufio.Scanner
	line int
}

var addressHead = headOf([]string{"email"})

func (l *lineRows) next() (head, []string, int, error) {
	for l.s.Scan() {
		l.line++
		if text := strings.TrimSpace(l.s.Text()); text != "" {
			return addressHead, []string{text}, l.line, nil
		}
	}
	return nil, nil, 0, cmp.Or(l.s.Err(), io.EOF)
}

// addressAlone tells that the first line is an address, and leaves the file at
// its beginning.
func addressAlone(in io.ReadSeeker) (bool, error) {
	line := ""
	for s := bufio.NewScanner(in); line == "" && s.Scan(); {
		line = strings.TrimSpace(s.Text())
	}
	_, err := in.Seek(0, io.SeekStart)
	return policy.IsAddress(strings.TrimSuffix(strings.TrimPrefix(line, "<"), ">")), err
}

// Form names the form by which the list is read.
func (l *List) Form() string { return l.form.name }

// Rows yields the rows in the order of the file. A *table.RowError refuses one
// row, and reading can go on; any other error ends it. It can be called once.
func (l *List) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if l.first != nil && !yield(l.read(l.head, l.first, l.line)) {
			return
		}
		for {
			h, cells, line, err := l.rows.next()
			var broken *table.RowError
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil && !errors.As(err, &broken):
				yield(Row{}, fmt.Errorf("reading the list: %w", err))
				return
			case err != nil:
				if !yield(Row{Line: line}, err) {
					return
				}
				continue
			}
			if !yield(l.read(h, cells, line)) {
				return
			}
		}
	}
}

// read reads one row.
func (l *List) read(h head, cells []string, line int) (Row, error) {
	r := &record{head: h, cells: cells, o: &l.o, times: &l.times}
	row := Row{Line: line}
	if err := r.fits(); err != nil {
		return row, &table.RowError{Line: line, Err: err}
	}
	l.form.read(r)
	if r.err == nil && r.left == "" {
		r.finish()
	}
	if r.err != nil {
		return row, &table.RowError{Line: line, Err: r.err}
	}
	row.Left, row.Entry = r.left, r.out
	return row, nil
}

// csvRows are the rows of a table.
type csvRows struct {
	*table.Reader
	head head
}

func (c *csvRows) next() (head, []string, int, error) {
	cells, line, err := c.Next()
	return c.head, cells, line, err
}

// firstByte is the first that is no white space, and leaves the file at its
// beginning.
func firstByte(in io.ReadSeeker) (byte, error) {
	var buf [512]byte
	for {
		n, err := in.Read(buf[:])
		if text := strings.TrimSpace(string(buf[:n])); text != "" {
			_, err := in.Seek(0, io.SeekStart)
			return text[0], err
		}
		if errors.Is(err, io.EOF) {
			return 0, ErrEmpty
		}
		if err != nil {
			return 0, err
		}
	}
}

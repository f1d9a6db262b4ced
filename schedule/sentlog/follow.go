package sentlog

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Rows reads everything in r. The errors are *LineError; reading goes on after
// them as long as the caller asks for more.
func Rows(r io.Reader, p Parser) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s := scanner(r)
		for line := 1; s.Scan(); line++ {
			rows, err := p.Line(s.Text())
			if err != nil && !yield(Row{}, &LineError{line, err}) {
				return
			}
			for _, row := range rows {
				row.Line = line
				if !yield(row, nil) {
					return
				}
			}
		}
		if err := s.Err(); err != nil {
			yield(Row{}, fmt.Errorf("reading: %w", err))
		}
	}
}

// Position is how far a log has been read, rotated parts of it included.
type Position struct {
	Files map[string]int64 `json:"files"` // bytes read, by a hash of the file's first lines
	Open  *Open            `json:"open,omitempty"`
}

// Log is a file that grows and is rotated.
type Log struct {
	Path   string // with * for names that change, such as those of PowerMTA
	Format string
	Now    time.Time     // see New
	Keep   time.Duration // parts that were not written to for longer are passed over
}

// Follow yields what came into the log since pos, the oldest part first, and
// moves pos. Rotated parts are the files beside it with a further ending; a
// file is known by its first two lines, so that being renamed or copied makes
// no difference. Compressed parts are passed over. A line that is not
// finished waits for the next time, as does a file with only one. Lines that
// can't be read are counted; errors are of files.
func (l Log) Follow(ctx context.Context, pos *Position, bad *int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		parts, err := l.parts()
		if err != nil {
			yield(Row{}, err)
			return
		}
		was := pos.Files
		pos.Files = map[string]int64{}
		open := pos.Open
		for _, path := range parts {
			p, err := New(l.Format, l.Now)
			if err == nil && p.Open() != nil && open != nil {
				*p.Open() = *open
			}
			if err == nil {
				err = l.part(ctx, path, p, was, pos, bad, yield)
			}
			if errors.Is(err, errEnough) {
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("following %s: %w", path, err))
				return
			}
			open = p.Open()
		}
		pos.Open = open
	}
}

var errEnough = errors.New("the caller has enough")

// parts are the files of the log, oldest first.
func (l Log) parts() ([]string, error) {
	written := map[string]time.Time{}
	for _, pattern := range []string{l.Path, l.Path + ".*", l.Path + "-*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("following %s: %w", l.Path, err)
		}
		for _, path := range found {
			info, err := os.Stat(path)
			if errors.Is(err, os.ErrNotExist) {
				continue // rotated away in this moment; it has another name now
			}
			if err != nil {
				return nil, fmt.Errorf("following %s: %w", l.Path, err)
			}
			if info.Mode().IsRegular() && !packed(path) && info.ModTime().After(l.Now.Add(-l.Keep)) {
				written[path] = info.ModTime()
			}
		}
	}
	if len(written) == 0 {
		if _, err := os.Stat(l.Path); !strings.Contains(l.Path, "*") && err != nil {
			return nil, fmt.Errorf("following a log: %w", err)
		}
	}
	var out []string
	for path := range written {
		out = append(out, path)
	}
	slices.SortFunc(out, func(a, b string) int {
		if c := written[a].Compare(written[b]); c != 0 {
			return c
		}
		return -strings.Compare(a, b) // log.1 is older than log
	})
	return out, nil
}

func packed(path string) bool {
	return slices.Contains([]string{".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z"}, filepath.Ext(path))
}

func (l Log) part(ctx context.Context, path string, p Parser, was map[string]int64, pos *Position, bad *int, yield func(Row, error) bool) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 256<<10)
	first, err := firstLines(r)
	if err != nil {
		return nil //nolint:nilerr // too short as yet
	}
	h := sha256.Sum256([]byte(first[0] + first[1]))
	id := hex.EncodeToString(h[:8])
	offset := was[id]
	if info, err := f.Stat(); err != nil || offset > info.Size() {
		offset = 0 // it was emptied in place
	}
	if offset > 0 {
		if _, err := p.Line(strings.TrimRight(first[0], "\r\n")); err != nil { // names columns, perhaps
			*bad++
		}
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	r.Reset(f)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			pos.Files[id] = offset
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rows, err := p.Line(strings.TrimRight(line, "\r\n"))
		if err != nil {
			*bad++
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return errEnough
			}
		}
		offset += int64(len(line))
	}
}

func firstLines(r *bufio.Reader) (two [2]string, err error) {
	for i := range two {
		if two[i], err = r.ReadString('\n'); err != nil {
			return two, err
		}
	}
	return two, nil
}

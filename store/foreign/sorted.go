package foreign

import (
	"bufio"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"harvester/store/policy"
)

// inRun is how many entries are sorted in memory, some 300 bytes each.
const inRun = 100_000

// Sorted yields entries in the order of their keys, those of one key as they
// came. A list is stored several times as fast so: rows that lie beside each
// other in the database are written together. What does not fit into memory is
// sorted by parts, which lie in temporary files meanwhile. It ends at the first
// error of entries, after nothing was yielded.
func Sorted(entries iter.Seq2[policy.Override, error]) iter.Seq2[policy.Override, error] {
	return func(yield func(policy.Override, error) bool) {
		s := sorting{}
		defer s.close()
		for e, err := range entries {
			if err == nil && len(s.run) == inRun {
				err = s.spill()
			}
			if err != nil {
				yield(policy.Override{}, err)
				return
			}
			s.run = append(s.run, e)
		}
		slices.SortStableFunc(s.run, byKey)
		s.merge(yield)
	}
}

func byKey(a, b policy.Override) int { return strings.Compare(a.Pattern, b.Pattern) }

// sorting are the sorted parts of a list: the last one in memory.
type sorting struct {
	run   []policy.Override
	files []*os.File
}

// spill writes the part in memory to a file, which is gone when it is closed.
func (s *sorting) spill() error {
	slices.SortStableFunc(s.run, byKey)
	f, err := os.CreateTemp("", "harvester-sort-")
	if err != nil {
		return fmt.Errorf("sorting a list: %w", err)
	}
	s.files = append(s.files, f)
	w := bufio.NewWriterSize(f, 256<<10)
	err = os.Remove(f.Name()) // the open file stays readable
	for enc, i := gob.NewEncoder(w), 0; err == nil && i < len(s.run); i++ {
		err = enc.Encode(&s.run[i])
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	s.run = s.run[:0]
	if err != nil {
		return fmt.Errorf("sorting a list: %w", err)
	}
	return nil
}

func (s *sorting) close() {
	for _, f := range s.files {
		f.Close() //nolint:errcheck,gosec // it was only read
	}
}

// part is one sorted part, an entry of it in hand.
type part struct {
	dec   *gob.Decoder // nil: the part in memory
	rest  []policy.Override
	entry policy.Override
}

func (p *part) next() (err error) {
	if p.dec != nil {
		p.entry = policy.Override{} // gob leaves out what is zero
		return p.dec.Decode(&p.entry)
	}
	if len(p.rest) == 0 {
		return io.EOF
	}
	p.entry, p.rest = p.rest[0], p.rest[1:]
	return nil
}

// merge yields what all parts hold, of equal keys the earlier part first.
func (s *sorting) merge(yield func(policy.Override, error) bool) {
	parts := make([]*part, 0, len(s.files)+1)
	for _, f := range s.files {
		parts = append(parts, &part{dec: gob.NewDecoder(bufio.NewReaderSize(f, 64<<10))})
	}
	parts = append(parts, &part{rest: s.run})
	for i := 0; i < len(parts); {
		switch err := parts[i].next(); {
		case errors.Is(err, io.EOF):
			parts = slices.Delete(parts, i, i+1)
		case err != nil:
			yield(policy.Override{}, fmt.Errorf("sorting a list: %w", err))
			return
		default:
			i++
		}
	}
	for len(parts) > 0 {
		least := 0
		for i := range parts {
			if parts[i].entry.Pattern < parts[least].entry.Pattern {
				least = i
			}
		}
		if !yield(parts[least].entry, nil) {
			return
		}
		switch err := parts[least].next(); {
		case errors.Is(err, io.EOF):
			parts = slices.Delete(parts, least, least+1)
		case err != nil:
			yield(policy.Override{}, fmt.Errorf("sorting a list: %w", err))
			return
		}
	}
}

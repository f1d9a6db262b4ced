package foreign

import (
	"bufio"
	"cmp"
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

// Sorter brings entries into the order of their keys, those of one key as they
// came. A list is stored several times as fast so: rows that lie beside each
// other in the database are written together. What does not fit into memory is
// sorted by parts, which lie in temporary files meanwhile. The zero value is
// empty.
type Sorter struct {
	run   []policy.Override // the part in memory
	order []uint32          // of run, when it is sorted
	files []*os.File        // the sorted parts before it
}

// Add takes one more entry.
func (s *Sorter) Add(e *policy.Override) error {
	if len(s.run) == inRun {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.run = append(s.run, *e)
	return nil
}

// Entries yields what was added. It can be called once, and nothing can be added
// after it.
func (s *Sorter) Entries() iter.Seq2[policy.Override, error] {
	return func(yield func(policy.Override, error) bool) {
		s.sort()
		s.merge(yield)
	}
}

// sort brings the part in memory into its order. Entries are large, so their
// places are sorted.
func (s *Sorter) sort() {
	s.order = s.order[:0]
	for i := range s.run {
		s.order = append(s.order, uint32(i)) //nolint:gosec // no more than inRun
	}
	slices.SortFunc(s.order, func(a, b uint32) int {
		return cmp.Or(strings.Compare(s.run[a].Pattern, s.run[b].Pattern), cmp.Compare(a, b))
	})
}

// spill writes the part in memory to a file, which is gone when it is closed.
func (s *Sorter) spill() error {
	s.sort()
	f, err := os.CreateTemp("", "harvester-sort-")
	if err != nil {
		return fmt.Errorf("sorting a list: %w", err)
	}
	s.files = append(s.files, f)
	w := bufio.NewWriterSize(f, 256<<10)
	err = os.Remove(f.Name()) // the open file stays readable
	for enc, i := gob.NewEncoder(w), 0; err == nil && i < len(s.order); i++ {
		err = enc.Encode(&s.run[s.order[i]])
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

// Close lets go of the temporary files.
func (s *Sorter) Close() {
	for _, f := range s.files {
		f.Close() //nolint:errcheck,gosec // it was only read
	}
}

// part is one sorted part, an entry of it in hand.
type part struct {
	dec   *gob.Decoder // nil: the part in memory
	run   []policy.Override
	rest  []uint32 // places in run
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
	p.entry, p.rest = p.run[p.rest[0]], p.rest[1:]
	return nil
}

// merge yields what all parts hold, of equal keys the earlier part first.
func (s *Sorter) merge(yield func(policy.Override, error) bool) {
	parts := make([]*part, 0, len(s.files)+1)
	for _, f := range s.files {
		parts = append(parts, &part{dec: gob.NewDecoder(bufio.NewReaderSize(f, 64<<10))})
	}
	parts = append(parts, &part{run: s.run, rest: s.order})
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

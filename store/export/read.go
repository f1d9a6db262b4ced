package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"harvester/store/policy"
)

// read yields the addresses of a file by the target's own rules, as they are
// counted. A name that is somebody else's to the target is an error, and so are
// two that are one: some targets then refuse the whole file.
func (p *Profile) read(r io.Reader) iter.Seq2[string, error] {
	if p.form.fold == nil {
		return p.form.read(r)
	}
	return func(yield func(string, error) bool) {
		var last string    // key
		var forms []string // of its names so far
		for name, err := range p.form.read(r) {
			if err != nil {
				yield("", err)
				return
			}
			key, folded := policy.Key(name), p.form.fold(name)
			if key != last {
				last, forms = key, forms[:0]
			}
			switch {
			case slices.Contains(forms, folded):
				yield("", fmt.Errorf("%q stands there twice, as the target compares names", folded))
				return
			case policy.Key(folded) != key:
				yield("", fmt.Errorf("%q %s", name, p.strays(name, key)))
				return
			}
			forms = append(forms, folded)
			if !yield(key, nil) {
				return
			}
		}
	}
}

// csvReader is how a target reads CSV.
type csvReader struct {
	column  string // header of the address column; "" means no header, the first column
	comma   rune   // 0 means a comma
	skip    int    // records before the header
	loose   bool   // records may differ in length
	guarded bool   // against spreadsheet programs (guard)
}

// readCSV yields the address column of a CSV file, read strictly.
func readCSV(c csvReader) func(io.Reader) iter.Seq2[string, error] {
	return func(r io.Reader) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			cr := csv.NewReader(r)
			cr.ReuseRecord = true
			if c.comma != 0 {
				cr.Comma = c.comma
			}
			if c.loose || c.skip > 0 {
				cr.FieldsPerRecord = -1
			}
			for range c.skip {
				if _, err := cr.Read(); err != nil {
					yield("", err)
					return
				}
			}
			column := 0
			if c.column != "" {
				head, err := cr.Read()
				if column = slices.Index(head, c.column); err != nil || column < 0 {
					yield("", errors.Join(fmt.Errorf("the header line lacks the column %q", c.column), err))
					return
				}
			}
			for {
				rec, err := cr.Read()
				if err == io.EOF {
					return
				}
				if err != nil {
					yield("", err)
					return
				}
				name := rec[column]
				if c.guarded {
					name = unguard(name)
				}
				if !yield(name, nil) {
					return
				}
			}
		}
	}
}

// readLines yields what of makes of each line; ok false passes a line over.
func readLines(of func(line string) (name string, ok bool, err error)) func(io.Reader) iter.Seq2[string, error] {
	return func(r io.Reader) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			sc := bufio.NewScanner(r)
			sc.Buffer(nil, 1<<20)
			for n := 1; sc.Scan(); n++ {
				name, ok, err := of(sc.Text())
				if err != nil {
					yield("", fmt.Errorf("line %d: %w", n, err))
					return
				}
				if ok && !yield(name, nil) {
					return
				}
			}
			if err := sc.Err(); err != nil {
				yield("", err)
			}
		}
	}
}

// wholeLine takes a line for an address as it stands.
func wholeLine(line string) (string, bool, error) { return line, line != "", nil }

// readJSON yields the addresses that a JSON value on each line holds.
func readJSON[T any](of func(T) []string) func(io.Reader) iter.Seq2[string, error] {
	return func(r io.Reader) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for d := json.NewDecoder(r); ; {
				var v T
				err := d.Decode(&v)
				if err == io.EOF {
					return
				}
				if err != nil {
					yield("", err)
					return
				}
				for _, name := range of(v) {
					if !yield(name, nil) {
						return
					}
				}
			}
		}
	}
}

package export

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// csvReader is how a target reads CSV.
type csvReader struct {
	column string // header of the address column; "" means no header, the first column
	comma  rune   // 0 means a comma
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
				if !yield(rec[column], nil) {
					return
				}
			}
		}
	}
}

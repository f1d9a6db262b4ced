package engine

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/parse/count"
)

// Recurring reads columns of text whose values recur together, as the words of
// events do: millions of rows share some hundred combinations. They come as one
// column, a JSON array, and each combination is read into its fields once; take
// copies these fields from one row to another. (Handing a column over costs more
// than all else that SQLite does for a row.) A field takes a string, whether
// there is a text, or what its own words say.
func Recurring[T any](take func(to, from *T), fields ...Field[T]) Field[T] {
	return Field[T]{
		Column: "json_array(" + Names(fields) + ")",
		To: func(row *T) any {
			return &recurring[T]{row, take, fields, map[string]*T{}}
		},
	}
}

type recurring[T any] struct {
	row    *T
	take   func(to, from *T)
	fields []Field[T]
	seen   map[string]*T // combinations, by the column's text
}

const mostCombinations = 4096 // that are kept

// Scan reads the column.
func (r *recurring[T]) Scan(v any) error {
	text, _ := v.(string)
	from := r.seen[text]
	if from == nil {
		var words []string
		if err := json.Unmarshal([]byte(text), &words); err != nil || len(words) != len(r.fields) {
			return fmt.Errorf("a column of %s holds %.100q", count.Of(len(r.fields), "text"), text)
		}
		from = new(T)
		for i, f := range r.fields {
			if err := read(f.To(from), words[i]); err != nil {
				return err
			}
		}
		if len(r.seen) >= mostCombinations {
			clear(r.seen)
		}
		r.seen[text] = from
	}
	r.take(r.row, from)
	return nil
}

func read(to any, text string) error {
	switch to := to.(type) {
	case *string:
		*to = text
	case *bool:
		*to = text != ""
	case sql.Scanner:
		return to.Scan(text)
	default:
		return fmt.Errorf("a text can't be read into %T", to)
	}
	return nil
}

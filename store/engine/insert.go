package engine

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// Column is one column of a table, with what a row of T has in it: name and
// value stand together, so that no two can be swapped.
type Column[T any] struct {
	Name string
	Of   func(*T) any
}

// Insert describes how rows of T are written.
type Insert[T any] struct {
	Table    string
	Columns  []Column[T]
	Key      string // "key, source": a row takes the place of the one with the same key; "": none may be there
	Conflict string // what follows the values: "ON CONFLICT DO NOTHING"
	Lookup   *Lookup
}

// Lookup are further columns of a row that are read from another table when it
// is written.
type Lookup struct {
	Columns []string // "kind"
	Exprs   []string // "e.kind", one for each
	Join    string   // of that table, up to the value that it is found by: "LEFT JOIN events e ON e.id ="
	By      string   // the column with that value
}

// several are the numbers of rows that one statement writes, the greatest
// first. What is prepared for each costs memory, and a statement for each row
// would cost more than the row.
var several = []int{64, 16, 4, 1}

// Writer runs statements of constant text: a Tx, or the Snapshot of a Scratch.
type Writer interface {
	Exec(query string, args ...any) (sql.Result, error)
	records() bool
}

// Rows writes rows in their order, as many by one statement as may be.
func (in *Insert[T]) Rows(t Writer, rows []T) error {
	if t.records() {
		return in.recordRows(t, rows)
	}
	for _, n := range several {
		if len(rows) < n {
			continue
		}
		query := in.statement(in.values(n))
		if in.Key == "" && in.Conflict == "" {
			// SQLite keeps no copy of the pages that a statement writes, to take
			// back one of which a row fails: the transaction is taken back.
			query = strings.Replace(query, "INSERT", "INSERT OR FAIL", 1)
		}
		args := make([]any, 0, n*len(in.Columns))
		for len(rows) >= n {
			args = args[:0]
			for i := range rows[:n] {
				for c := range in.Columns {
					args = append(args, in.Columns[c].Of(&rows[i]))
				}
			}
			if _, err := t.Exec(query, args...); err != nil {
				return fmt.Errorf("writing %s: %w", in.Table, err)
			}
			rows = rows[n:]
		}
	}
	return nil
}

// values are the places for the values of some rows.
func (in *Insert[T]) values(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(in.Columns)), ",") + ")"
	values := "VALUES " + strings.TrimSuffix(strings.Repeat(one+",", rows), ",")
	l := in.Lookup
	if l == nil {
		return values
	}
	by := slices.IndexFunc(in.Columns, func(c Column[T]) bool { return c.Name == l.By })
	return fmt.Sprintf("SELECT v.*, %s FROM (%s) v %s v.column%d WHERE true", strings.Join(l.Exprs, ", "), values, l.Join, by+1)
}

// statement writes what a query gives.
func (in *Insert[T]) statement(from string) string {
	names := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		names[i] = c.Name
	}
	if in.Lookup != nil {
		names = append(names, in.Lookup.Columns...)
	}
	conflict := in.Conflict
	if in.Key != "" {
		key := strings.Split(in.Key, ", ")
		var set []string
		for _, n := range names {
			if !slices.Contains(key, n) {
				set = append(set, n+" = excluded."+n)
			}
		}
		conflict = fmt.Sprintf("ON CONFLICT (%s) DO UPDATE SET %s", in.Key, strings.Join(set, ", "))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) %s %s", in.Table, strings.Join(names, ", "), from, conflict)
}

// Field is one column of a query, with where a row of T takes it.
type Field[T any] struct {
	Column string // as the query names it: "e.at"
	To     func(*T) any
}

// Names are the columns, as a query lists them.
func Names[T any](fields []Field[T]) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Column
	}
	return strings.Join(names, ", ")
}

// Targets are where a row takes its columns, in the order of Names. They stay
// valid as long as row does.
func Targets[T any](fields []Field[T], row *T) []any {
	to := make([]any, len(fields))
	for i, f := range fields {
		to[i] = f.To(row)
	}
	return to
}

package engine

import (
	"context"
	"database/sql"
	"encoding"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// JSONList is a list as a column holds it, "" when it is empty.
func JSONList(words []string) string {
	if len(words) == 0 {
		return ""
	}
	b, err := json.Marshal(words)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// Each calls f for each row and closes rows.
func Each(rows *sql.Rows, f func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Millis is a time as a column holds it: ms since 1970, NULL for the zero time.
func Millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// When reads a time column, which may be NULL, into t: integer milliseconds,
// or NULL as the zero time.
func When(t *time.Time) sql.Scanner { return when{t} }

type when struct{ *time.Time }

// Scan reads integer milliseconds, or NULL or an empty text as the zero time.
func (w when) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*w.Time = time.Time{}
	case int64:
		*w.Time = time.UnixMilli(v).UTC()
	case string: // of a column that recurs
		*w.Time = time.Time{}
		if v == "" {
			return nil
		}
		ms, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fmt.Errorf("a time column holds %.50q", v)
		}
		*w.Time = time.UnixMilli(ms).UTC()
	default:
		return fmt.Errorf("a time column holds %T", v)
	}
	return nil
}

// AddKeys adds the texts of a query's one column to a set, and closes it.
func AddKeys(rows *sql.Rows, keys map[string]bool) error {
	return Each(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

// wordScanner scans a column into a value that reads its own words.
type wordScanner struct{ to encoding.TextUnmarshaler }

// Text reads a column into a value that reads its own words.
func Text(to encoding.TextUnmarshaler) wordScanner { return wordScanner{to} }

// Scan reads a text column.
func (s wordScanner) Scan(v any) error {
	t, _ := v.(string)
	return s.to.UnmarshalText([]byte(t))
}

type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// In is the condition that a column has one of n values.
func In(column string, n int) string {
	b := []byte(column + ` IN (`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '?')
	}
	return string(append(b, ')'))
}

// Anys are values as the arguments of a statement.
func Anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

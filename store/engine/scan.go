package engine

import (
	"context"
	"database/sql"
	"encoding"
	"encoding/json"
	"fmt"
	"time"
)

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

// scan calls f for each row and closes rows.
func Each(rows *sql.Rows, f func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

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

// Scan reads integer milliseconds, or NULL as the zero time.
func (w when) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*w.Time = time.Time{}
	case int64:
		*w.Time = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("a time column holds %T", v)
	}
	return nil
}

// word scans a column into a value that reads its own words.
type wordScanner struct{ to encoding.TextUnmarshaler }

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

// collect adds the keys of a one-column query.
func Collect(rows *sql.Rows, keys map[string]bool) error {
	return Each(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	})
}

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

func Anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

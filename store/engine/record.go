package engine

import (
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"harvester/store/engine/postgres"
)

// manyRecords is how many rows travel in one statement at most.
const manyRecords = 1000

// recordRows writes rows that travel as one JSON text: one round trip, and one
// statement that is prepared, however many they are. The server knows the types
// by the table.
func (in *Insert[T]) recordRows(t Writer, rows []T) error {
	query := in.statement(in.recorded())
	for len(rows) > 0 {
		some := rows[:min(len(rows), manyRecords)]
		rows = rows[len(some):]
		text := []byte{'['}
		for i := range some {
			if i > 0 {
				text = append(text, ',')
			}
			var err error
			if text, err = in.record(text, &some[i]); err != nil {
				return fmt.Errorf("writing %s: %w", in.Table, err)
			}
		}
		if _, err := t.Exec(query, string(append(text, ']'))); err != nil {
			return fmt.Errorf("writing %s: %w", in.Table, err)
		}
	}
	return nil
}

// recorded reads the rows back from the text.
func (in *Insert[T]) recorded() string {
	names := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		names[i] = "v." + c.Name
	}
	from := fmt.Sprintf("FROM json_populate_recordset(CAST(NULL AS %s), CAST(? AS json)) v", in.Table)
	if l := in.Lookup; l != nil {
		names = append(names, l.Exprs...)
		from += " " + l.Join + " v." + l.By
	}
	return "SELECT " + strings.Join(names, ", ") + " " + from
}

func (in *Insert[T]) record(to []byte, row *T) ([]byte, error) {
	to = append(to, '{')
	for i := range in.Columns {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(append(append(to, '"'), in.Columns[i].Name...), '"', ':')
		var err error
		if to, err = recordValue(to, in.Columns[i].Of(row)); err != nil {
			return nil, fmt.Errorf("column %s: %w", in.Columns[i].Name, err)
		}
	}
	return append(to, '}'), nil
}

// recordValue appends a value as the column's type reads it.
func recordValue(to []byte, v any) ([]byte, error) {
	v, err := driver.DefaultParameterConverter.ConvertValue(v)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return append(to, "null"...), nil
	case int64:
		return strconv.AppendInt(to, v, 10), nil
	case bool: // truth stands as 1 and 0
		if v {
			return append(to, '1'), nil
		}
		return append(to, '0'), nil
	case []byte:
		return append(hex.AppendEncode(append(to, `"\\x`...), v), '"'), nil
	case string:
		text, err := json.Marshal(postgres.Clean(v))
		return append(to, text...), err
	}
	return nil, fmt.Errorf("a %T", v)
}

package postgres

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"harvester/parse/count"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
)

// Types that are told apart, by their number in pg_type, which never changes.
const (
	oidBool    = 16
	oidBytes   = 17
	oidInt8    = 20
	oidInt2    = 21
	oidInt4    = 23
	oidFloat4  = 700
	oidFloat8  = 701
	oidNumeric = 1700 // what sum() of integers is
)

// encode makes values what travels: text, but for bytes.
func encode(types []uint32, args []driver.NamedValue) (values [][]byte, formats []int16, err error) {
	if len(types) != len(args) {
		return nil, nil, fmt.Errorf("%s where %d are asked for", count.Of(len(args), "value"), len(types))
	}
	values, formats = make([][]byte, len(args)), make([]int16, len(args))
	for i := range args {
		switch v := args[i].Value.(type) {
		case nil:
		case int64:
			values[i] = strconv.AppendInt(nil, v, 10)
		case float64:
			values[i] = strconv.AppendFloat(nil, v, 'g', -1, 64)
		case bool: // truth stands as 1 and 0, and is read from them
			values[i] = []byte{'0'}
			if v {
				values[i] = []byte{'1'}
			}
		case string:
			values[i] = []byte(Clean(v))
		case []byte:
			values[i] = v
			if types[i] == oidBytes {
				formats[i] = 1
			}
			if v == nil {
				values[i] = []byte{}
			}
		case time.Time:
			return nil, nil, fmt.Errorf("a time as value %d: write integer milliseconds", i+1)
		default:
			return nil, nil, fmt.Errorf("a %T as value %d", v, i+1)
		}
	}
	return values, formats, nil
}

// decode reads a row into what SQLite would give: int64, float64, string, bytes
// or nil, and besides them bool.
func decode(fields []pgconn.FieldDescription, from [][]byte, to []driver.Value) (err error) {
	for i, v := range from {
		if v == nil {
			to[i] = nil
			continue
		}
		switch fields[i].DataTypeOID {
		case oidInt8, oidInt4, oidInt2:
			to[i], err = strconv.ParseInt(string(v), 10, 64)
		case oidNumeric:
			if to[i], err = strconv.ParseInt(string(v), 10, 64); err != nil {
				to[i], err = strconv.ParseFloat(string(v), 64)
			}
		case oidFloat8, oidFloat4:
			to[i], err = strconv.ParseFloat(string(v), 64)
		case oidBool:
			to[i] = len(v) == 1 && v[0] == 't'
		case oidBytes:
			if fields[i].Format == 1 {
				to[i] = append([]byte{}, v...)
			} else {
				to[i], err = hex.DecodeString(strings.TrimPrefix(string(v), `\x`))
			}
		default:
			to[i] = string(v)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return nil
}

// Clean makes a text one that PostgreSQL takes: UTF-8 without NUL. Each stretch
// of what is not becomes U+FFFD.
func Clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

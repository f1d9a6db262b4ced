package engine

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"harvester/parse/count"
	"harvester/store/engine/postgres"
)

// Transferred says what a transfer copied, and compared afterwards.
type Transferred struct {
	From   string        `json:"from"`
	To     string        `json:"to"`
	Tables []TableCopied `json:"tables"`
	Rows   int           `json:"rows"`
}

// TableCopied is one table of a transfer.
type TableCopied struct {
	Table string `json:"table"`
	Rows  int    `json:"rows"`
}

// ErrNotEmpty says that a transfer would mix two histories.
var ErrNotEmpty = errors.New("the target has rows already: take an empty one, or let them be replaced")

// Transfer copies one moment of a database into another, of either engine: all
// rows of all tables, in one transaction of the target. Before that is
// committed each table is read back, and must have the same rows, byte by
// byte. The source is only read. It fails with ErrNotEmpty when the target has
// rows, unless they are to be replaced.
func Transfer(ctx context.Context, from, to *DB, replace bool) (Transferred, error) {
	out := Transferred{From: from.Path(), To: to.Path()}
	err := from.Snapshot(ctx, func(source *Snapshot) error {
		return to.Transact(ctx, "copying "+from.Path(), func(target *Tx) error {
			return transfer(source, target, replace, &out)
		})
	})
	return out, err
}

// CopyToFile writes one moment of the database into a new file of SQLite.
func (db *DB) CopyToFile(ctx context.Context, path string) (err error) {
	if !db.OnServer() {
		_, err := db.Backup(ctx, path)
		return err
	}
	file, err := Open(ctx, path, Options{Now: db.Now, Log: db.Log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = Transfer(ctx, db, file, false)
	return err
}

func transfer(source *Snapshot, target *Tx, replace bool, out *Transferred) error {
	tables, err := inOrder(source.Ctx, source.place, source.SQL)
	if err != nil {
		return err
	}
	there, err := inOrder(target.Ctx, target.db.place, target.SQL)
	if err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(slices.Values(tables)), slices.Sorted(slices.Values(there))) {
		return errors.New("the tables of source and target differ: bring both up to date with this program")
	}
	for _, table := range slices.Backward(tables) {
		var any bool
		if err := target.SQL.QueryRowContext(target.Ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&any); err != nil {
			return err
		}
		if any && !replace {
			return fmt.Errorf("%w (%s)", ErrNotEmpty, table)
		}
		if _, err := target.SQL.ExecContext(target.Ctx, `DELETE FROM `+table); err != nil {
			return err
		}
	}
	for _, table := range tables {
		columns, sent, err := copyTable(source, target, table)
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		if err := target.db.place.renumber(target.Ctx, target.SQL, table); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		got, err := digestOf(target.Ctx, target.SQL, table, columns)
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		if got != sent {
			return fmt.Errorf("%s: %s were copied and %d are there, or they differ; nothing was kept", table, count.Of(sent.rows, "row"), got.rows)
		}
		out.Tables = append(out.Tables, TableCopied{table, sent.rows})
		out.Rows += sent.rows
	}
	return nil
}

// inOrder are the tables, each after those that it refers to.
func inOrder(ctx context.Context, p place, q Querier) (tables []string, err error) {
	refers, err := p.tables(ctx, q)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for len(tables) < len(refers) {
		n := len(tables)
		for _, t := range slices.Sorted(maps.Keys(refers)) {
			if !done[t] && !slices.ContainsFunc(refers[t], func(o string) bool { return o != t && !done[o] }) {
				done[t], tables = true, append(tables, t)
			}
		}
		if n == len(tables) {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return tables, nil
}

// copyTable copies in the order of the first column, so that a row stands
// after those of its own table that it refers to.
func copyTable(source *Snapshot, target *Tx, table string) (columns []string, sent digest, err error) {
	rows, err := source.SQL.QueryContext(source.Ctx, `SELECT * FROM `+table+` ORDER BY 1`)
	if err != nil {
		return nil, sent, err
	}
	defer rows.Close() // eachRow did, and said what it came to
	if columns, err = rows.Columns(); err != nil {
		return nil, sent, err
	}
	in := Insert[[]any]{Table: table}
	for i, name := range columns {
		in.Columns = append(in.Columns, Column[[]any]{Name: name, Of: func(row *[]any) any { return (*row)[i] }})
	}
	var some [][]any
	err = eachRow(rows, len(columns), func(row []any) error {
		sent.add(row)
		if some = append(some, row); len(some) < manyRecords {
			return nil
		}
		err := in.Rows(target, some)
		some = some[:0]
		return err
	})
	if err == nil {
		err = in.Rows(target, some)
	}
	return columns, sent, err
}

func digestOf(ctx context.Context, q Querier, table string, columns []string) (d digest, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+table)
	if err != nil {
		return d, err
	}
	err = eachRow(rows, len(columns), func(row []any) error {
		d.add(row)
		return nil
	})
	return d, err
}

func eachRow(rows *sql.Rows, columns int, f func([]any) error) error {
	return Each(rows, func(rows *sql.Rows) error {
		row, to := make([]any, columns), make([]any, columns)
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		return f(row)
	})
}

// digest is a sum over rows that does not depend on their order.
type digest struct {
	rows int
	sum  [4]uint64
}

func (d *digest) add(row []any) {
	var text []byte
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			text = append(text, 'n')
		case string:
			v = postgres.Clean(v) // as every engine stores it
			text = append(binary.AppendUvarint(append(text, 't'), uint64(len(v))), v...)
		case []byte:
			text = append(binary.AppendUvarint(append(text, 'b'), uint64(len(v))), v...)
		default:
			text = fmt.Appendf(text, "i%v;", v)
		}
	}
	h := sha256.Sum256(text)
	d.rows++
	for i := range d.sum {
		d.sum[i] += binary.BigEndian.Uint64(h[8*i:])
	}
}

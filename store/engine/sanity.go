package engine

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/count"
	"strings"
)

// intact reads every page and every reference.
func (f *file) intact(ctx context.Context, q Querier) error {
	rows, err := q.QueryContext(ctx, `PRAGMA integrity_check(10)`)
	if err != nil {
		return err
	}
	var wrong []string
	err = Each(rows, func(rows *sql.Rows) error {
		var line string
		err := rows.Scan(&line)
		if line != "ok" {
			wrong = append(wrong, line)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(wrong, "; "))
	}
	rows, err = q.QueryContext(ctx, `SELECT "table", count(*) FROM pragma_foreign_key_check GROUP BY "table"`)
	if err != nil {
		return err
	}
	err = Each(rows, func(rows *sql.Rows) error {
		var table string
		var n int
		err := rows.Scan(&table, &n)
		wrong = append(wrong, fmt.Sprintf("%s of %s refer to what isn't there", count.Of(n, "row"), table))
		return err
	})
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(wrong, "; "))
	}
	return nil
}

// Intact reads every page of a file and every reference in it; it takes as
// long as reading the file. On PostgreSQL it looks at the references.
func (db *DB) Intact(ctx context.Context) error {
	if err := db.place.intact(ctx, db.Read); err != nil {
		return fmt.Errorf("checking the database: %w", Explain(err))
	}
	return nil
}

package judge

import (
	"context"
	"database/sql"
	"strings"

	"harvester/store/engine"
	"harvester/store/policy"
)

// Index makes the index of each concentration, and drops those of concentrations
// that are no more or that count otherwise now. With nothing to do it reads the
// schema and writes nothing.
func (db *Judge) Index(ctx context.Context) error {
	wanted := map[string]string{}
	all := policy.Concentrations()
	for i := range all {
		name, definition := indexOf(&all[i])
		wanted[name] = definition
	}
	var drop []string
	rows, err := db.Write.QueryContext(ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name LIKE ? || '%'`, indexPrefix)
	if err != nil {
		return engine.Explain(err)
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var name, definition string
		err := rows.Scan(&name, &definition)
		if wanted[name] == definition {
			delete(wanted, name)
		} else {
			drop = append(drop, name)
		}
		return err
	})
	if err != nil || len(drop)+len(wanted) == 0 {
		return engine.Explain(err)
	}
	return db.Transact(ctx, "making the indexes of the concentrations", func(t *engine.Tx) error {
		for _, name := range drop {
			if _, err := t.SQL.ExecContext(ctx, `DROP INDEX IF EXISTS `+name); err != nil {
				return err
			}
		}
		for _, definition := range wanted {
			definition = strings.Replace(definition, "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1)
			if _, err := t.SQL.ExecContext(ctx, definition); err != nil {
				return err
			}
		}
		return nil
	})
}

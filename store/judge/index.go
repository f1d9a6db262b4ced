package judge

import (
	"context"

	"harvester/store/engine"
	"harvester/store/policy"
)

// Index makes the index of each concentration, and that of what stands beside
// one another at the edge of a domain, and drops those of concentrations
// that are no more or that count otherwise now. With nothing to do it reads the
// schema and writes nothing.
func (db *Judge) Index(ctx context.Context) error {
	wanted := map[string]string{}
	all := policy.Concentrations()
	for i := range all {
		name, definition := indexOf(&all[i])
		wanted[name] = definition
	}
	wanted[besideIndex] = indexingBeside
	var drop []string
	found, err := db.Indexes(ctx, indexPrefix)
	for name, definition := range found {
		if wanted[name] == definition {
			delete(wanted, name)
		} else {
			drop = append(drop, name)
		}
	}
	if err != nil || len(drop)+len(wanted) == 0 {
		return err
	}
	return db.Transact(ctx, "making the indexes of the concentrations", func(t *engine.Tx) error {
		for _, name := range drop {
			if _, err := t.SQL.ExecContext(ctx, `DROP INDEX IF EXISTS `+name); err != nil {
				return err
			}
		}
		for name, definition := range wanted {
			if err := t.Index(name, definition); err != nil {
				return err
			}
		}
		return nil
	})
}

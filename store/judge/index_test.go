package judge

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// Each concentration is read by its own index alone, and a file that has other
// ones gets these.
func TestEachIndexIsUsed(t *testing.T) {
	ctx := context.Background()
	file, err := engine.Open(ctx, filepath.Join(t.TempDir(), "x.db"), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write.Exec(`CREATE INDEX events_in_outage ON events (operator)`); err != nil {
		t.Fatal(err)
	}
	j := &Judge{DB: file, Ours: &facts.Ours{}}
	for range 2 { // the second has nothing to do
		if err := j.Index(ctx); err != nil {
			t.Fatal(err)
		}
	}
	type asked struct {
		query string
		args  []any
	}
	reads := func(name string, asks ...asked) {
		for _, q := range asks {
			rows, err := file.Read.Query("EXPLAIN QUERY PLAN "+q.query, q.args...)
			if err != nil {
				t.Fatal(err)
			}
			var plan []string
			err = engine.Each(rows, func(rows *sql.Rows) error {
				var a, b, d int
				var step string
				err := rows.Scan(&a, &b, &d, &step)
				plan = append(plan, step)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(plan); !strings.Contains(text, name) {
				t.Errorf("%s\nis not read by %s: %v", q.query, name, plan)
			}
		}
	}
	reads(besideIndex, asked{"SELECT " + beside + " FROM events e", nil}, asked{refusedNear, []any{"x", 0, 1}})
	all := policy.Concentrations()
	for i := range all {
		c := &all[i]
		name, definition := indexOf(c)
		var stored string
		if err := file.Read.QueryRow(`SELECT sql FROM sqlite_schema WHERE name = ?`, name).Scan(&stored); err != nil || stored != definition {
			t.Errorf("%s is %q, want %q: %v", name, stored, definition, err)
		}
		reads(name, asked{countBins(c), []any{`[["x", 1]]`}}, asked{addressesIn(c), []any{"x", 0, 1}})
		if c.Member != policy.ByKey { // of addresses it is asked by their own index
			reads(name, asked{membersBefore(c), []any{`["x"]`, "x", 0, 1, 1}})
		}
	}
}

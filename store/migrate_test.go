package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/query"
)

// later is after all that stands in the databases of testdata/schema.
func later() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }

// oldSchemas are databases as programs of the past left them, by the number of
// their schema.
func oldSchemas(t *testing.T) map[int]string {
	t.Helper()
	files, err := filepath.Glob("testdata/schema/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[int]string{}
	for _, f := range files {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(f), ".sql"))
		if err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = string(script)
	}
	return out
}

// fillOld makes the database that a script describes.
func fillOld(t *testing.T, path, script string) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(script); err != nil {
		t.Fatal(err)
	}
}

// holds counts the rows of what nobody may lose.
func holds(t *testing.T, path string) (schema int, rows string) {
	t.Helper()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var ok string
	if err := raw.QueryRow(`SELECT (SELECT user_version FROM pragma_user_version), (SELECT integrity_check FROM pragma_integrity_check)`).Scan(&schema, &ok); err != nil || ok != "ok" {
		t.Fatalf("%s: %s %v", path, ok, err)
	}
	for _, table := range []string{"messages", "events", "locators", "overrides", "cursors"} {
		var n int
		if err := raw.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rows += fmt.Sprintf("%s %d, ", table, n)
	}
	return schema, rows
}

// A database of any schema that was out there is brought up to date and keeps
// what it knew; a copy of it is left beside it.
func TestMigrateFromEachSchema(t *testing.T) {
	ctx := context.Background()
	fresh := schema(t, openTest(t, Options{}))
	for n, script := range oldSchemas(t) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "old.db")
			fillOld(t, path, script)
			was, before := holds(t, path)
			if was != n {
				t.Fatalf("it says that it has schema %d", was)
			}
			if err := open(t, path, Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "older") {
				t.Errorf("read-only: %v", err)
			}
			db := openAt(t, path, Options{Now: later})
			if now, after := holds(t, path); now <= n || after != before {
				t.Errorf("schema %d has %s; before it had %s", now, after, before)
			}
			if was, kept := holds(t, fmt.Sprintf("%s.schema-%d.bak", path, n)); was != n || kept != before {
				t.Errorf("the copy has schema %d and %s", was, kept)
			}
			if got := schema(t, db); got != fresh {
				t.Errorf("the migrated schema differs from a new one:\n%s\n--- want\n%s", got, fresh)
			}
			list := listed(t, db, query.Filter{Held: true})
			if len(list) == 0 {
				t.Error("the list is empty")
			}
			for _, s := range list {
				x, err := db.List.Explain(ctx, s.Address, nil)
				if err != nil || len(x.Listed) == 0 || len(x.Events)+len(x.Overrides) == 0 {
					t.Errorf("%s is listed, but: %+v %v", s.Address, x, err)
				}
			}
			if d, err := db.Judge.Replay(ctx, judge.Scenario{}); err != nil || len(d.Changes) != 0 {
				t.Errorf("the list does not follow from the facts: %+v %v", d.Changes, err)
			}
		})
	}
}

func schema(t *testing.T, db *DB) string {
	t.Helper()
	rows, err := db.Read.Query(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name`)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := engine.Each(rows, func(rows *sql.Rows) error {
		var s string
		err := rows.Scan(&s)
		b.WriteString(s + ";\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

package compare

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"harvester/parse/baseline"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver that the program has
)

// What a work takes at least, on this machine, with this language, driver and
// file format: the same bytes are read and the same rows written, by the
// plainest program, which understands and decides nothing. A process of its own
// does it, so that its figures are its own.
const leastEnv = "HARVESTER_COMPARE_LEAST"

// leasts are the plain programs, by name; each returns what it took.
var leasts = map[string]func(args []string) (time.Duration, error){
	"pass":   func(a []string) (time.Duration, error) { return leastPass(a[0], a[1], a[2]) },
	"walk":   func(a []string) (time.Duration, error) { return leastRead(a[0], selectFacts) },
	"decide": func(a []string) (time.Duration, error) { return leastDecide(a[0]) },
	"list":   func(a []string) (time.Duration, error) { return leastRead(a[0], selectList) },
}

// least runs a plain program and returns its processor time.
func least(t *testing.T, args ...string) time.Duration {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), leastEnv+"="+strings.Join(args, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(ns)
}

func runLeast(spec string) error {
	args := strings.Split(spec, "\n")
	if args[0] == "serve" {
		return leastServe(args[1])
	}
	took, err := leasts[args[0]](args[1:])
	if err == nil {
		_, err = fmt.Println(took.Nanoseconds())
	}
	return err
}

// processor is this process's processor time until now.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// table is what a database has of one table.
type table struct {
	name, insert string
	columns      int
	rows         [][]any
}

const inOneStatement = 50 // rows

// leastPass reads and hashes the files of a Maildir, walks each with the
// standard library, and writes the rows that a pass left in the database at
// from into one at to, with the same indexes and the same promise (a commit
// lasts), a hundred messages a transaction.
func leastPass(from, box, to string) (time.Duration, error) {
	ctx := context.Background()
	schema, tables, err := contents(ctx, from)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", "file:"+to+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-4096)&_foreign_keys=on")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range schema {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return 0, err
		}
	}
	names, err := os.ReadDir(filepath.Join(box, "cur"))
	if err != nil {
		return 0, err
	}
	const batch = 100
	began, batches := processor(), (len(names)+batch-1)/batch
	for b := range batches {
		for _, name := range names[b*batch : min(len(names), (b+1)*batch)] {
			raw, err := os.ReadFile(filepath.Join(box, "cur", name.Name()))
			if err != nil {
				return 0, err
			}
			sha256.Sum256(raw)
			baseline.Walk(raw)
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		for i := range tables {
			t := &tables[i]
			if err := t.write(ctx, tx, len(t.rows)*b/batches, len(t.rows)*(b+1)/batches); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return processor() - began, nil
}

// contents reads a database: what makes its tables, and their rows.
func contents(ctx context.Context, path string) (schema []string, tables []table, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type <> 'table', rowid`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, statement string
		if err := rows.Scan(&kind, &name, &statement); err != nil {
			return nil, nil, err
		}
		schema = append(schema, statement)
		if kind == "table" {
			tables = append(tables, table{name: name})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	for i := range tables {
		if err := tables[i].read(ctx, db); err != nil {
			return nil, nil, err
		}
	}
	return schema, tables, nil
}

func (t *table) read(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	t.columns = len(columns)
	t.insert = "INSERT INTO " + t.name + " VALUES "
	for rows.Next() {
		row, into := make([]any, t.columns), make([]any, t.columns)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		t.rows = append(t.rows, row)
	}
	return rows.Err()
}

// write inserts the rows from begin to end, many in a statement.
func (t *table) write(ctx context.Context, tx *sql.Tx, begin, end int) error {
	one := "(?" + strings.Repeat(",?", t.columns-1) + ")"
	for ; begin < end; begin += inOneStatement {
		rows := t.rows[begin:min(end, begin+inOneStatement)]
		args := make([]any, 0, len(rows)*t.columns)
		for _, r := range rows {
			args = append(args, r...)
		}
		if _, err := tx.ExecContext(ctx, t.insert+one+strings.Repeat(","+one, len(rows)-1), args...); err != nil {
			return err
		}
	}
	return nil
}

// leastRead brings the rows of a query out of a database.
func leastRead(path, query string) (time.Duration, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	began := processor()
	if err := drain(db, query); err != nil {
		return 0, err
	}
	return processor() - began, nil
}

const (
	// selectFacts is what a verdict needs of each event, address by address.
	selectFacts = `SELECT key, at, id, kind, action, status, reply_code, reason, class, rule, confidence, proof, stream, cause, operator, concern FROM events ORDER BY key, at, id`
	selectList  = `SELECT address FROM suppressed ORDER BY key`
)

// leastDecide reads all facts, and writes again what the latest decision changed, in
// statements that SQLite carries out alone. The database is a copy.
func leastDecide(path string) (time.Duration, error) {
	walked, err := leastRead(path, selectFacts)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	began := processor()
	for _, s := range []string{
		`REPLACE INTO suppressions SELECT * FROM suppressions WHERE key IN (SELECT key FROM changes WHERE at = (SELECT max(at) FROM changes))`,
		`INSERT INTO changes SELECT NULL, at + 1, op, key, address, domain, source, stream, reason, class, why FROM changes WHERE at = (SELECT max(at) FROM changes)`,
	} {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			return 0, err
		}
	}
	return walked + processor() - began, nil
}

func drain(db *sql.DB, query string) error {
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// leastServe answers look-ups with what the client waits for, and knows nothing.
func leastServe(address string) error {
	listed, err := strconv.Atoi(os.Getenv("LISTED"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/lookup", func(w http.ResponseWriter, r *http.Request) {
		who := r.URL.Query().Get("address")
		n, _ := strconv.Atoi(strings.TrimPrefix(who[:strings.IndexByte(who, '@')], "user"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"address":%q,"suppressed":%t}`, who, n < listed)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

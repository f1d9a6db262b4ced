package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"harvester/store/engine/postgres"
)

// server is a database of a PostgreSQL server: the tables of one schema, the
// first of the search_path.
type server struct {
	config postgres.Config
	lease  *sql.DB // one connection, that holds the lease; nil for who has none
}

func (s *server) String() string { return s.config.String() }

func (s *server) records() bool { return true }

func (s *server) moment() string { return `SELECT CAST(pg_current_snapshot() AS TEXT)` }

// What writes takes turns, as with SQLite: the numbers of messages and events
// are given by who writes. A lock that belongs to the schema sees to it.
const (
	lockWriting = 0x68727673 // "hrvs"
	lockDaemon  = 0x68727674
)

// begins is how a writing transaction begins: one round trip.
var begins = fmt.Sprintf(`BEGIN; SELECT pg_advisory_xact_lock(%d, hashtext(current_schema()))`, lockWriting)

const (
	readers  = 5 // one of them may be kept to ask for the moment
	besides  = 3 // that write beside others
	idle     = time.Minute
	waitLock = "60s" // for another program's transaction
)

func (s *server) open(ctx context.Context, db *DB) error {
	r := sql.OpenDB(s.config.Connector("BEGIN", map[string]string{"default_transaction_read_only": "on"}))
	r.SetMaxOpenConns(readers)
	r.SetConnMaxIdleTime(idle)
	db.Read = r
	var schema sql.NullString
	var standby, lax bool
	if err := r.QueryRowContext(ctx, `SELECT current_schema(), pg_is_in_recovery(), current_setting('synchronous_commit') = 'off'`).Scan(&schema, &standby, &lax); err != nil {
		return err
	}
	if !schema.Valid {
		return errors.New("the schema that search_path names is not there: make it with CREATE SCHEMA")
	}
	if db.opts.ReadOnly {
		v, err := s.version(ctx, r)
		if err != nil {
			return err
		}
		if v == 0 {
			return errors.New("nothing was harvested yet, or store.url names another database")
		}
		return db.known(v)
	}
	if standby {
		return ErrStandby
	}
	if db.opts.Owner != "" {
		if err := s.takeLease(ctx, db.opts.Owner, db.opts.Shared); err != nil {
			return err
		}
	}
	settings := map[string]string{"lock_timeout": waitLock}
	if lax {
		// A message may be deleted on the mail server once its facts are committed,
		// so a commit has to survive a power cut.
		settings["synchronous_commit"] = "on"
	}
	if db.opts.Shared {
		maps.Copy(settings, impatient)
	}
	w := sql.OpenDB(s.config.Connector(begins, settings))
	w.SetMaxOpenConns(1)
	db.Write = w
	b := sql.OpenDB(s.config.Connector("BEGIN", settings))
	b.SetMaxOpenConns(besides)
	b.SetConnMaxIdleTime(idle)
	db.beside = b
	return db.migrate(ctx)
}

// impatient has the server end the transaction of a worker that sleeps, or whose
// network is gone: others wait for its rows.
var impatient = map[string]string{
	"idle_in_transaction_session_timeout": "20s",
	"tcp_keepalives_idle":                 "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "tcp_user_timeout": "25000",
}

// takeLease takes the right to harvest into the database: of one daemon alone, or
// shared by workers. The server drops it with the connection, however that ends.
func (s *server) takeLease(ctx context.Context, owner string, shared bool) error {
	s.lease = sql.OpenDB(s.config.Connector("BEGIN", map[string]string{"application_name": owner}))
	s.lease.SetMaxOpenConns(1)
	lock := `SELECT pg_try_advisory_lock(?, hashtext(current_schema()))`
	if shared {
		lock = `SELECT pg_try_advisory_lock_shared(?, hashtext(current_schema()))`
	}
	var mine bool
	if err := s.lease.QueryRowContext(ctx, lock, lockDaemon).Scan(&mine); err != nil || mine {
		return err
	}
	var who string
	err := s.lease.QueryRowContext(ctx, `SELECT a.application_name || coalesce(' at ' || host(a.client_addr), '') FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.classid = CAST(? AS BIGINT) AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1`, lockDaemon).Scan(&who)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return fmt.Errorf("%w: %s", ErrInUse, who)
}

// Hold makes sure that the shared lease is held, after the session that had it
// was lost. It fails with ErrInUse where somebody works alone by now.
func (db *DB) Hold(ctx context.Context) error {
	s, ok := db.place.(*server)
	if !ok || s.lease == nil {
		return nil
	}
	var held bool
	err := s.lease.QueryRowContext(ctx, `SELECT CASE WHEN EXISTS (SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND granted) THEN true
 ELSE pg_try_advisory_lock_shared(?, hashtext(current_schema())) END`, lockDaemon).Scan(&held)
	if err == nil && !held {
		err = ErrInUse
	}
	if err != nil {
		return fmt.Errorf("holding the lease: %w", Explain(err))
	}
	return nil
}

func (s *server) close() error {
	if s.lease == nil {
		return nil
	}
	return s.lease.Close()
}

func (s *server) scratch() (*sql.DB, error) {
	return sql.OpenDB(s.config.Connector("BEGIN ISOLATION LEVEL REPEATABLE READ", nil)), nil
}

func (s *server) version(ctx context.Context, q Querier) (v int, err error) {
	var ours, others bool
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'harvester_schema'),
 EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ('messages', 'events', 'suppressions', 'runs', 'meta'))`).Scan(&ours, &others)
	switch {
	case err != nil:
		return 0, err
	case !ours && others:
		return 0, ErrNotOurs
	case !ours:
		return 0, nil
	}
	err = q.QueryRowContext(ctx, `SELECT version FROM harvester_schema`).Scan(&v)
	return v, err
}

// fence takes from all workers what they hold, in the transaction that changes the
// schema: those of the older program store nothing under the new one. It waits for
// what they have in hand.
func (s *server) fence(ctx context.Context, tx *sql.Tx) error {
	var workers bool
	err := tx.QueryRowContext(ctx, `SELECT to_regclass('leases') IS NOT NULL FROM harvester_schema FOR UPDATE`).Scan(&workers)
	if err == nil && workers {
		_, err = tx.ExecContext(ctx, `UPDATE leases SET owner = '', until = 0, epoch = epoch + 1`)
	}
	return err
}

func (s *server) stamp(ctx context.Context, tx *sql.Tx, version int) error {
	_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS harvester_schema (version INTEGER NOT NULL)`)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE harvester_schema SET version = ?`, version) // who waits for the row sees it
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO harvester_schema (version) SELECT CAST(? AS INTEGER) WHERE NOT EXISTS (SELECT 1 FROM harvester_schema)`, version)
	}
	return err
}

// keep copies nothing: the steps are one transaction, and copies are for the
// server's own tools.
func (s *server) keep(ctx context.Context, db *DB, _ int) error {
	db.Log.InfoContext(ctx, "the schema of the database changes", "path", s.String())
	return nil
}

// indexes reads the definition from the comment on the index: the server words
// its own anew.
func (s *server) indexes(ctx context.Context, q Querier, prefix string) (map[string]string, error) {
	return definitions(ctx, q, `SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'i' AND n.nspname = current_schema() AND starts_with(c.relname, ?)`, prefix)
}

func (s *server) index(ctx context.Context, tx *sql.Tx, name, definition string) error {
	if err := (*file)(nil).index(ctx, tx, name, definition); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `COMMENT ON INDEX `+name+` IS '`+quoted(definition)+`'`)
	return err
}

// space is that of all tables with their indexes. None is free to be given
// back: that is autovacuum's business.
func (s *server) space(ctx context.Context, db *DB) (sp Space, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = current_schema()`).Scan(&sp.Bytes)
	return sp, err
}

func (s *server) tables(ctx context.Context, q Querier) (map[string][]string, error) {
	return references(ctx, q, `SELECT t.relname, coalesce(o.relname, '') FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
 LEFT JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' LEFT JOIN pg_class o ON o.oid = c.confrelid
 WHERE t.relkind = 'r' AND n.nspname = current_schema() AND t.relname <> 'harvester_schema'`)
}

func (s *server) renumber(ctx context.Context, tx *sql.Tx, table string) error {
	var numbered bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM information_schema.columns
 WHERE table_schema = current_schema() AND table_name = ? AND column_name = 'id' AND is_identity = 'YES')`, table).Scan(&numbered)
	if err != nil || !numbered {
		return err
	}
	_, err = tx.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence('`+table+`', 'id'), coalesce((SELECT max(id) FROM `+table+`), 0) + 1, false)`)
	return err
}

func (s *server) compact(context.Context, *DB) error {
	return fmt.Errorf("%w: autovacuum gives room back to new rows; for the rest run VACUUM FULL, or pg_repack, while harvester stands still", ErrOwnTools)
}

func (s *server) copyTo(context.Context, string) error {
	return fmt.Errorf("%w: \"pg_dump --format=custom\", or continuous archiving with pg_basebackup", ErrOwnTools)
}

// intact leaves pages and references to the server, which keeps them itself.
func (s *server) intact(context.Context, Querier) error {
	return fmt.Errorf("%w: \"pg_amcheck\" reads all pages", ErrOwnTools)
}

func (s *server) erasing(context.Context, *DB) error { return nil }

// erased has the rows as they were removed from the tables now, and not at the
// next autovacuum.
func (s *server) erased(ctx context.Context, db *DB) error {
	_, err := db.Write.ExecContext(ctx, `VACUUM messages, events, suppressions, changes, locators, raws, overrides, pushed, arrivals`)
	if err != nil {
		return fmt.Errorf("removing what was erased from the tables: %w", Explain(err))
	}
	return nil
}

func quoted(text string) string { return strings.ReplaceAll(text, "'", "''") }

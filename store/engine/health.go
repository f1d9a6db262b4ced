package engine

import (
	"context"
	"fmt"
	"harvester/parse/count"
	"time"
)

// Sign is something that tells how well the database server is.
type Sign struct {
	Check string
	Text  string // a line
	Bad   bool   // somebody should look at it
}

// Health looks at the server, not at what is stored; a file has no such signs.
func (db *DB) Health(ctx context.Context) ([]Sign, error) {
	signs, err := db.place.health(ctx, db)
	if err != nil {
		return signs, fmt.Errorf("looking at the server: %w", Explain(err))
	}
	return signs, nil
}

const (
	clockSkew       = 5 * time.Second
	fewConnections  = 10
	replicationSlow = time.Minute
)

func (s *server) health(ctx context.Context, db *DB) (signs []Sign, err error) {
	note := func(check string, bad bool, format string, args ...any) {
		signs = append(signs, Sign{check, fmt.Sprintf(format, args...), bad})
	}
	var version, collation string
	var now, free, standbys, lag, live, dead int64
	before := db.Now()
	err = db.Read.QueryRowContext(ctx, `SELECT current_setting('server_version'), (SELECT datcollate FROM pg_database WHERE datname = current_database()),
 CAST(extract(epoch FROM clock_timestamp()) * 1000 AS INTEGER),
 CAST(current_setting('max_connections') AS INTEGER) - CAST(current_setting('superuser_reserved_connections') AS INTEGER) - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
 (SELECT count(*) FROM pg_stat_replication), (SELECT coalesce(CAST(max(extract(epoch FROM replay_lag)) * 1000 AS INTEGER), 0) FROM pg_stat_replication),
 (SELECT coalesce(sum(n_live_tup), 0) FROM pg_stat_user_tables WHERE schemaname = current_schema()),
 (SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables WHERE schemaname = current_schema())`).
		Scan(&version, &collation, &now, &free, &standbys, &lag, &live, &dead)
	if err != nil {
		return nil, err
	}
	note("server", false, "PostgreSQL %s, collation %s; harvester compares by bytes whatever it is", version, collation)
	skew := time.UnixMilli(now).Sub(before).Truncate(time.Millisecond)
	note("server clock", skew.Abs() > clockSkew, "%s from ours", skew)
	note("connections", free < fewConnections, "%d are free; each process of harvester takes up to %d", free, readers+besides+2)
	if standbys > 0 {
		late := time.Duration(lag) * time.Millisecond
		note("replication", late > replicationSlow, "the slowest of %s is %s behind", count.Of(standbys, "standby server"), late)
	}
	note("bloat", dead > 100_000 && dead > live/4, "%d dead rows beside %d; autovacuum clears them", dead, live)
	return signs, nil
}

func (f *file) health(context.Context, *DB) ([]Sign, error) { return nil, nil }

package engine

import (
	"context"
	"fmt"
	"time"
)

// Version is a moment of the database's content.
type Version struct {
	own    uint64 // commits of this process
	others string
	asked  time.Time
}

// Version is the moment that nobody who reads from now on is before. It asks
// on a connection that is kept for it, as SQLite tells of what others commit in
// comparison with what that one saw. It costs about as much as a small query.
func (db *DB) Version(ctx context.Context) (v Version, err error) {
	db.watching.Lock()
	defer db.watching.Unlock()
	v = Version{own: db.commits.Load(), asked: time.Now()}
	if db.watch == nil {
		if db.watch, err = db.Read.Conn(ctx); err != nil {
			return v, fmt.Errorf("watching the database: %w", Explain(err))
		}
	}
	if err = db.watch.QueryRowContext(ctx, db.place.moment()).Scan(&v.others); err != nil {
		return v, fmt.Errorf("watching the database: %w", Explain(err))
	}
	return v, nil
}

// Same tells whether nothing was committed between two moments.
func (v *Version) Same(o *Version) bool { return v.own == o.own && v.others == o.others }

// Stands tells, without asking the engine, whether nothing was committed since: not
// by this process, and by others not up to some time ago.
func (db *DB) Stands(v *Version, others time.Duration) bool {
	return v.own == db.commits.Load() && time.Since(v.asked) < others
}

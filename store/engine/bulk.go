package engine

import (
	"context"
	"fmt"
)

// What the connection that writes keeps of the file in memory, in KiB.
const (
	writeCache = 4 << 10
	bulkCache  = 64 << 10
)

// Bulk runs f, which writes much at once, with a larger part of the file in
// memory. Rows in the order of one index lie anywhere in another: with a small
// cache each of its pages is written and read again several times for one
// transaction.
func (db *DB) Bulk(ctx context.Context, f func() error) error {
	if db.OnServer() {
		return f()
	}
	if err := db.cache(ctx, bulkCache); err != nil {
		return err
	}
	defer func() { _ = db.cache(context.WithoutCancel(ctx), writeCache) }() // only memory would be held
	return f()
}

func (db *DB) cache(ctx context.Context, kib int) error {
	if _, err := db.Write.ExecContext(ctx, fmt.Sprintf(`PRAGMA cache_size = -%d`, kib)); err != nil {
		return fmt.Errorf("setting the cache of the database: %w", Explain(err))
	}
	return nil
}

package store

import (
	"context"
	"fmt"
)

// LastGeneration is the highest generation that an export of that name has
// used, withheld ones included; 0 when there is none.
func (db *DB) LastGeneration(ctx context.Context, name string) (int64, error) {
	var n int64
	err := db.read.QueryRowContext(ctx, `SELECT ifnull(max(generation), 0) FROM exports WHERE name = ?`, name).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("reading the last generation of %s: %w", name, clear(err))
	}
	return n, nil
}

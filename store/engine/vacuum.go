package engine

import (
	"context"
	"fmt"
)

// Space is how much of the database file is in use.
type Space struct {
	Bytes int64 `json:"bytes"` // of the file
	Free  int64 `json:"free"`  // of them, left by what was removed; new rows use them first
}

// Worthwhile tells that giving the free bytes back is worth writing the whole
// file anew.
func (s Space) Worthwhile() bool { return s.Free > 64<<20 && s.Free > s.Bytes/4 }

// Space reads how much of the file is in use.
func (db *DB) Space(ctx context.Context) (s Space, err error) {
	if s, err = db.place.space(ctx, db); err != nil {
		return s, fmt.Errorf("reading the size of the database: %w", Explain(err))
	}
	return s, nil
}

// Vacuum writes the database file anew without what is free in it, and returns
// how it was before. It needs as much room as the data once more; readers go
// on, writers wait.
func (db *DB) Vacuum(ctx context.Context) (before Space, err error) {
	if before, err = db.Space(ctx); err != nil {
		return before, err
	}
	if db.Write == nil {
		return before, fmt.Errorf("compacting the database: it was opened for reading only")
	}
	if err := db.place.compact(ctx, db); err != nil {
		return before, fmt.Errorf("compacting the database: %w", Explain(err))
	}
	return before, nil
}

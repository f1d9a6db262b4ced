package export

import (
	"context"
	"time"

	"harvester/store"
	"harvester/store/query"
)

// Target is one file to write and for whom.
type Target struct {
	Name       string       // as configured
	Path       string       // of the data file; parts, manifest and skipped addresses lie beside it
	Profile    Profile      //
	Key        []byte       // secret of the hashed-hmac profile
	Filter     query.Filter // which part of the list
	Policy     string       // version of the policy that the verdicts rest on; Publish knows it
	Rules      string       // version of the rule pack
	Generation int64        `json:"generation"` // highest generation known so far; the next change gets one more
	Now        time.Time    // when this run began, for the manifest
	Unread     []string     // mailboxes that nothing was ever read of: a first file would be empty for that alone

	rightfully func(func() error) error // puts files into their place while that is ours to do; nil: it always is
}

// place puts files into their place.
func (t *Target) place(f func() error) error {
	if t.rightfully == nil {
		return f()
	}
	return t.rightfully(f)
}

// heldBy has files put into their place while a worker's lease is held, if ctx
// has one.
func (t *Target) heldBy(ctx context.Context, db *store.DB) {
	t.rightfully = func(f func() error) error { return db.Rightfully(ctx, "putting a file into its place", f) }
}

// Result is what Write did.
type Result struct {
	Changed    bool     `json:"changed"`
	Generation int64    `json:"generation"`
	Rows       int      `json:"rows"`    // addresses in the file
	Skipped    int      `json:"skipped"` // addresses that the target can't represent
	Omitted    int      `json:"omitted"` // entries that the target has no place for
	Bytes      int64    `json:"bytes"`   // over all parts
	SHA256     string   `json:"sha256"`
	Files      []string `json:"files"` // the data files, in order
}

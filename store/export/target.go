package export

import (
	"harvester/store/query"
	"time"
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
	Generation int64        // highest generation known so far; the next change gets one more
	Now        time.Time    // when this run began, for the manifest
	Unread     []string     // mailboxes that nothing was ever read of: a first file would be empty for that alone
}

// Result is what Write did.
type Result struct {
	Changed    bool
	Generation int64
	Rows       int   // addresses in the file
	Skipped    int   // addresses that the target can't represent
	Omitted    int   // entries that the target has no place for
	Bytes      int64 // over all parts
	SHA256     string
	Files      []string // the data files, in order
}

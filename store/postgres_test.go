package store

import (
	"testing"

	"harvester/store/engine/postgres/pgtest"
)

// onFiles are the tests of what only a file has.
const onFiles = `Backup|OpenErrors|ReadOnlyDirectory|DiskFull|Migrate|Vacuum|DatabaseLocked|KilledInTheMiddle|OnPostgres`

// All that the store promises holds on PostgreSQL.
func TestOnPostgres(t *testing.T) { pgtest.OnServer(t, ".", onFiles) }

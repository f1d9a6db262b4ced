package store

import (
	"flag"
	"os"
	"testing"

	"harvester/store/engine/postgres/pgtest"
)

// Each check of a property opens databases, so a run makes fewer than rapid
// would; -rapid.checks on the command line still wins.
func TestMain(m *testing.M) {
	checks := "30"
	if pgtest.Serving() && !pgtest.Thorough() { // a server makes a database slowly
		checks = "6"
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

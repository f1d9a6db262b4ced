package store

import (
	"flag"
	"os"
	"testing"
)

// Each check of a property opens databases, so a run makes fewer than rapid
// would; -rapid.checks on the command line still wins.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

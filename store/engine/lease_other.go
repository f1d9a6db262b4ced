//go:build !unix

package engine

import "os"

// lock does nothing where there is no flock; SQLite's own locks still keep two
// writers apart.
func lock(*os.File) error { return nil }

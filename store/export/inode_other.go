//go:build !unix

package export

import "io/fs"

// inode is 0 where files have no number that is easily asked for.
func inode(fs.FileInfo) uint64 { return 0 }

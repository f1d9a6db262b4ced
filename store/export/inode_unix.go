//go:build unix

package export

import (
	"io/fs"
	"syscall"
)

// inode is the number of a file in its file system.
func inode(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

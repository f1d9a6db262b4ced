//go:build unix

package engine

import (
	"os"
	"path/filepath"
	"syscall"
)

// LikeFolder gives a file that root has made to the owner of its folder: root
// types commands, and the service has to go on with the files. SQLite does the
// same with its own.
func LikeFolder(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return f.Chown(int(s.Uid), int(s.Gid))
	}
	return nil
}

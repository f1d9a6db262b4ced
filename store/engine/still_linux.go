package engine

import "syscall"

func readOnlyFileSystem(dir string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(dir, &s) == nil && s.Flags&syscall.MS_RDONLY != 0 // ST_RDONLY has the same bit
}

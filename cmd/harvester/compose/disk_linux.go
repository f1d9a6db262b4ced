//go:build linux

package compose

import "syscall"

// FreeBytes is the room that an ordinary user has where path is.
func FreeBytes(path string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// Writable tells whether this user may make files in a folder.
func Writable(dir string) bool {
	const write = 2 // W_OK (access(2))
	return syscall.Access(dir, write) == nil
}

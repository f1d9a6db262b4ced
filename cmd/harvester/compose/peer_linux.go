package compose

import (
	"io/fs"
	"net"
	"syscall"
)

// peer is the user whose process listens at the other end of a local socket.
func peer(conn net.Conn) (user uint32, ok bool) {
	local, is := conn.(*net.UnixConn)
	if !is {
		return 0, false
	}
	raw, err := local.SyscallConn()
	if err != nil {
		return 0, false
	}
	failed := raw.Control(func(fd uintptr) {
		cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil {
			user, ok = cred.Uid, true
		}
	})
	return user, ok && failed == nil
}

// ownerOf is the user whom a file belongs to.
func ownerOf(info fs.FileInfo) (user uint32, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}

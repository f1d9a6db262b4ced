//go:build unix

package store

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used so far, in user mode and in the
// kernel: on a busy machine it says more than the clock.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

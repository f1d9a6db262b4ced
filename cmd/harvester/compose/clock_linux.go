//go:build linux

package compose

import "syscall"

// ClockSynchronised tells whether the kernel knows that something keeps its
// clock right (adjtimex(2)).
func ClockSynchronised() (bool, error) {
	const unsynchronised = 0x40 // STA_UNSYNC
	var t syscall.Timex
	if _, err := syscall.Adjtimex(&t); err != nil {
		return false, err
	}
	return t.Status&unsynchronised == 0, nil
}

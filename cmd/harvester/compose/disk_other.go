//go:build !linux

package compose

import "errors"

// FreeBytes can't be told here.
func FreeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }

// Writable can't be told here; writing will tell.
func Writable(string) bool { return true }

//go:build !linux

package compose

import "errors"

// ClockSynchronised can't be told here.
func ClockSynchronised() (bool, error) { return false, errors.ErrUnsupported }

//go:build !linux

package main

import "errors"

// freeBytes can't be told here.
func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }

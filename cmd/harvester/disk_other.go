//go:build !linux

package main

import "errors"

// freeBytes can't be told here.
func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }

// writable can't be told here; writing will tell.
func writable(string) bool { return true }

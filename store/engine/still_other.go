//go:build !linux

package engine

func readOnlyFileSystem(string) bool { return false }

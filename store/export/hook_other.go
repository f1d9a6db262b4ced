//go:build !unix

package export

import "os/exec"

// ownGroup has no process groups to use here: only cmd itself is killed.
func ownGroup(*exec.Cmd) {}

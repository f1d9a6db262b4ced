package main

import (
	"errors"
	"io/fs"
	"syscall"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/web"
	"harvester/store/engine"
	"harvester/store/export"
	"harvester/store/fleet"
)

// Exit statuses follow sysexits(3), whose names systemd knows. Statuses that
// are not listed are failures, too.
const (
	exitOK          = 0
	exitUsage       = 64  // EX_USAGE: the command line
	exitData        = 65  // EX_DATAERR: nothing usable in the input
	exitNoInput     = 66  // EX_NOINPUT: no such file, or not readable
	exitUnavailable = 69  // EX_UNAVAILABLE: no mailbox could be reached
	exitSoftware    = 70  // EX_SOFTWARE: a fault of harvester itself
	exitCantCreate  = 73  // EX_CANTCREAT: an output file
	exitIO          = 74  // EX_IOERR: disk full, database damaged
	exitTempFail    = 75  // EX_TEMPFAIL: part of it failed; try again later
	exitProtocol    = 76  // EX_PROTOCOL: a mail server contradicts itself
	exitNoPerm      = 77  // EX_NOPERM: a login was refused
	exitConfig      = 78  // EX_CONFIG: the configuration
	exitInterrupted = 130 // by a signal
)

// exitError is an error with the status that it ends the program with, and
// what the operator can do about it.
type exitError struct {
	status int
	err    error
	hint   string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func fail(status int, err error, hint string) error { return &exitError{status, err, hint} }

func statusOf(err error) int {
	var e *exitError
	var wrong config.Errors
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &e):
		return e.status
	case errors.As(err, &wrong), is(engine.ErrNewer, engine.ErrNotDatabase, engine.ErrDirectory, compose.ErrNoMailbox, config.ErrSecret):
		return exitConfig
	case is(syscall.EADDRINUSE, engine.ErrNoFiles), engine.NoFiles(err): // who holds it may go: systemd tries again
		return exitTempFail
	case is(web.ErrListen, compose.ErrRules):
		return exitConfig
	case is(export.ErrForeign):
		return exitCantCreate
	case is(engine.ErrOlder, engine.ErrInUse, compose.ErrInUse, engine.ErrStopped, export.ErrOtherDatabase, export.ErrUnread):
		return exitTempFail
	case is(engine.ErrURL, engine.ErrTooOld, engine.ErrEncoding, engine.ErrNotOurs, engine.ErrStandby, engine.ErrNoDatabase, engine.ErrNoFolder):
		return exitConfig
	case is(fleet.ErrDiffers):
		return exitConfig
	case is(fleet.ErrLost):
		return exitTempFail
	case is(engine.ErrLogin, engine.ErrNoRight):
		return exitNoPerm
	case is(engine.ErrUnreachable, engine.ErrNoConnection, engine.ErrTimeout):
		return exitTempFail
	case is(engine.ErrOwnTools):
		return exitUsage
	case is(engine.ErrReadOnly):
		return exitCantCreate
	case is(engine.ErrDiskFull, engine.ErrDamaged, engine.ErrDisk, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		return exitIO
	case is(fs.ErrNotExist, fs.ErrPermission):
		return exitNoInput
	}
	return exitSoftware
}

func hintFor(err error) string {
	var e *exitError
	switch {
	case errors.As(err, &e):
		return e.hint
	case engine.NoFiles(err) && !errors.Is(err, engine.ErrNoFiles):
		return engine.ErrNoFiles.Error()
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: ss -ltnp shows which; listen on another port, or end it"
	}
	return ""
}

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"testing"

	"harvester/store/engine"
)

// Whatever the database says about itself is no fault of the program: each of
// its errors has a status that tells the operator, or systemd, what it is.
func TestErrorsOfTheDatabaseHaveAStatus(t *testing.T) {
	statuses := map[string]struct {
		err  error
		want int
	}{
		"ErrNewer": {engine.ErrNewer, exitConfig}, "ErrOlder": {engine.ErrOlder, exitTempFail}, "ErrInUse": {engine.ErrInUse, exitTempFail},
		"ErrNotDatabase": {engine.ErrNotDatabase, exitConfig}, "ErrDirectory": {engine.ErrDirectory, exitConfig}, "ErrNoFolder": {engine.ErrNoFolder, exitConfig}, "ErrNoFiles": {engine.ErrNoFiles, exitTempFail}, "ErrReadOnly": {engine.ErrReadOnly, exitCantCreate}, "ErrDiskFull": {engine.ErrDiskFull, exitIO},
		"ErrDamaged": {engine.ErrDamaged, exitIO}, "ErrStopped": {engine.ErrStopped, exitTempFail}, "ErrDisk": {engine.ErrDisk, exitIO},
		"ErrNotOurs": {engine.ErrNotOurs, exitConfig}, "ErrTooOld": {engine.ErrTooOld, exitConfig}, "ErrEncoding": {engine.ErrEncoding, exitConfig},
		"ErrStandby": {engine.ErrStandby, exitConfig}, "ErrLogin": {engine.ErrLogin, exitNoPerm}, "ErrNoDatabase": {engine.ErrNoDatabase, exitConfig},
		"ErrNoRight": {engine.ErrNoRight, exitNoPerm}, "ErrNoConnection": {engine.ErrNoConnection, exitTempFail}, "ErrUnreachable": {engine.ErrUnreachable, exitTempFail},
		"ErrTimeout": {engine.ErrTimeout, exitTempFail}, "ErrOwnTools": {engine.ErrOwnTools, exitUsage}, "ErrURL": {engine.ErrURL, exitConfig},
		// Said by the commands that meet them.
		"ErrNotFound": {}, "ErrNotEmpty": {},
	}
	eachSource(t, "store/engine", func(s source) {
		if path.Dir(s.path) != "store/engine" {
			return
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if _, ok := statuses[name.Name]; !ok && name.IsExported() {
						t.Errorf("engine.%s: no status is written here for it", name.Name)
					}
				}
			}
		}
	})
	for name, s := range statuses {
		if s.err == nil {
			continue
		}
		if got := statusOf(fmt.Errorf("opening database h.db: %w", s.err)); got != s.want {
			t.Errorf("%s: status %d, want %d", name, got, s.want)
		}
	}
	if got := statusOf(errors.New("anything else")); got != exitSoftware {
		t.Errorf("what nobody knows: %d", got)
	}
}

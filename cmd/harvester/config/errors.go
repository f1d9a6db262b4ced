package config

import (
	"strings"

	"harvester/parse/toml"
)

// Error is one thing that is wrong with a configuration, and where.
type Error struct {
	File      string
	Line, Col int    // 1-based; 0 when nothing in the file is to blame
	Key       string // dotted, e.g. mailbox.server
	Problem   string
	Hint      string // what to do; may be empty
}

// Error is "file:line:col: key: problem (hint: …)".
func (e *Error) Error() string {
	f := toml.Fault{Position: toml.Position{Line: e.Line, Column: e.Col}, Path: e.Key, Problem: e.Problem, Hint: e.Hint}
	return f.In(e.File)
}

// Errors is everything that is wrong with a configuration, in file order.
type Errors []*Error

// Error is one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// errorsOf are the faults of a file.
func errorsOf(file string, d *toml.Document) Errors {
	d.Sort()
	errs := make(Errors, len(d.Faults))
	for i := range d.Faults {
		f := &d.Faults[i]
		if !d.Valid() && f.Hint == "" {
			f.Hint = "see `harvester config example`"
		}
		errs[i] = &Error{file, f.Line, f.Column, f.Key(), f.Problem, f.Hint}
	}
	return errs
}

package config

import (
	"cmp"
	"fmt"
	"harvester/parse/toml"
	"slices"
	"strings"
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
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString(" (hint: " + e.Hint + ")")
	}
	return b.String()
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
	var errs Errors
	for i := range d.Faults {
		f := &d.Faults[i]
		if !d.Valid() && f.Hint == "" {
			f.Hint = "see `harvester config example`"
		}
		errs = append(errs, &Error{file, f.Line, f.Column, f.Key(), f.Problem, f.Hint})
	}
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return errs
}

package main

import (
	"fmt"
	"io"
	"time"
)

// page writes aligned text and keeps the first error.
type page struct {
	w    io.Writer
	zone *time.Location
	err  error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) field(name, v string) {
	if v != "" {
		p.line("  %-9s %s", name, wrap(printable(v), 80-12, 12))
	}
}

func (p *page) stamp(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04") }
func (p *page) day(t time.Time) string   { return t.In(p.zone).Format(time.DateOnly) }

func (p *page) expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return p.day(t)
}

package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// colours paints words on a terminal; the zero value leaves them as they are.
type colours struct{ on bool }

// colours are on where w is a terminal and nobody said no
// (https://no-color.org).
func (a *app) colours(w io.Writer) colours {
	return colours{os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(w)}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (c colours) paint(code, s string) string {
	if !c.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (c colours) bold(s string) string   { return c.paint("1", s) }
func (c colours) red(s string) string    { return c.paint("31", s) }
func (c colours) yellow(s string) string { return c.paint("33", s) }

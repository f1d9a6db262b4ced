package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// interruptible reads r until ctx ends: a read from a terminal or a pipe can't
// be called off, so it is left behind.
type interruptible struct {
	ctx  context.Context //nolint:containedctx // it lives no longer than the command
	r    io.Reader
	once sync.Once
	pipe *io.PipeReader
}

// Read starts to read at the first call, so that a command that takes nothing
// from standard input leaves it alone.
func (i *interruptible) Read(p []byte) (int, error) {
	i.once.Do(func() {
		pr, pw := io.Pipe()
		i.pipe = pr
		context.AfterFunc(i.ctx, func() { pr.CloseWithError(i.ctx.Err()) })
		go func() {
			_, err := io.Copy(pw, i.r)
			pw.CloseWithError(err)
		}()
	})
	n, err := i.pipe.Read(p)
	if err == io.ErrClosedPipe && i.ctx.Err() != nil { //nolint:errorlint // a reader returns it as it is
		err = i.ctx.Err()
	}
	return n, err
}

// eachArgument calls f for each argument, and for each line of standard input
// in place of a "-". It ends at the first error.
func (a *app) eachArgument(args []string, f func(string) error) error {
	for _, arg := range args {
		if arg != "-" {
			if err := f(arg); err != nil {
				return err
			}
			continue
		}
		lines := bufio.NewScanner(a.In)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				if err := f(line); err != nil {
					return err
				}
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
	}
	return nil
}

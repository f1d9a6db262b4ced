package main

import (
	"context"
	"io"
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

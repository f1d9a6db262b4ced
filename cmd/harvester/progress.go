package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// progress shows on a terminal's standard error how far work of more than a
// second is; it is silent everywhere else. On SIGUSR1 it writes a line wherever
// it is.
type progress struct {
	a       *app
	unit    string
	total   int64 // bytes of all the work; 0 when nobody knows
	on      bool
	started time.Time
	end     context.CancelFunc // to be called when the work is done

	mu    sync.Mutex
	n     int
	bytes int64
	shown time.Time
}

// progress begins to show work on files, whose size tells what is to come.
func (a *app) progress(ctx context.Context, unit string, paths []string) *progress {
	var total int64
	if terminal(a.Err) {
		total = sizeOf(paths)
	}
	return a.progressOf(ctx, unit, total)
}

// progressOf begins to show work on some bytes, 0 where nobody knows.
func (a *app) progressOf(ctx context.Context, unit string, total int64) *progress {
	p := &progress{a: a, unit: unit, on: terminal(a.Err), started: time.Now(), total: total}
	ctx, p.end = context.WithCancel(ctx)
	asked := onSignal(ctx, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-asked:
				p.clear()
				p.mu.Lock()
				fmt.Fprintf(a.Err, "harvester: %s\n", p.line(time.Now()))
				p.mu.Unlock()
			}
		}
	}()
	return p
}

// set says how much was done by now, in units and in bytes.
func (p *progress) set(n int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.bytes = n, bytes
	if now := time.Now(); p.on && now.Sub(p.started) > time.Second && now.Sub(p.shown) > 200*time.Millisecond {
		p.shown = now
		fmt.Fprintf(p.a.Err, "\r%s\x1b[K", p.line(now))
	}
}

// line is the state in words: count, rate, and what is to come.
func (p *progress) line(now time.Time) string {
	took := now.Sub(p.started)
	text := fmt.Sprintf("%d %s, %.0f/s", p.n, p.unit, float64(p.n)/max(took.Seconds(), 0.1))
	if p.total > 0 && p.bytes > 0 {
		share := min(float64(p.bytes)/float64(p.total), 1)
		left := time.Duration(float64(took)/share - float64(took))
		text += fmt.Sprintf(", %.0f%%, %s to go", 100*share, left.Round(time.Second))
	}
	return text
}

// clear takes the line away before something else is written.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on && !p.shown.IsZero() {
		fmt.Fprint(p.a.Err, "\r\x1b[K")
	}
}

// sizeOf is the bytes of all files below some paths, 0 where that can't be
// told.
func sizeOf(paths []string) (total int64) {
	for _, path := range paths {
		if path == stdinPath {
			return 0
		}
		// What can't be read is told by who reads it.
		_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					total += info.Size()
				}
			}
			return nil
		})
	}
	return total
}

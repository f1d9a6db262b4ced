package main

import (
	"fmt"
	"sync"
	"time"
)

// progress shows on a terminal's standard error how far work of more than a
// second is; it is silent everywhere else.
type progress struct {
	mu      sync.Mutex
	a       *app
	unit    string
	on      bool
	started time.Time
	shown   time.Time
}

func (a *app) progress(unit string) *progress {
	return &progress{a: a, unit: unit, on: terminal(a.Err), started: time.Now()}
}

func (p *progress) set(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.on && now.Sub(p.started) > time.Second && now.Sub(p.shown) > 200*time.Millisecond {
		p.shown = now
		fmt.Fprintf(p.a.Err, "\r%d %s, %.0f/s ", n, p.unit, float64(n)/max(now.Sub(p.started).Seconds(), 0.1))
	}
}

// clear takes the line away before something else is written.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on && !p.shown.IsZero() {
		fmt.Fprint(p.a.Err, "\r\x1b[K")
	}
}

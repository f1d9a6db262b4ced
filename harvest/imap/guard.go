package imap

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lastWordsSize is how much of what the server said last is kept.
const lastWordsSize = 2 << 10

// maxServerLine bounds bytes without a line end. go-imap collects a line
// whole; a body of that size without any line end isn't mail.
const maxServerLine = 64 << 20

var errEndless = errors.New("the server sends a line without end")

// guard is a connection with what go-imap lacks: a limit on silence while an
// answer is owed, an error that stays, and a memory of the last words.
type guard struct {
	net.Conn
	timeout atomic.Int64 // nanoseconds
	owed    atomic.Bool

	mu   sync.Mutex
	err  error
	tail []byte
	line int // bytes since the last line end
}

func newGuard(conn net.Conn, timeout time.Duration) *guard {
	g := &guard{Conn: conn}
	g.timeout.Store(int64(timeout))
	return g
}

// expect starts or ends the time in which the server owes an answer. Between
// commands it may be silent for as long as it likes.
func (g *guard) expect(owed bool) {
	g.owed.Store(owed)
	g.arm()
}

func (g *guard) deadline() time.Time { return time.Now().Add(time.Duration(g.timeout.Load())) }

// arm sets the deadline also for a Read that is already waiting.
func (g *guard) arm() {
	var at time.Time
	if g.owed.Load() {
		at = g.deadline()
	}
	g.Conn.SetReadDeadline(at) // an error shows in the next Read
}

func (g *guard) Read(p []byte) (int, error) {
	if err := g.failure(); err != nil {
		return 0, err
	}
	g.arm()
	n, err := g.Conn.Read(p)
	if g.remember(p[:n]) > maxServerLine {
		g.Conn.Close()
		return 0, g.keep(errEndless)
	}
	return n, g.keep(err)
}

func (g *guard) Write(p []byte) (int, error) {
	if err := g.failure(); err != nil {
		return 0, err
	}
	g.Conn.SetWriteDeadline(g.deadline())
	n, err := g.Conn.Write(p)
	return n, g.keep(err)
}

// The deadlines of go-imap are absolute and reset to none while it waits;
// those of the guard stand instead.

func (g *guard) SetDeadline(time.Time) error      { return nil }
func (g *guard) SetReadDeadline(time.Time) error  { return nil }
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

// failure is the first error of the connection. Without it go-imap would wait
// for the same timeout several times over.
func (g *guard) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *guard) keep(err error) error {
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
	return g.err
}

// remember keeps the end of what was read, and returns the length of the line
// that it stands in.
func (g *guard) remember(p []byte) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if end := bytes.LastIndexByte(p, '\n'); end >= 0 {
		g.line = len(p) - end - 1
	} else {
		g.line += len(p)
	}
	if len(p) >= lastWordsSize {
		g.tail = append(g.tail[:0], p[len(p)-lastWordsSize:]...)
		return g.line
	}
	if over := len(g.tail) + len(p) - lastWordsSize; over > 0 {
		g.tail = append(g.tail[:0], g.tail[over:]...)
	}
	g.tail = append(g.tail, p...)
	return g.line
}

// heard is the last of what the server sent.
func (g *guard) heard() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.tail)
}

// lastWords is the text of the last untagged BYE, NO, BAD or ALERT among the
// last lines. go-imap drops these texts.
func (g *guard) lastWords() string {
	words := ""
	for line := range strings.Lines(g.heard()) {
		text := strings.TrimRight(line, "\r\n")
		for _, prefix := range []string{"* BYE ", "* NO ", "* BAD ", "* OK [ALERT] "} {
			if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
				words = text[2:]
			}
		}
	}
	return words
}

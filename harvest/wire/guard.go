package wire

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

// Guard is a connection with what mail libraries lack: a limit on silence while
// an answer is owed, an error that stays, and a memory of the last words.
type Guard struct {
	net.Conn
	timeout atomic.Int64 // nanoseconds
	owed    atomic.Bool

	mu   sync.Mutex
	err  error
	tail []byte
	read int64
	line int // bytes since the last line end
}

// NewGuard wraps conn. The timeout is the longest silence allowed.
func NewGuard(conn net.Conn, timeout time.Duration) *Guard {
	g := &Guard{Conn: conn}
	g.timeout.Store(int64(timeout))
	return g
}

// SetTimeout changes the longest silence allowed.
func (g *Guard) SetTimeout(timeout time.Duration) { g.timeout.Store(int64(timeout)) }

// Expect starts or ends the time in which the server owes an answer. Between
// commands it may be silent for as long as it likes.
func (g *Guard) Expect(owed bool) {
	g.owed.Store(owed)
	g.arm()
}

func (g *Guard) deadline() time.Time { return time.Now().Add(time.Duration(g.timeout.Load())) }

// arm sets the deadline also for a Read that is already waiting.
func (g *Guard) arm() {
	var at time.Time
	if g.owed.Load() {
		at = g.deadline()
	}
	_ = g.Conn.SetReadDeadline(at) // an error shows in the next Read
}

func (g *Guard) Read(p []byte) (int, error) {
	if err := g.Failure(); err != nil {
		return 0, err
	}
	g.arm()
	n, err := g.Conn.Read(p)
	if g.remember(p[:n]) > maxServerLine {
		_ = g.Close()
		return 0, g.keep(errEndless)
	}
	return n, g.keep(err)
}

func (g *Guard) Write(p []byte) (int, error) {
	if err := g.Failure(); err != nil {
		return 0, err
	}
	_ = g.Conn.SetWriteDeadline(g.deadline()) // an error shows in the Write
	n, err := g.Conn.Write(p)
	return n, g.keep(err)
}

// SetDeadline does nothing: the deadlines of go-imap are absolute and reset to
// none while it waits; those of the guard stand instead.
func (g *Guard) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (g *Guard) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (g *Guard) SetWriteDeadline(time.Time) error { return nil }

// Failure is the first error of the connection. Without it go-imap would wait
// for the same timeout several times over.
func (g *Guard) Failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *Guard) keep(err error) error {
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
func (g *Guard) remember(p []byte) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read += int64(len(p))
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

// BytesRead is how much came.
func (g *Guard) BytesRead() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.read
}

// Heard is the last of what the server sent.
func (g *Guard) Heard() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return string(g.tail)
}

// LastWords is the text of the last untagged BYE, NO, BAD or ALERT among the
// last lines. go-imap drops these texts.
func (g *Guard) LastWords() string {
	words := ""
	for line := range strings.Lines(g.Heard()) {
		text := strings.TrimRight(line, "\r\n")
		for _, prefix := range []string{"* BYE ", "* NO ", "* BAD ", "* OK [ALERT] "} {
			if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
				words = text[2:]
			}
		}
	}
	return words
}

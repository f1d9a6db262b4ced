package web

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// clients is a listener with a limit of connections. At the limit, the
// connection that has asked nothing for longest is closed for a newcomer: who
// opens hundreds and says nothing must not silence /livez. While all are being
// answered, or have just come, a newcomer waits.
type clients struct {
	net.Listener
	most  int
	grace time.Duration // for which a connection may say nothing in any case

	mu    sync.Mutex
	moved *sync.Cond // one has gone, or asks nothing any more
	open  int
	quiet map[net.Conn]time.Time // those that ask nothing, and since when
	ended bool
}

func limit(l net.Listener, most int, grace time.Duration) *clients {
	c := &clients{Listener: l, most: most, grace: grace, quiet: map[net.Conn]time.Time{}}
	c.moved = sync.NewCond(&c.mu)
	return c
}

// Accept waits for a connection and then for room.
func (c *clients) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open >= c.most && !c.ended {
		c.makeRoom()
		c.moved.Wait()
	}
	if c.ended {
		_ = conn.Close() // nobody was answered on it
		return nil, net.ErrClosed
	}
	c.open++
	return conn, nil
}

// makeRoom closes the longest quiet connection, which the server then notices,
// or wakes Accept when one may be closed.
func (c *clients) makeRoom() {
	var longest net.Conn
	for conn, since := range c.quiet {
		if longest == nil || since.Before(c.quiet[longest]) {
			longest = conn
		}
	}
	if longest == nil {
		return
	}
	if left := c.grace - time.Since(c.quiet[longest]); left > 0 {
		time.AfterFunc(left, c.moved.Broadcast)
		return
	}
	delete(c.quiet, longest)
	_ = longest.Close() // a client that has just begun to ask asks again, as after idleTime
}

// follow hears from the server how a connection stands.
func (c *clients) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateIdle:
		c.quiet[conn] = time.Now()
	case http.StateActive:
		delete(c.quiet, conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.quiet, conn)
		c.open--
	}
	c.moved.Broadcast()
}

// Close ends the waiting for room, too.
func (c *clients) Close() error {
	c.mu.Lock()
	c.ended = true
	c.moved.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

package imaptest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Cut is what a [Proxy] does to one connection after it has passed a number
// of the server's bytes.
type Cut struct {
	After int64
	How   How
}

// How a connection goes wrong.
type How int

// The ways to go wrong.
const (
	Never     How = iota
	Close         // FIN both ways
	Reset         // RST
	Mute          // nothing more comes, the connection stays
	HalfClose     // FIN from the server's side only
	Garbage       // random bytes, then FIN
	Bye           // "* BYE" where it doesn't belong, then FIN
	lastHow
)

// Ways is the number of ways to go wrong; How(1) to How(Ways) are they.
const Ways = int(lastHow) - 1

// Proxy passes TCP connections on to a server and damages them as told. Delay
// is added in each direction.
type Proxy struct {
	Addr string // host:port to connect to

	target string
	delay  time.Duration
	plan   func() Cut
	lis    net.Listener
	wg     sync.WaitGroup
	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
	ctx    context.Context // of the test
}

// NewProxy starts a proxy that ends with the test. The plan is asked once for
// each connection; nil means that none is damaged.
func NewProxy(t testing.TB, target string, delay time.Duration, plan func() Cut) *Proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if plan == nil {
		plan = func() Cut { return Cut{} }
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, delay: delay, plan: plan, lis: l, open: map[net.Conn]bool{}, ctx: t.Context()}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *Proxy) close() {
	_ = p.lis.Close()
	p.mu.Lock()
	p.closed = true
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// track closes conn with the proxy. It says whether the proxy is still open.
func (p *Proxy) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return false
	}
	p.open[conn] = true
	return true
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(p.open, conn)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.lis.Accept()
		if err != nil {
			return
		}
		if !p.track(client) {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.target)
	if err != nil || !p.track(server) {
		p.drop(client)
		return
	}
	defer p.drop(client, server)
	up := make(chan struct{})
	p.wg.Go(func() {
		defer close(up)
		p.pass(server, client, -1)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	cut := p.plan()
	limit := cut.After
	if cut.How == Never {
		limit = -1
	}
	if !p.pass(client, server, limit) {
		_ = client.(*net.TCPConn).CloseWrite()
		<-up
		return
	}
	p.damage(client, cut.How)
	if cut.How == Mute || cut.How == HalfClose {
		<-up // until the client gives up
	}
}

func (p *Proxy) damage(client net.Conn, how How) {
	tcp := client.(*net.TCPConn)
	switch how { // what fails here is broken already
	case Reset:
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	case HalfClose:
		_ = tcp.CloseWrite()
	case Garbage:
		_, _ = tcp.Write([]byte("\x16\x03\x00\xff)\r\n* {9}\r\n\x00"))
	case Bye:
		_, _ = tcp.Write([]byte("\r\n* BYE shutting down\r\n"))
	default: // silence, or the end that comes anyway
	}
}

// piece is bytes on their way, due at a time.
type piece struct {
	due  time.Time
	data []byte
}

// pass copies until the end of either side, or until limit bytes have gone if
// it isn't negative, and says whether the limit was reached.
func (p *Proxy) pass(to, from net.Conn, limit int64) bool {
	if p.delay == 0 && limit < 0 {
		_, _ = io.Copy(to, from)
		return false
	}
	line := make(chan piece, 4096)
	written := make(chan struct{})
	p.wg.Go(func() {
		defer close(written)
		failed := false
		for piece := range line {
			time.Sleep(time.Until(piece.due))
			if !failed {
				_, err := to.Write(piece.data)
				failed = err != nil
			}
		}
	})
	defer func() { close(line); <-written }()
	for passed := int64(0); ; {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if limit >= 0 && passed+int64(n) >= limit {
			line <- piece{time.Now().Add(p.delay), buf[:limit-passed]}
			return true
		}
		passed += int64(n)
		if n > 0 {
			line <- piece{time.Now().Add(p.delay), buf[:n]}
		}
		if err != nil {
			return false
		}
	}
}

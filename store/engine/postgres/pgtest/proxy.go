package pgtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	neturl "net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy stands between programs and a server's socket. It counts what they ask,
// and breaks their connections.
type Proxy struct {
	Dir string // of its socket

	mu    sync.Mutex
	asked []string
	left  map[net.Conn]int // bytes that still pass; below 0: all
	cut   int              // connections that were broken
	ended bool
}

const socketName = ".s.PGSQL.5432"

// Proxy listens until the test ends.
func (s *Server) Proxy(t testing.TB) *Proxy {
	t.Helper()
	p := &Proxy{left: map[net.Conn]int{}}
	p.Dir = listen(t, func(c net.Conn) { p.serve(c, filepath.Join(s.Dir, socketName)) }, func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.CutAfter(0)
	})
	return p
}

// listen serves, until the test ends, whoever connects to a socket in the folder
// that it returns; cut then ends what is being served.
func listen(t testing.TB, serve func(net.Conn), cut func()) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, socketName)) //nolint:noctx // it lasts as long as the test
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // it ends Accept
		cut()
		all.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// URL is that of a database of the server, by way of the proxy.
func (p *Proxy) URL(database string) string {
	u, err := neturl.Parse(database)
	if err != nil {
		panic(err) // it is one of ours
	}
	q := u.Query()
	q.Set("host", p.Dir)
	u.RawQuery = q.Encode()
	return u.String()
}

// Trips are the questions that were asked and waited for since the last call,
// each a round trip, in their words.
func (p *Proxy) Trips() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// CutAfter breaks each connection when some more bytes have passed, either way.
func (p *Proxy) CutAfter(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.left {
		p.left[c] = n
		if n == 0 {
			p.cut++
			_ = c.Close() // it is what was asked for
		}
	}
}

// Cut is how many connections were broken so far.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

func (p *Proxy) serve(client net.Conn, server string) {
	defer client.Close()
	to, err := net.Dial("unix", server) //nolint:noctx // a socket answers at once
	if err != nil {
		return
	}
	defer to.Close()
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.left[client] = -1
	p.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(passing{p, client, client}, to) // it ends with either side
		_ = client.Close()
	})
	_ = p.requests(client, passing{p, client, to}) // likewise
	_ = to.Close()
	back.Wait()
	p.mu.Lock()
	delete(p.left, client)
	p.mu.Unlock()
}

// requests passes on what a program sends, message by message.
func (p *Proxy) requests(from io.Reader, to io.Writer) error {
	words, asking := map[string]string{}, "" // of statements by name, and of the one that is asked
	for first := true; ; first = false {
		message := make([]byte, 5, 64)
		if first {
			message = message[1:] // the first has no kind
		}
		if _, err := io.ReadFull(from, message); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint32(message[len(message)-4:])) - 4
		if n < 0 || n > 1<<30 {
			return errors.New("no message of PostgreSQL")
		}
		head := len(message)
		message = append(message, make([]byte, n)...)
		if _, err := io.ReadFull(from, message[head:]); err != nil {
			return err
		}
		if !first {
			texts := bytes.SplitN(message[head:], []byte{0}, 3)
			switch message[0] {
			case 'P': // Parse: name, words
				words[string(texts[0])] = string(texts[1])
				asking = "prepare " + string(texts[1])
			case 'B': // Bind: portal, name
				asking = words[string(texts[1])]
			case 'Q': // Query: words
				p.ask(string(texts[0]))
			case 'S': // Sync
				p.ask(asking)
			}
		}
		if _, err := to.Write(message); err != nil {
			return err
		}
	}
}

func (p *Proxy) ask(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, words)
}

// passing counts what passes of a connection, and ends it when its time has come.
type passing struct {
	p      *Proxy
	client net.Conn
	to     io.Writer
}

func (w passing) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	most := len(b)
	if left := w.p.left[w.client]; left >= 0 {
		most = min(most, left)
		w.p.left[w.client] = left - most
		if left > 0 && most == left && most < len(b) {
			w.p.cut++
		}
	}
	w.p.mu.Unlock()
	n, err := w.to.Write(b[:most])
	if err == nil && most < len(b) {
		_ = w.client.Close() // it is what was asked for
		err = io.ErrClosedPipe
	}
	return n, err
}

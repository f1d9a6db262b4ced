package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The socket is for the owner and the group; what a crash left is replaced,
// and anything else is left alone.
func TestListenOnSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.sock")
	for range 2 {
		l, err := Listen(t.Context(), "unix:"+path)
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false) // as a crash does
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "unix:"+file); err == nil {
		t.Error("listening in place of a file")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Listen(t.Context(), "127.0.0.1:99999"); err == nil || !strings.Contains(err.Error(), "listening on 127.0.0.1:99999") {
		t.Error(err)
	}
}

// What is under way when the daemon stops is answered, and nothing hangs on
// clients that say nothing.
func TestServeEndsInGoodOrder(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(asked)
			time.Sleep(100 * time.Millisecond)
			_, _ = io.WriteString(w, "whole")
		}), slog.New(slog.DiscardHandler))
	}()
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-asked
	cancel()
	if got := <-answered; got != "whole" {
		t.Error(got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Many clients at a time are served or wait; the server goes on.
func TestManyConnections(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), slog.New(slog.DiscardHandler))
	}()
	var clients sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for range 2000 {
		clients.Go(func() {
			conn, err := net.DialTimeout("tcp", l.Addr().String(), 30*time.Second)
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && strings.Contains(line, "200") {
				mu.Lock()
				good++
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if good < 1900 {
		t.Errorf("only %d of 2000 clients were answered", good)
	}
	// Header injection and a header without end are refused, not served.
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request)
		b, _ := io.ReadAll(conn)
		if strings.HasPrefix(string(b), "HTTP/1.1 200") {
			t.Errorf("%.40q was served", request)
		}
		_ = conn.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Connections that say nothing give way: the supervisor is answered while a
// hundred more than there is room for stay open.
func TestQuietConnectionsGiveWay(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), slog.New(slog.DiscardHandler))
	}()
	address := l.Addr().String()
	for i := range maxClients + 188 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 { // one that was answered and is kept alive
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3 {
		res, err := client.Get("http://" + address + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// At the limit the longest quiet connection goes, never one that asks.
func TestLongestQuietGoesFirst(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := limit(inner, 3, 0)
	defer c.Close()
	accept := func() net.Conn {
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		conn, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	asking, longest, later := accept(), accept(), accept()
	c.follow(asking, http.StateNew)
	c.follow(asking, http.StateActive)
	c.follow(longest, http.StateNew)
	c.follow(later, http.StateNew)
	go func() { // as the server does
		_, _ = longest.Read(make([]byte, 1))
		c.follow(longest, http.StateClosed)
	}()
	accept()
	for _, conn := range []net.Conn{asking, later} {
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("closed in the place of the longest quiet one: %v", err)
		}
	}
	if c.open != 3 {
		t.Errorf("%d are open", c.open)
	}
}

// FuzzQuery sends parameters that nobody means: an answer is an answer, and no
// failure of the server.
func FuzzQuery(f *testing.F) {
	s, _ := serve(f, nil)
	for _, q := range []string{"address=a%40b.example", "limit=-1&since=1", "cursor=%00", "since=9223372036854775808", "%zz", "q='; DROP TABLE events;--"} {
		f.Add(q)
	}
	paths := []string{"/v1/lookup", "/v1/suppressions", "/v1/events", "/v1/incidents", "/address"}
	f.Fuzz(func(t *testing.T, q string) {
		for _, p := range paths {
			r, err := http.NewRequest("GET", s.URL+p, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.RawQuery = q
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				return // no HTTP request
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode >= 500 {
				t.Errorf("%s?%q: %s", p, q, res.Status)
			}
		}
	})
}

// BenchmarkLookup asks for one address after the other over one connection,
// server and client on the same cores.
func BenchmarkLookup(b *testing.B) {
	s, _ := serve(b, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET /v1/lookup?address=jane%40example.net HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	in := bufio.NewReader(conn)
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		_ = res.Body.Close() // it was read to its end
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
}

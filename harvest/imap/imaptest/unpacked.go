package imaptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// ServersEnv names the folder into which .ci/servers unpacked the servers that
// Debian doesn't install beside each other.
const ServersEnv = "HARVESTER_SERVERS"

// Server is a running server of any kind with one empty mailbox.
type Server struct {
	Name     string // "Cyrus"
	Version  string
	IMAP     string // host:port, "" where it has none
	POP3     string
	Username string
	Target   string // what a folder for moved mail must be called
	Wrong    string // a name that it doesn't take; "" where there is none
	Deliver  func(messages ...[]byte)
}

// unpacked is the folder of unpacked packages. The test is skipped without it.
func unpacked(t testing.TB) string {
	t.Helper()
	root := os.Getenv(ServersEnv)
	if root == "" {
		t.Skip("the servers are not unpacked: make servers")
	}
	if os.Getuid() != 0 {
		t.Skip("the unpacked servers want root: make servers")
	}
	return root
}

// libraries is the environment in which a program finds what was unpacked with
// it.
func libraries(t testing.TB, root string, more ...string) []string {
	t.Helper()
	dirs := map[string]bool{}
	var path []string
	err := filepath.WalkDir(root, func(file string, _ fs.DirEntry, err error) error {
		if dir := filepath.Dir(file); strings.Contains(filepath.Base(file), ".so") && !dirs[dir] {
			dirs[dir] = true
			path = append(path, dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"LD_LIBRARY_PATH=" + strings.Join(path, ":"), "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}, more...)
}

// version is that of a Debian package, as it was unpacked.
func version(t testing.TB, root, pkg string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "versions"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, v, _ := strings.Cut(strings.TrimSpace(line), " "); name == pkg {
			_, v, _ = strings.Cut(":"+v, ":") // without the epoch
			v = v[strings.LastIndex(v, ":")+1:]
			v, _, _ = strings.Cut(v, "-")
			v, _, _ = strings.Cut(v, "+")
			return v
		}
	}
	return "?"
}

// inetd listens and gives each connection to a program of its own, as inetd
// does. It ends with the test.
func inetd(t testing.TB, command func(ctx context.Context) *exec.Cmd) (addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); cancel(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			socket, err := conn.(*net.TCPConn).File()
			_ = conn.Close()
			if err != nil {
				continue
			}
			all.Go(func() {
				defer socket.Close()
				c := command(ctx)
				c.Stdin, c.Stdout = socket, socket
				_ = c.Run() // a failure shows on the connection
			})
		}
	})
	return l.Addr().String()
}

// inetdWith is inetd for programs that expect a client who is signed in: login
// comes before, and what the program says before its first line that begins
// with greeting is left out.
func inetdWith(t testing.TB, command func(ctx context.Context) *exec.Cmd, login func(net.Conn) bool, greeting string) (addr string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); cancel(); all.Wait() })
	serve := func(conn net.Conn) {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		if !login(conn) {
			return
		}
		c := command(ctx)
		in, err := c.StdinPipe()
		if err != nil {
			return
		}
		out, err := c.StdoutPipe()
		if err != nil || c.Start() != nil {
			return
		}
		all.Go(func() {
			_, _ = io.Copy(in, conn)
			_ = in.Close()
		})
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil || strings.HasPrefix(line, greeting) {
				_, _ = io.WriteString(conn, line)
				break
			}
		}
		_, _ = io.Copy(conn, lines)
		_ = conn.Close()
		_ = c.Wait()
	}
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(conn) })
		}
	})
	return l.Addr().String()
}

// until waits for a server that was started by hand.
func until(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " doesn't greet")
		}
	}
}

func mustWrite(t testing.TB, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// home is a temporary folder that any user can reach, with a short path.
func home(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "srv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user must enter
		t.Fatal(err)
	}
	return dir
}

// mboxed is a message as it stands in an mbox file.
func mboxed(raw []byte) string {
	body := strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\nFrom ", "\n>From ")
	return fmt.Sprintf("From MAILER-DAEMON Mon Nov 30 00:00:00 2026\n%s\n\n", strings.TrimRight(body, "\n"))
}

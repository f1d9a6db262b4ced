package compare

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	clientEnv = "HARVESTER_COMPARE_CLIENT" // its address: this process is the client
	token     = "0123456789abcdef0123456789abcdef"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(leastEnv); spec != "" {
		if err := runLeast(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if address := os.Getenv(clientEnv); address != "" {
		if err := ask(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// overLookups asks a daemon about one address after the other, over one
// connection, both ends on one core.
func overLookups(t *testing.T, older build, listed, requests int) func(*testing.T, build) []figure {
	stored := fill(t, older, listed, 1)
	return func(t *testing.T, b build) []figure {
		dir := t.TempDir()
		duplicate(t, stored, dir)
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := free.Addr().String()
		free.Close()
		write(t, filepath.Join(dir, "token"), token)
		file := configured(t, dir, inMaildir(emptyMaildir(t))+fmt.Sprintf("[web]\nlisten = %q\ntoken = \"file:token\"\n", address))
		f := figure{row: "/v1/lookup over keep-alive, both ends on one core", unit: "/s", more: true, asked: 2}
		f.value = perSecond(t, address, listed, requests, nil, b.program, "run", "--config", file)
		if b.name == thisTree {
			f.least = perSecond(t, address, listed, requests, []string{leastEnv + "=serve\n" + address, "LISTED=" + strconv.Itoa(listed)}, os.Args[0])
		}
		return []figure{f}
	}
}

// perSecond starts a server, asks it, and ends it.
func perSecond(t *testing.T, address string, listed, requests int, env []string, program string, args ...string) float64 {
	t.Helper()
	var errs bytes.Buffer
	daemon := exec.CommandContext(t.Context(), "taskset", append([]string{"-c", "0", program}, args...)...)
	daemon.Stderr, daemon.Env = &errs, append(os.Environ(), env...)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		daemon.Process.Signal(os.Interrupt)
		daemon.Wait()
	}()
	for tries := 0; ; tries++ {
		res, err := http.Get("http://" + address + "/livez")
		if err == nil {
			res.Body.Close()
			break
		}
		if tries > 600 {
			t.Fatalf("%s does not answer: %v\n%s", program, err, errs.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
	var n float64
	for range 2 { // the second counts: what a daemon does when it starts is over by then
		client := exec.CommandContext(t.Context(), "taskset", "-c", "0", os.Args[0])
		client.Env = append(os.Environ(), clientEnv+"="+address, "REQUESTS="+strconv.Itoa(requests), "LISTED="+strconv.Itoa(listed))
		out, err := client.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if n, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// ask is the client: as lean as one can be, so that the daemon's share is seen.
// Half of the addresses are listed.
func ask(address string) error {
	requests, err := strconv.Atoi(os.Getenv("REQUESTS"))
	if err != nil {
		return err
	}
	listed, err := strconv.Atoi(os.Getenv("LISTED"))
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	started := time.Now()
	for i := range requests {
		who := i * 7919 % (2 * listed)
		query := url.Values{"address": {fmt.Sprintf("user%d@d%d.example", who, who%5000)}}
		if _, err := fmt.Fprintf(conn, "GET /v1/lookup?%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", query.Encode(), address, token); err != nil {
			return err
		}
		length := -1
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return err
			}
			if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
					return err
				}
			}
			if len(bytes.TrimSpace(line)) == 0 {
				break
			}
		}
		body := make([]byte, max(0, length))
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		if want := fmt.Sprintf(`"suppressed":%t`, who < listed); !bytes.Contains(body, []byte(want)) {
			return fmt.Errorf("user%d: %s: want %s", who, body, want)
		}
	}
	_, err = fmt.Printf("%.0f\n", float64(requests)/time.Since(started).Seconds())
	return err
}

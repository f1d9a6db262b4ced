package compare

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	clientEnv = "HARVESTER_COMPARE_CLIENT" // "PROTOCOL ADDRESS": this process is the client
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
// connection, both ends on one core: over HTTP, and this tree's listener for
// mail servers in each of its protocols against the older build's HTTP.
func overLookups(t *testing.T, older build, listed, requests int) func(*testing.T, build) []figure {
	stored := fill(t, older, listed, 1)
	return func(t *testing.T, b build) []figure {
		dir := t.TempDir()
		duplicate(t, stored, dir)
		address, mta := freeAddress(t), freeAddress(t)
		write(t, filepath.Join(dir, "token"), token)
		text := inMaildir(emptyMaildir(t)) + fmt.Sprintf("[web]\nlisten = %q\ntoken = \"file:token\"\n", address)
		ask := map[string]string{"http": address}
		if b.name == thisTree {
			text += fmt.Sprintf("[mta]\nlisten = %q\n", mta)
			for protocol := range protocols {
				ask[protocol] = cmp.Or(ask[protocol], mta)
			}
		}
		rates := perSecond(t, address, ask, listed, requests, nil, b.program, "run", "--config", configured(t, dir, text))
		figures := []figure{{row: "/v1/lookup over keep-alive, both ends on one core", unit: "/s", more: true, asked: 2, value: rates["http"]}}
		if b.name == thisTree {
			plain := perSecond(t, address, map[string]string{"http": address}, listed, requests, []string{leastEnv + "=serve\n" + address, "LISTED=" + strconv.Itoa(listed)}, os.Args[0])
			figures[0].least = plain["http"]
		}
		for _, protocol := range slices.Sorted(maps.Keys(protocols)) {
			if protocol != "http" { // the older build answers over HTTP alone
				figures = append(figures, figure{row: protocol + " against /v1/lookup of the base", unit: "/s", more: true, asked: 3, value: cmp.Or(rates[protocol], rates["http"])})
			}
		}
		return figures
	}
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// perSecond starts a server that tells at address whether it lives, asks it by
// each protocol, and ends it.
func perSecond(t *testing.T, address string, asked map[string]string, listed, requests int, env []string, program string, args ...string) map[string]float64 {
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
	rates := map[string]float64{}
	for range 2 { // the second counts: what a daemon does when it starts is over by then
		for protocol, at := range asked {
			client := exec.CommandContext(t.Context(), "taskset", "-c", "0", os.Args[0])
			client.Env = append(os.Environ(), clientEnv+"="+protocol+" "+at, "REQUESTS="+strconv.Itoa(requests), "LISTED="+strconv.Itoa(listed))
			out, err := client.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", protocol, err, out)
			}
			if rates[protocol], err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rates
}

// protocol is one way to ask about an address.
type protocol struct {
	question func(to io.Writer, address string) error
	// answer reads an answer and says whether the address is suppressed.
	answer func(in *bufio.Reader) (suppressed bool, err error)
}

var protocols = map[string]protocol{
	"http": {
		func(to io.Writer, address string) error {
			_, err := fmt.Fprintf(to, "GET /v1/lookup?%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", url.Values{"address": {address}}.Encode(), token)
			return err
		},
		httpAnswer,
	},
	"policy service": {
		func(to io.Writer, address string) error { // all that Postfix 3.7 sends
			_, err := fmt.Fprintf(to, "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\nclient_name=mail.example.org\n"+
				"client_port=40112\nreverse_client_name=mail.example.org\nserver_address=192.0.2.1\nserver_port=25\nhelo_name=mail.example.org\nsender=news@example.org\n"+
				"recipient=%s\nrecipient_count=0\nqueue_id=\ninstance=4af.6a1b2c3d.5e6f7.0\nsize=0\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\n"+
				"ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\nencryption_cipher=\nencryption_keysize=0\npolicy_context=\n\n", address)
			return err
		},
		func(in *bufio.Reader) (bool, error) {
			line, err := in.ReadString('\n')
			if err == nil {
				_, err = in.Discard(1)
			}
			return strings.HasPrefix(line, "action=550 "), err
		},
	},
	"socketmap": {
		func(to io.Writer, address string) error {
			_, err := fmt.Fprintf(to, "%d:access %s,", len("access ")+len(address), address)
			return err
		},
		func(in *bufio.Reader) (bool, error) {
			text, err := in.ReadString(',')
			return strings.Contains(text, ":OK 550 "), err
		},
	},
	"tcp_table": {
		func(to io.Writer, address string) error {
			_, err := fmt.Fprintf(to, "get %s\n", address)
			return err
		},
		func(in *bufio.Reader) (bool, error) {
			line, err := in.ReadString('\n')
			return strings.HasPrefix(line, "200 "), err
		},
	},
}

func httpAnswer(in *bufio.Reader) (bool, error) {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return false, err
			}
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(in, body)
	if yes, no := bytes.Contains(body, []byte(`"suppressed":true`)), bytes.Contains(body, []byte(`"suppressed":false`)); err == nil && yes == no {
		err = fmt.Errorf("no answer: %s", body)
	}
	return bytes.Contains(body, []byte(`"suppressed":true`)), err
}

// ask is the client: as lean as one can be, so that the daemon's share is seen.
// Half of the addresses are listed.
func ask(spec string) error {
	requests, err := strconv.Atoi(os.Getenv("REQUESTS"))
	if err != nil {
		return err
	}
	listed, err := strconv.Atoi(os.Getenv("LISTED"))
	if err != nil {
		return err
	}
	i := strings.LastIndexByte(spec, ' ')
	by := protocols[spec[:i]]
	conn, err := net.Dial("tcp", spec[i+1:])
	if err != nil {
		return err
	}
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
	started := time.Now()
	for i := range requests {
		who := i * 7919 % (2 * listed)
		err := by.question(out, fmt.Sprintf("user%d@d%d.example", who, who%5000))
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
		suppressed, err := by.answer(in)
		if err != nil {
			return err
		}
		if suppressed != (who < listed) {
			return fmt.Errorf("user%d: suppressed is %t", who, suppressed)
		}
	}
	_, err = fmt.Printf("%.0f\n", float64(requests)/time.Since(started).Seconds())
	return err
}

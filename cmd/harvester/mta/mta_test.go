package mta

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/store"
	"harvester/store/policy"
	"harvester/store/query"
)

// list is a Looker that knows a few keys.
type list struct {
	keys map[string]string // reasons
	err  error
	hold chan struct{} // a look-up waits until it is closed
}

// Remembered knows one who is not listed.
func (l *list) Remembered(address, _ string) (v query.Verdict, ok bool) {
	return v, address == "remembered@example.net"
}

func (l *list) LookupAll(_ context.Context, addresses []string, _ string) ([]query.Verdict, error) {
	if l.hold != nil {
		<-l.hold
	}
	v := query.Verdict{Address: addresses[0]}
	if why, ok := l.keys[policy.Key(addresses[0])]; ok {
		v.Suppressed, v.Entries = true, []query.Entry{{Reason: why}}
	}
	return []query.Verdict{v}, l.err
}

func start(t testing.TB, l Looker) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, Options{List: l, Log: slog.New(slog.DiscardHandler)}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a request and reads as much as the answer is expected to be long.
func ask(t testing.TB, c net.Conn, request, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.WriteString(c, request)
	if err == nil {
		err = c.SetReadDeadline(time.Now().Add(time.Minute))
	}
	if err == nil {
		_, err = io.ReadFull(c, got)
	}
	if err != nil || string(got) != want {
		t.Errorf("%q: %q, %v; want %q", request, got, err, want)
	}
}

func netstring(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }

var known = map[string]string{"jane@example.net": "user_unknown", `"a b"@example.net`: "manual", "a..b@docomo.example": "mailbox_full", "#x@xn--bcher-kva.example": "complaint"}

func TestProtocols(t *testing.T) {
	address := start(t, &list{keys: known})
	request := func(state, recipient string) string {
		return "request=smtpd_access_policy\nprotocol_state=" + state + "\nrecipient=" + recipient + "\n\n"
	}
	c := dial(t, address)
	for _, step := range [][2]string{
		{request("RCPT", "Jane@Example.net"), "action=550 5.7.1 suppressed by harvester: user_unknown\n\n"},
		{request("RCPT", "a b@example.net"), "action=550 5.7.1 suppressed by harvester: manual\n\n"},
		{request("RCPT", "#x@bücher.example"), "action=550 5.7.1 suppressed by harvester: complaint\n\n"},
		{request("RCPT", "fred@example.net"), "action=DUNNO\n\n"},
		{request("RCPT", ""), "action=DUNNO\n\n"},
		{request("DATA", "jane@example.net"), "action=DUNNO\n\n"},
		{"nonsense\n\n", "action=DUNNO\n\n"},
		{"get jane%40example.net\n", "200 550%205.7.1%20suppressed%20by%20harvester:%20user_unknown\n"}, // even on one connection
		{"get example.net\n", "500 not%20found\n"},
		{"get %zz\n", "500 not%20found\n"},
		{"put jane@example.net x\n", "500 not%20found\n"},
		{netstring("access a..b@docomo.example"), netstring("OK 550 5.7.1 suppressed by harvester: mailbox_full")},
		{netstring("transport jane@example.net"), netstring("OK error:5.7.1 suppressed by harvester: user_unknown")},
		{netstring("access jane@"), netstring("NOTFOUND ")},
		{netstring("access *"), netstring("NOTFOUND ")},
		{netstring(""), netstring("NOTFOUND ")},
	} {
		ask(t, c, step[0], step[1])
	}
}

// A request that can't be one ends its connection and nothing else.
func TestNonsense(t *testing.T) {
	address := start(t, &list{keys: known})
	for _, text := range []string{"99999999999:x", "3:abcd", "12x:abc,", strings.Repeat("a", maxRequest) + "b", strings.Repeat("a=b\n", maxRequest)} {
		c := dial(t, address)
		_, _ = io.WriteString(c, text) // it may be cut off in the middle
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if b, err := io.ReadAll(c); len(b) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%.20q: %q, %v", text, b, err)
		}
	}
	ask(t, dial(t, address), "get jane@example.net\n", "200 550")
}

// Connections that ask nothing, or never end a question, keep nobody out.
func TestFullHouse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, ln, Options{List: &list{keys: known}, Log: slog.New(slog.DiscardHandler), clients: 3})
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	asks := dial(t, ln.Addr().String())
	ask(t, asks, "get fred@example.net\n", "500 not%20found\n")
	idle := make([]net.Conn, 7)
	for i := range idle {
		idle[i] = dial(t, ln.Addr().String())
		if _, err := io.WriteString(idle[i], "request=smtpd_access_policy\n"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		ask(t, asks, "get jane@example.net\n", "200 550%205.7.1%20suppressed%20by%20harvester:%20user_unknown\n")
		if i > 1 { // the first of those that wait had to leave
			if err := idle[i-2].SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			var timeout net.Error
			if n, err := idle[i-2].Read(make([]byte, 1)); n != 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatalf("%d: %d bytes, %v", i-2, n, err)
			}
		}
	}
}

// A database that fails or hangs lets mail go on; when it answers again, so
// does the list.
func TestInDoubtMailGoesOn(t *testing.T) {
	ask(t, dial(t, start(t, &list{keys: known, err: errors.New("disk on fire")})), "get jane@example.net\n", "500 not%20found\n")
	hold := make(chan struct{})
	c := dial(t, start(t, &list{keys: known, hold: hold}))
	ask(t, c, netstring("access jane@example.net"), netstring("NOTFOUND "))
	ask(t, c, netstring("access remembered@example.net"), netstring("NOTFOUND "))
	ask(t, c, netstring("access jane@example.net"), netstring("NOTFOUND ")) // at once: it has not answered yet
	close(hold)
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := io.WriteString(c, "get jane@example.net\n"); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || time.Now().After(end) {
			t.Fatalf("%q, %v", line, err)
		}
		if strings.HasPrefix(line, "200 ") {
			return
		}
	}
}

// Postfix's own client of socketmap and tcp tables understands the answers.
func TestPostmapAsks(t *testing.T) {
	postmap, err := exec.LookPath("/usr/sbin/postmap")
	if err != nil {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatal("HARVESTER_REQUIRE_MTA=1, but postmap is not installed")
		}
		t.Skip("postmap is not installed: its questions are not tested")
	}
	conf := t.TempDir()
	if err := os.WriteFile(filepath.Join(conf, "main.cf"), []byte("compatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	address := start(t, &list{keys: known})
	for _, table := range []string{"socketmap:inet:" + address + ":access", "tcp:" + address} {
		cmd := exec.Command(postmap, "-c", conf, "-q", "-", table)
		cmd.Stdin = strings.NewReader("jane@example.net\nJANE@example.net\nfred@example.net\na..b@docomo.example\nexample.net\n#x@bücher.example\n")
		out, err := cmd.CombinedOutput()
		if want := "jane@example.net\t550 5.7.1 suppressed by harvester: user_unknown\n" +
			"JANE@example.net\t550 5.7.1 suppressed by harvester: user_unknown\n" +
			"a..b@docomo.example\t550 5.7.1 suppressed by harvester: mailbox_full\n" +
			"#x@bücher.example\t550 5.7.1 suppressed by harvester: complaint\n"; string(out) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", table, err, out, want)
		}
	}
}

// BenchmarkAsk is the rate of answers on one connection, from a real database
// of 1,000 rows, about who is listed and who is not.
func BenchmarkAsk(b *testing.B) {
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(b.TempDir(), "h.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for i := range 1000 {
		if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Add, Pattern: fmt.Sprintf("user%d@example.net", i), Reason: "test", Author: "test"}); err != nil {
			b.Fatal(err)
		}
	}
	db.List.Remember()
	address := start(b, db.List)
	for _, domain := range []string{"example.net", "example.com"} {
		for name, request := range map[string]string{
			"socketmap": fmt.Sprintf("%d:access user%%03d@%s,", len("access user000@"+domain), domain), "tcp": "get user%03d@" + domain + "\n",
			"policy": "request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=user%03d@" + domain + "\n\n",
		} {
			b.Run(name+"/"+domain, func(b *testing.B) {
				c := dial(b, address)
				in := make([]byte, 1<<10)
				for i := 0; b.Loop(); i++ {
					if _, err := fmt.Fprintf(c, request, 100+i%900); err != nil {
						b.Fatal(err)
					}
					if _, err := c.Read(in); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
			})
		}
	}
}

package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/web"
	"harvester/fixtures"
	"harvester/harvest/imap/memserver"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/schedule"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/job"
)

// service is a daemon under test, with a notify socket as systemd has one.
type service struct {
	t      *testing.T
	dir    string
	states chan string
	reload chan struct{}
	dump   chan struct{}
	log    syncBuffer
	done   chan error
	ended  chan error // done, as long as it is not expected to end
	cancel context.CancelFunc
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *service) configure(addr, more string) {
	s.t.Helper()
	text := fmt.Sprintf(`
own_domains = ["example.org"]
timezone = "UTC"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = %q
tls = "none"
username = "u"
password = "file:password"
schedule = "@every 1s"
[[export]]
name = "list"
path = "list.csv"
schedule = "@every 1s"
%s`, addr, more)
	for name, content := range map[string]string{"harvester.toml": text, "password": "secret-of-the-mailbox\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

func start(t *testing.T, watchdog time.Duration) (*service, *memserver.Server) {
	t.Helper()
	server, err := memserver.Start("u", "secret-of-the-mailbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return startAt(t, server.Addr, watchdog), server
}

// startAt starts a daemon that reads from a server that may not be there.
func startAt(t *testing.T, addr string, watchdog time.Duration) *service {
	t.Helper()
	s := &service{t: t, dir: t.TempDir(), states: make(chan string, 1000), reload: make(chan struct{}), dump: make(chan struct{}), done: make(chan error, 1)}
	s.ended = s.done
	s.configure(addr, "")

	socket := filepath.Join(s.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", socket)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			s.states <- string(buf[:n])
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() {
		s.done <- Run(ctx, Options{
			Load:   func() (*config.Config, error) { return config.Load(filepath.Join(s.dir, "harvester.toml")) },
			Reload: s.reload, Dump: s.dump, Watchdog: watchdog, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
			Notify: func(state string) {
				if _, err := sd.SdNotify(false, state); err != nil {
					t.Error(err)
				}
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		conn.Close()
	})
	return s
}

// expect waits for a state that holds want.
func (s *service) expect(want string) string {
	s.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case state := <-s.states:
			if strings.Contains(state, want) {
				return state
			}
		case err := <-s.ended:
			s.t.Fatalf("ended while %q was awaited: %v\n%s", want, err, s.log.String())
		case <-limit:
			s.t.Fatalf("no %q\n%s", want, s.log.String())
		}
	}
}

// patience is how long an event is waited for: longer than a busy machine takes
// under the race detector.
const patience = 2 * time.Minute

func (s *service) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Fatalf("never: %s\n%s", what, s.log.String())
}

func (s *service) stop() {
	s.t.Helper()
	s.ended = nil
	s.cancel()
	err := <-s.done
	s.expect("STOPPING=1")
	if err != nil {
		s.t.Error(err)
	}
}

// sample is a notice of a failure.
func sample(t *testing.T) []byte {
	t.Helper()
	entries, err := fixtures.FS.ReadDir("postfix")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := fixtures.FS.ReadFile("postfix/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if parse.Parse(raw, nil).Kind == bounce.KindBounce {
			return raw
		}
	}
	t.Fatal("no notice among the samples")
	return nil
}

// recipient is whom the sample is about.
func recipient(t *testing.T) string {
	t.Helper()
	return parse.Parse(sample(t), nil).Recipients[0].Recipient
}

func TestLifeOfTheDaemon(t *testing.T) {
	s, server := start(t, 100*time.Millisecond)
	if state := s.expect("READY=1"); !strings.Contains(state, "STATUS=1 mailbox") {
		t.Errorf("ready: %q", state)
	}
	s.expect("WATCHDOG=1")
	if err := server.Append("INBOX", sample(t)); err != nil {
		t.Fatal(err)
	}
	s.eventually("a mail that arrived is stored", func() bool { return strings.Contains(s.log.String(), "1 read, 1 new") })
	s.eventually("the export is written", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "list.csv"))
		return err == nil
	})

	s.dump <- struct{}{}
	s.eventually("the jobs' states are logged", func() bool { return strings.Contains(s.log.String(), "msg=status job=\"harvest bounces\"") })

	// A wrong configuration leaves the old one at work.
	s.configure(server.Addr, "nonsense = true\n")
	s.reload <- struct{}{}
	if state := s.expect("RELOADING=1"); !strings.Contains(state, "\nMONOTONIC_USEC=") {
		t.Errorf("reloading: %q", state)
	}
	s.expect("; configuration not reloaded: " + filepath.Join(s.dir, "harvester.toml:17:1: export.nonsense: unknown key"))
	if log := s.log.String(); !strings.Contains(log, "nonsense: unknown key") {
		t.Error("the log does not say why")
	}
	s.expect("WATCHDOG=1")

	// One that can't be opened, too.
	s.configure(server.Addr, "[report]\npath = \".\"\n")
	text, _ := os.ReadFile(filepath.Join(s.dir, "harvester.toml"))
	os.WriteFile(filepath.Join(s.dir, "harvester.toml"), bytes.Replace(text, []byte(`"h.db"`), []byte(`"missing/h.db"`), 1), 0o600)
	s.reload <- struct{}{}
	s.expect("; configuration not reloaded: opening database")

	// So do the rules: a broken file keeps the pack that works.
	s.configure(server.Addr, "")
	text, _ = os.ReadFile(filepath.Join(s.dir, "harvester.toml"))
	own := filepath.Join(s.dir, "rules")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(s.dir, "harvester.toml"), append([]byte("rules_dir = \"rules\"\n"), text...), 0o600)
	os.WriteFile(filepath.Join(own, "own.toml"), []byte("[[rule]]\nid = \"own.shut\"\ncontains = [\"we are shut\"]\nreason = \"shut\"\n"), 0o600)
	s.reload <- struct{}{}
	s.expect("; configuration not reloaded: ")
	if !strings.Contains(s.log.String(), "own.toml:4:1: rule") {
		t.Error("the log does not say which rule is wrong")
	}

	s.configure(server.Addr, "[report]\npath = \".\"\nschedule = \"@every 1s\"\n")
	s.reload <- struct{}{}
	if state := s.expect("READY=1\nSTATUS=1 mailbox"); strings.Contains(state, "not reloaded") {
		t.Errorf("after a good reload: %q", state)
	}
	s.stop()
	log := s.log.String()
	if !strings.Contains(log, "configuration reloaded") {
		t.Error("the new configuration was not taken")
	}
	for _, private := range []string{"secret-of-the-mailbox", recipient(t)} {
		if strings.Contains(log, private) {
			t.Errorf("the log shows %q", private)
		}
	}
}

// A hundred broken configurations while mail comes in: the service goes on, and
// each refusal names the line.
func TestBrokenReloadsUnderLoad(t *testing.T) {
	s, server := start(t, 50*time.Millisecond)
	s.expect("READY=1")
	s.configure(server.Addr, "\nnonsense = true\n")
	place := filepath.Join(s.dir, "harvester.toml") + ":18:1: export.nonsense: unknown key"
	raw := sample(t)
	for i := range 100 {
		mail := append(fmt.Appendf(nil, "X-Number: %d\r\n", i), raw...)
		if err := server.Append("INBOX", mail); err != nil {
			t.Fatal(err)
		}
		s.reload <- struct{}{}
		s.expect("RELOADING=1")
		s.expect("; configuration not reloaded: " + place)
	}
	if got := strings.Count(s.log.String(), place); got != 100 {
		t.Errorf("%d of 100 refusals name the line", got)
	}
	s.expect("WATCHDOG=1")
	s.eventually("all mail is stored", func() bool { return s.read() == 100 })
	s.stop()
	if log := s.log.String(); strings.Contains(log, "job failed") || strings.Count(log, "msg=started") != 1 {
		t.Error("the jobs did not go on undisturbed")
	}
}

// read counts the messages that the log says were read.
func (s *service) read() (n int) {
	for _, m := range regexp.MustCompile(`(\d+) read, `).FindAllStringSubmatch(s.log.String(), -1) {
		k, _ := strconv.Atoi(m[1]) // digits
		n += k
	}
	return n
}

func TestSecondDaemonIsRefused(t *testing.T) {
	s, _ := start(t, 0)
	s.expect("READY=1")
	err := Run(t.Context(), Options{
		Load: func() (*config.Config, error) { return config.Load(filepath.Join(s.dir, "harvester.toml")) },
		Log:  slog.New(slog.DiscardHandler),
	})
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), "harvester run on") {
		t.Errorf("got %v", err)
	}
	// Nor with another database: both would move the same mail.
	err = Run(t.Context(), Options{
		Load: func() (*config.Config, error) {
			c, err := config.Load(filepath.Join(s.dir, "harvester.toml"))
			c.Store.Path = filepath.Join(t.TempDir(), "other.db")
			return c, err
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if runtime.GOOS == "linux" && (!errors.Is(err, compose.ErrInUse) || !strings.Contains(err.Error(), "mailbox bounces") || !strings.Contains(err.Error(), "harvester run on")) {
		t.Errorf("got %v", err)
	}
	s.stop()
}

// The provider's outage must not make the start fail, and is not a failing
// daemon.
func TestStartsWithoutItsServer(t *testing.T) {
	s := startAt(t, "127.0.0.1:1", 50*time.Millisecond)
	s.expect("READY=1")
	s.eventually("the failure is logged", func() bool { return strings.Contains(s.log.String(), "job failed") })
	s.expect("WATCHDOG=1")
	// harvester status says when it is tried again.
	db, err := store.Open(t.Context(), filepath.Join(s.dir, "h.db"), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s.eventually("the next try is stored", func() bool {
		last, err := db.Runs.LastRun(t.Context(), job.Harvest.Of("bounces"), false)
		return err == nil && strings.Contains(last.Detail, "connection refused") && last.Retry.After(last.Ended)
	})
	s.stop()
}

// Two hundred mailboxes: while those of a server that accepts connections and
// then says nothing wait for it, all others are harvested.
func TestManyMailboxes(t *testing.T) {
	const good, mute = 180, 20
	s, server := start(t, 50*time.Millisecond)
	s.expect("READY=1")
	silence, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silence.Close()
	var text strings.Builder
	mailbox := func(name, addr, folder string) {
		fmt.Fprintf(&text, "[[mailbox]]\nname = %q\nserver = %q\ntls = \"none\"\nusername = \"u\"\npassword = \"file:password\"\nfolders = [%q]\nschedule = \"@every 1m\"\n",
			name, addr, folder)
	}
	for i := range mute {
		mailbox(fmt.Sprintf("mute%d", i), silence.Addr().String(), fmt.Sprintf("F%d", i))
	}
	raw := sample(t)
	for i := range good {
		folder := fmt.Sprintf("F%d", i)
		if err := server.Create(folder); err != nil {
			t.Fatal(err)
		}
		if err := server.Append(folder, append(fmt.Appendf(nil, "X-Number: %d\r\n", i), raw...)); err != nil {
			t.Fatal(err)
		}
		mailbox(fmt.Sprintf("good%d", i), server.Addr, folder)
	}
	s.configure(server.Addr, text.String())
	s.reload <- struct{}{}
	s.eventually("every good mailbox is harvested", func() bool { return s.read() == good })
	// An export may have come before the first harvest, and waits then.
	if line := failedHarvest(s.log.String()); line != "" {
		t.Errorf("the silence was not waited for: the test proves nothing: %s", line)
	}
	s.stop()
}

// One folder of a mailbox that can't be read is a failure to be seen, though
// the job keeps to its schedule.
func TestSummaryTellsOfPartialFailures(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "h.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	hourly, err := schedule.ParseSpec("@every 1h")
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan struct{})
	r := &schedule.Runner{Recorder: db.Runs, Zone: time.UTC, Parallel: 1, Grace: time.Minute, Log: slog.New(slog.DiscardHandler), Jobs: []schedule.Job{
		{Name: job.Harvest.Of("bounces"), Spec: hourly, AtOnce: true, Run: func(context.Context) (string, error) {
			return "3 read", &schedule.Partial{Err: errors.New("folder Old does not exist")}
		}},
		{Name: job.Export.Of("list"), Spec: hourly, AtOnce: true, Follows: true, Run: func(context.Context) (string, error) {
			close(ran) // so the harvest is over
			return "", nil
		}},
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	<-ran
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	d := &daemon{set: &compose.Set{Config: &config.Config{Mailboxes: make([]config.Mailbox, 1)}}}
	d.runner.Store(r)
	if got := d.summary(); !strings.HasPrefix(got, "1 mailbox, 1 job failing") {
		t.Error(got)
	}
}

// Another program's port is for the supervisor to try again, an operator's
// mistake is not.
func TestListenOfAnother(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := web.Listen(t.Context(), l.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) || !errors.Is(err, web.ErrListen) {
		t.Errorf("got %v", err)
	}
	if err := web.Listenable(t.Context(), l.Addr().String()); err != nil {
		t.Errorf("who listens there now is no matter of the configuration: %v", err)
	}
}

// failedHarvest is the first line of a log that tells of a harvest that failed.
func failedHarvest(log string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="job failed" job="harvest `) {
			return line
		}
	}
	return ""
}

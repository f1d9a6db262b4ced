package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"harvester/cmd/harvester/daemon"
	"harvester/harvest/imap/imaptest"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
)

// fleetEnv says how much TestFleet does; set to "1" it is all, as make fleet does.
const fleetEnv = "HARVESTER_FLEET"

// fleetSize is how much TestFleet does.
type fleetSize struct {
	workers, mailboxes, mails    int
	kills, stops, restarts, cuts int
}

// sizeOfFleet is "1" for all that is asked for, or numbers of one's own: those of
// the fields, in their order, with commas.
func sizeOfFleet(t *testing.T, text string) (size fleetSize) {
	if text == "1" {
		text = "3,60,30000,100,50,20,500"
	}
	if _, err := fmt.Sscanf(text, "%d,%d,%d,%d,%d,%d,%d", &size.workers, &size.mailboxes, &size.mails, &size.kills, &size.stops, &size.restarts, &size.cuts); err != nil {
		t.Fatalf("%s=%s: %v", fleetEnv, text, err)
	}
	return size
}

// Three workers share the mailboxes of one server and one database, with clocks
// that are minutes apart, while they are killed, put to sleep for longer than a
// lease lasts, and cut off from the database and from the mail server. In the end
// each mail is in the database exactly once, and stands on the server where it
// belongs and nowhere else; and the list and the file are those of one process
// with a database in a file, byte for byte.
func TestFleet(t *testing.T) {
	size := fleetSize{workers: 3, mailboxes: 6, mails: 360, kills: 3, stops: 2, restarts: 1, cuts: 6}
	if text := os.Getenv(fleetEnv); text != "" {
		size = sizeOfFleet(t, text)
	} else if testing.Short() {
		t.Skip("three workers and two servers")
	}
	began := time.Now()
	server, postgres := imaptest.Start(t, imaptest.Options{}), pgtest.Start(t)
	calm := imaptest.Start(t, imaptest.Options{})
	mails := backlog(t, size.mails)
	for i := range mails {
		mails[i] = append(fmt.Appendf(nil, "X-Number: %d\n", i), mails[i]...)
	}
	for i, raw := range mails {
		calm.Deliver(fmt.Sprint("M", i%size.mailboxes), raw)
	}
	undisturbed := fleetConfig(t, calm.IMAP, size.mailboxes, "")
	harvester(t, exitOK, "once", "--config", undisturbed)

	url := postgres.Database(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	f := &fleetUnderTest{t: t, url: url, size: size, mail: &cutter{}}
	mail := imaptest.NewProxy(t, server.IMAP, 0, f.mail.plan)
	for i := range size.workers {
		w := &workerUnderTest{name: fmt.Sprint("w", i), database: postgres.Proxy(t), ahead: time.Duration(random.IntN(20)-10) * time.Minute}
		w.file = fleetConfig(t, mail.Addr, size.mailboxes, fmt.Sprintf("url = %q\nworker = %q\nlease_seconds = 2\n", w.database.URL(url), w.name))
		t.Logf("the clock of %s is %s ahead", w.name, w.ahead)
		f.workers = append(f.workers, w)
		f.start(i)
	}
	troubles := f.troubles(postgres)
	random.Shuffle(len(troubles), func(i, j int) { troubles[i], troubles[j] = troubles[j], troubles[i] })
	delivered := 0
	for n, trouble := range troubles {
		for ; delivered < size.mails*(n+1)/len(troubles); delivered++ {
			server.Deliver(fmt.Sprint("M", delivered%size.mailboxes), mails[delivered])
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // anywhere in the work
		trouble(random)
	}
	f.awaitAll(len(mails))
	f.shown()
	f.stop()
	cut := int(f.mail.made.Load())
	for _, w := range f.workers {
		cut += w.database.Cut()
	}
	t.Logf("%d mails in %d mailboxes, by %d workers: %d killed, %d put to sleep, PostgreSQL restarted %d times, %d cuts of %d connections, %d of them to the mail server; it took %s",
		size.mails, size.mailboxes, size.workers, size.kills, size.stops, size.restarts, size.cuts, cut, f.mail.made.Load(), time.Since(began).Round(time.Second))

	for i := range mails {
		mailbox := i % size.mailboxes
		if f.left == nil {
			f.left, f.moved = map[int]map[int]int{}, map[int]map[int]int{}
		}
		if f.left[mailbox] == nil {
			f.left[mailbox], f.moved[mailbox] = numbers(t, server.Maildir(fmt.Sprint("M", mailbox))), numbers(t, server.Maildir(fmt.Sprint("Done", mailbox)))
		}
		if l, m := f.left[mailbox][i], f.moved[mailbox][i]; l != 0 || m != 1 {
			t.Errorf("mail %d: %d times where it came in, %d times moved", i, l, m)
		}
	}
	config := f.workers[0].file
	if s := statusOfDB(t, config); s.Messages != len(mails) || s.Poison != 0 || s.Unsettled != 0 {
		t.Errorf("%d mails, stored: %+v", len(mails), s)
	}
	for _, args := range [][]string{{"suppress", "list"}, {"incidents"}} {
		show := func(file string) string { return harvester(t, exitOK, append(args, "--config", file)...) }
		if got, want := show(config), show(undisturbed); got != want || got == "" {
			t.Errorf("%s of the workers:\n%s\nof one process:\n%s", args, got, want)
		}
	}
	published := func(file string) string {
		harvester(t, exitOK, "export", "--config", file)
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(file), "list.txt"))
		if err != nil || len(raw) == 0 {
			t.Fatal(err)
		}
		return string(raw)
	}
	if got, want := published(config), published(undisturbed); got != want {
		t.Errorf("the file of the workers:\n%s\nof one process:\n%s", got, want)
	}
}

// fleetConfig configures a worker, or a process with a file.
func fleetConfig(t *testing.T, server string, mailboxes int, store string) string {
	t.Helper()
	dir := t.TempDir()
	var text strings.Builder
	fmt.Fprintf(&text, "own_domains = [\"example.org\", \"example.com\"]\ntimezone = \"UTC\"\n[breaker]\nadded = 1000000\ndomain = 1000000\npercent = 100\n[store]\npath = \"h.db\"\n%s[[export]]\nname = \"list\"\nprofile = \"email\"\npath = \"list.txt\"\nschedule = \"@every 3s\"\n", store)
	for i := range mailboxes {
		fmt.Fprintf(&text, "[[mailbox]]\nname = \"m%d\"\nserver = %q\ntls = \"none\"\nusername = %q\npassword = \"file:password\"\nfolders = [\"M%d\"]\ndone = \"move:Done%d\"\nunparsed = \"move:Done%d\"\nother = \"move:Done%d\"\nschedule = \"@every 1s\"\nidle = false\n",
			i, server, imaptest.Username, i, i, i, i)
	}
	file := filepath.Join(dir, "harvester.toml")
	for name, content := range map[string]string{file: text.String(), filepath.Join(dir, "password"): imaptest.Password} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

type workerUnderTest struct {
	name, file string
	ahead      time.Duration // its clock
	database   *pgtest.Proxy // on its way there
	process    *exec.Cmd
	log        *lockedBuffer
}

// workerApart is the program with another clock: "harvester run" for tests.
const workerApart = "harvester-apart"

// mainApart runs a worker by a configuration with a clock that is ahead.
func mainApart() {
	ahead, err := time.ParseDuration(os.Args[2])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a := &app{stdio: stdio{Out: os.Stdout, Err: os.Stderr}, configFlag: os.Args[1]}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err == nil {
		err = daemon.Run(ctx, daemon.Options{Load: a.loadConfig, Log: log, Now: func() time.Time { return time.Now().Add(ahead) }})
	}
	if err != nil {
		a.printError(err)
		os.Exit(statusOf(err))
	}
}

// cutter has connections to the mail server end after some bytes.
type cutter struct {
	asked, made atomic.Int64
}

// plan is asked for each new connection.
func (c *cutter) plan() imaptest.Cut {
	if c.asked.Add(-1) < 0 {
		c.asked.Add(1)
		return imaptest.Cut{}
	}
	c.made.Add(1)
	ways := []imaptest.How{imaptest.Close, imaptest.Reset, imaptest.HalfClose, imaptest.Bye} // what goes silent is waited for long
	return imaptest.Cut{After: bytesUntil(rand.IntN), How: ways[rand.IntN(len(ways))]}
}

// bytesUntil is after how many bytes a connection ends: a few or many.
func bytesUntil(below func(int) int) int64 { return int64(below(1 << below(18))) }

type fleetUnderTest struct {
	t           *testing.T
	url         string
	size        fleetSize
	workers     []*workerUnderTest
	mail        *cutter
	left, moved map[int]map[int]int
}

func (f *fleetUnderTest) start(i int) {
	w := f.workers[i]
	w.process = exec.CommandContext(f.t.Context(), workerApart, w.file, w.ahead.String())
	if w.log == nil {
		w.log = &lockedBuffer{}
		f.t.Cleanup(func() {
			if f.t.Failed() {
				text := w.log.String()
				f.t.Logf("%s:\n%s", w.name, text[max(0, len(text)-4000):])
			}
		})
	}
	w.process.Stdout, w.process.Stderr = w.log, w.log
	if err := w.process.Start(); err != nil {
		f.t.Fatal(err)
	}
}

// troubles are what the workers go through.
func (f *fleetUnderTest) troubles(postgres *pgtest.Server) (all []func(*rand.Rand)) {
	for range f.size.kills {
		all = append(all, func(r *rand.Rand) {
			i := r.IntN(len(f.workers))
			_ = f.workers[i].process.Process.Kill()
			_ = f.workers[i].process.Wait() // it was killed
			f.start(i)
		})
	}
	for range f.size.stops {
		all = append(all, func(r *rand.Rand) {
			p := f.workers[r.IntN(len(f.workers))].process.Process
			_ = p.Signal(syscall.SIGSTOP)
			time.Sleep(3 * time.Second) // a lease lasts two
			_ = p.Signal(syscall.SIGCONT)
		})
	}
	for range f.size.restarts {
		all = append(all, func(*rand.Rand) {
			postgres.Stop()
			postgres.Run()
			f.revive()
		})
	}
	for i := range f.size.cuts {
		all = append(all, func(r *rand.Rand) {
			if i%3 == 0 {
				f.mail.asked.Add(1)
				return
			}
			f.workers[r.IntN(len(f.workers))].database.CutAfter(int(bytesUntil(r.IntN)))
		})
	}
	return all
}

// revive starts workers that ended because the database was away when they began,
// as the service manager does.
func (f *fleetUnderTest) revive() {
	for i, w := range f.workers {
		if w.process.Process.Signal(syscall.Signal(0)) != nil || exited(w.process) {
			_ = w.process.Wait() // it says that it failed
			f.start(i)
		}
	}
}

// exited tells that a process is one that nobody waited for yet.
func exited(cmd *exec.Cmd) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/stat")
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// awaitAll waits until all mail is stored, judged and settled.
func (f *fleetUnderTest) awaitAll(mails int) {
	f.t.Helper()
	db, err := engine.Open(f.t.Context(), f.url, engine.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	deadline := time.Now().Add(2*time.Minute + time.Duration(mails)*100*time.Millisecond)
	for {
		f.revive()
		var stored, unsettled int
		err := db.Read.QueryRowContext(f.t.Context(), `SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM locators WHERE settled IS NULL AND disposition <> 'keep' AND state = 'stored')`).Scan(&stored, &unsettled)
		pending, failed := facts.Mailboxes{DB: db}.Pending(f.t.Context())
		if err = errors.Join(err, failed); err == nil && stored == mails && unsettled == 0 && pending.Arrivals == 0 {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%d of %d are stored, %d are not settled, %+v: %v", stored, mails, unsettled, pending, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// shown checks what is told of workers that are at work, and that who has another
// configuration decides nothing.
func (f *fleetUnderTest) shown() {
	f.t.Helper()
	file := f.workers[0].file
	// A worker that slept or was cut off is heard again with one of its next beats.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status := harvester(f.t, exitOK, "status", "--config", file)
		missing := slices.DeleteFunc(slices.Clone(f.workers), func(w *workerUnderTest) bool { return strings.Contains(status, w.name+" has ") })
		lead := strings.Count(status, ", and leads")
		if len(missing) == 0 && lead == 1 && !strings.Contains(status, "is heard no more since") {
			break
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%d of the workers are not shown, %d lead:\n%s", len(missing), lead, status)
		}
		f.revive()
	}
	harvester(f.t, exitTempFail, "once", "--config", file)
	harvester(f.t, exitOK, "config", "adopt", "--config", file)
	text, err := os.ReadFile(file)
	if err == nil {
		file = filepath.Join(filepath.Dir(file), "other.toml")
		err = os.WriteFile(file, []byte(strings.Replace(string(text), "\"example.com\"", "\"example.net\"", 1)), 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	harvester(f.t, exitConfig, "suppress", "add", "x@example.edu", "--reason", "test", "--config", file)
}

// stop ends the workers in order.
func (f *fleetUnderTest) stop() {
	for _, w := range f.workers {
		_ = w.process.Process.Signal(syscall.SIGTERM)
	}
	for _, w := range f.workers {
		if err := w.process.Wait(); err != nil {
			f.t.Errorf("%s: %v", w.name, err)
		}
	}
}

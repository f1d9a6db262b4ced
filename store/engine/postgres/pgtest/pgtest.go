// Package pgtest runs a PostgreSQL server in a temporary folder for tests, as
// root or as an ordinary user, 14 or later. It listens on a socket in that
// folder alone, and its collation is a language's, not that of bytes.
package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// RequireEnv set to "1" makes a missing PostgreSQL a failure instead of a skip.
	RequireEnv = "HARVESTER_REQUIRE_POSTGRES"

	// thoroughEnv set to "1" has all tests run on a server that can, as make engines does.
	thoroughEnv = "HARVESTER_ENGINES"

	// serverEnv tells the tests of OnServer where the server is.
	serverEnv = "HARVESTER_TEST_POSTGRES"
)

// Server is a running server.
type Server struct {
	Dir string // of the socket

	t       testing.TB
	bin     string
	as      *syscall.Credential // nil: as the tests
	process *exec.Cmd
}

// Start runs a server until the test ends. The test is skipped where PostgreSQL
// is not installed.
func Start(t testing.TB) *Server {
	t.Helper()
	bin := find()
	if bin == "" {
		const text = "PostgreSQL is not installed: apt-get install postgresql"
		if os.Getenv(RequireEnv) == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	// Sockets below it must stay short of 108 bytes: not t.TempDir.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, t: t, bin: bin}
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if os.Geteuid() == 0 { // the server refuses to be run by root
		if s.as, err = somebody(); err == nil {
			err = os.Chown(dir, int(s.as.Uid), int(s.as.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--pgdata", s.data(), "--username", "harvester", "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--no-instructions", "--locale", "C.UTF-8"}
	if out, err := s.command("initdb", "--help").Output(); err == nil && bytes.Contains(out, []byte("--icu-locale")) {
		args = append(args, "--locale-provider", "icu", "--icu-locale", "en-US")
	}
	if out, err := s.command("initdb", args...).CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Run()
	return s
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// Run starts the server, anew after Stop, and waits until it answers.
func (s *Server) Run() {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.Dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	// No test cuts the power.
	s.process = s.command("postgres", "-D", s.data(), "-k", s.Dir, "-h", "", "-F", "-c", "full_page_writes=off", "-c", "synchronous_commit=off",
		"-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "autovacuum=off")
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	for tries := 0; ; tries++ {
		c, err := pgconn.Connect(context.Background(), s.URL("postgres"))
		if err == nil {
			_ = c.Close(context.Background())
			return
		}
		if tries == 600 {
			text, _ := os.ReadFile(log.Name())
			s.t.Fatalf("PostgreSQL does not start: %v\n%s", err, text)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// CPU is what the server has used so far of processors, where the system tells
// (proc(5)); 0 elsewhere.
func (s *Server) CPU() (used time.Duration) {
	const perTick = 10 * time.Millisecond
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err != nil || parent != s.process.Process.Pid && filepath.Base(filepath.Dir(name)) != strconv.Itoa(s.process.Process.Pid) {
			continue
		}
		for _, f := range fields[11:15] { // its own, and of those that it waited for
			ticks, _ := strconv.Atoi(f) // they are numbers
			used += time.Duration(ticks) * perTick
		}
	}
	return used
}

// Stop ends the server at once, as a crash of its machine would.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(syscall.SIGQUIT)
	_ = s.process.Wait() // it reports the signal
	s.process = nil
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...) // it is stopped when the test has ended
	cmd.Dir, cmd.Env = s.Dir, append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return cmd
}

// URL names a database of the server.
func (s *Server) URL(database string) string { return url(s.Dir, database) }

func url(dir, database string) string {
	return "postgres://harvester@/" + database + "?host=" + dir
}

var databases atomic.Int64

// Database makes an empty database until the test ends, and returns its URL.
func (s *Server) Database(t testing.TB) string { return database(t, s.Dir) }

func database(t testing.TB, dir string) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	Exec(t, url(dir, "postgres"), "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { Exec(t, url(dir, "postgres"), "DROP DATABASE "+name+" WITH (FORCE)") })
	return url(dir, name)
}

// Exec runs a script on a database.
func Exec(t testing.TB, url, script string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgconn.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, script).ReadAll(); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// OnServer runs tests of this package once more, in a process in which At names
// databases of a server.
func OnServer(t *testing.T, run, skip string) {
	if os.Getenv(serverEnv) != "" {
		t.Skip("this is that process")
	}
	s := Start(t)
	args := []string{"-test.run", run, "-test.v"}
	if skip != "" {
		args = append(args, "-test.skip", skip)
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), serverEnv+"="+s.Dir)
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^--- PASS: `).FindAll(out, -1)
	if err != nil || len(passed) == 0 {
		t.Errorf("on PostgreSQL: %v\n%s", err, out)
	}
	t.Logf("%d tests passed on PostgreSQL", len(passed))
}

// places are the databases that stand for files, by their paths, and those
// that tests have done with: making one anew costs more than most tests.
var (
	places   = map[string]string{}
	spare    []string
	placesMu sync.Mutex
)

// Serving tells that this process tests on a server.
func Serving() bool { return os.Getenv(serverEnv) != "" }

// Thorough tells that all tests shall run on a server that can, however long
// they take.
func Thorough() bool { return os.Getenv(thoroughEnv) == "1" }

// At is where the database for a path is: the path, or in the process of
// OnServer an empty database that stands for it until the test ends.
func At(t testing.TB, path string) string {
	t.Helper()
	dir := os.Getenv(serverEnv)
	if dir == "" || strings.Contains(path, "://") {
		return path
	}
	placesMu.Lock()
	defer placesMu.Unlock()
	if places[path] != "" {
		return places[path]
	}
	if n := len(spare); n > 0 {
		places[path], spare = spare[n-1], spare[:n-1]
	} else {
		name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
		Exec(t, url(dir, "postgres"), "CREATE SCHEMA "+name)
		places[path] = url(dir, "postgres") + "&search_path=" + name
	}
	t.Cleanup(func() {
		placesMu.Lock()
		defer placesMu.Unlock()
		Exec(t, places[path], emptied)
		spare = append(spare, places[path])
		delete(places, path)
	})
	return places[path]
}

// emptied leaves the tables of the first schema as they were made.
const emptied = `SET session_replication_role = replica; DO $$ DECLARE t text; BEGIN
 FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'harvester_schema' LOOP
  EXECUTE format('DELETE FROM %I', t);
 END LOOP;
 PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = current_schema();
END $$`

// find is the folder of the newest server programs, "" for none.
func find() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is good
	if len(found) == 0 {
		return ""
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

// somebody is an ordinary user.
func somebody() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

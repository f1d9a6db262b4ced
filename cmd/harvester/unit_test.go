package main

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"harvester/harvest/imap/memserver"
)

// unit reads a file of dist.
func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("dist", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// setting is the values of a key of a unit, in order.
func setting(unit, key string) (values []string) {
	for line := range strings.Lines(unit) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, v)
		}
	}
	return values
}

func systemdAnalyze(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("HARVESTER_REQUIRE_SYSTEMD") != "" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	return path
}

// The units are right, and their manual pages exist.
func TestUnitsVerify(t *testing.T) {
	analyze := systemdAnalyze(t)
	dir, bin := t.TempDir(), commandPath(t)
	harvester(t, exitOK, "man", dir)
	var files []string
	for _, name := range []string{"harvester.service", "harvester-once.service", "harvester-once.timer", "harvester-failure@.service"} {
		text := strings.ReplaceAll(unit(t, name), "/usr/bin/harvester", bin)
		text = strings.ReplaceAll(text, "/usr/sbin/sendmail", "/bin/true") // any mailer's
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	args := append([]string{"verify"}, files...)
	if _, err := exec.LookPath("man"); err != nil {
		args = append([]string{"verify", "--man=no"}, files...)
	}
	cmd := exec.Command(analyze, args...)
	cmd.Env = append(os.Environ(), "MANPATH="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// commandPath is the program as TestMain put it into $PATH.
func commandPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("harvester")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnitsExposeLittle(t *testing.T) {
	analyze := systemdAnalyze(t)
	level := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)
	for _, name := range []string{"harvester.service", "harvester-once.service"} {
		out, err := exec.Command(analyze, "security", "--no-pager", "--offline=true", filepath.Join("dist", name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		m := level.FindSubmatch(out)
		if m == nil {
			t.Fatalf("%s: no level in\n%s", name, out)
		}
		if v, err := strconv.ParseFloat(string(m[1]), 64); err != nil || v > 1.1 {
			t.Errorf("%s: exposure %s, want 1.1 at most\n%s", name, m[1], out)
		}
	}
}

// The pass by timer is locked up as the daemon is.
func TestUnitsAgree(t *testing.T) {
	settings := func(name string) (lines []string) {
		_, text, _ := strings.Cut(unit(t, name), "\nUser=")
		text, _, _ = strings.Cut(text, "[Install]")
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	daemon, once := strings.Join(settings("harvester.service"), "\n"), strings.Join(settings("harvester-once.service"), "\n")
	if daemon != once || len(daemon) < 500 {
		t.Errorf("from User= on:\n%s\n\nbut\n\n%s", daemon, once)
	}
}

// manager stands for systemd: it starts a service as its unit says, without the
// lock-up, and hears its notifications.
type manager struct {
	t      *testing.T
	cmd    *exec.Cmd
	states chan string
	stderr bytes.Buffer
}

func startUnit(t *testing.T, config, credentials string) *manager {
	t.Helper()
	text := unit(t, "harvester.service")
	words := strings.Fields(setting(text, "ExecStart")[0])
	words[0] = commandPath(t)
	watchdog, err := time.ParseDuration(strings.Replace(setting(text, "WatchdogSec")[0], "min", "m", 1))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, states: make(chan string, 1000)}
	m.cmd = exec.Command(words[0], words[1:]...)
	m.cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8", "USER=harvester", "HOME=" + dir,
		"INVOCATION_ID=7c1a8f2f0d1e4a0fb6e3a4f1f1f0c0de", "NOTIFY_SOCKET=" + socket, "STATE_DIRECTORY=" + dir,
		"WATCHDOG_USEC=" + strconv.FormatInt(watchdog.Microseconds(), 10), "CREDENTIALS_DIRECTORY=" + credentials,
		"HARVESTER_CONFIG=" + config, // stands in for /etc/harvester, which a test leaves alone
	}
	m.cmd.Dir, m.cmd.Stderr = "/", &m.stderr
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				close(m.states)
				return
			}
			m.states <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		_ = m.cmd.Process.Kill() // it may have ended
		_ = conn.Close()
	})
	return m
}

// expect waits for a notification with all of these lines or parts.
func (m *manager) expect(parts ...string) string {
	m.t.Helper()
	limit := time.After(patience)
next:
	for {
		select {
		case state := <-m.states:
			for _, p := range parts {
				if !strings.Contains(state, p) {
					continue next
				}
			}
			return state
		case <-limit:
			m.t.Fatalf("no %q", parts)
		}
	}
}

// The program as the unit starts it: every notification, and both ends of a
// reload.
func TestServiceAsTheUnitStartsIt(t *testing.T) {
	server, err := memserver.Start("bounces", "right")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	dir, credentials := t.TempDir(), t.TempDir()
	config := filepath.Join(dir, "harvester.toml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := `own_domains = ["example.org"]
timezone = "UTC"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = "` + server.Addr + `"
tls = "none"
username = "bounces"
password = "credential:bounces"
`
	write(config, good)
	// LoadCredential=credentials:FOLDER names each file so (systemd.exec(5)).
	write(filepath.Join(credentials, "credentials_bounces"), "right\n")
	m := startUnit(t, config, credentials)
	m.expect("READY=1\n", "STATUS=1 mailbox")

	write(config, good+"nonsense = 1\n")
	check := exec.CommandContext(t.Context(), m.cmd.Path, strings.Fields(setting(unit(t, "harvester.service"), "ExecReload")[0])[1:]...)
	check.Env = m.cmd.Env
	if out, err := check.CombinedOutput(); err == nil || check.ProcessState.ExitCode() != exitConfig || !bytes.Contains(out, []byte(config+":11:1: ")) {
		t.Errorf("the check before a reload: %v\n%s", err, out)
	}
	m.signal(syscall.SIGHUP)
	m.expect("RELOADING=1\nMONOTONIC_USEC=")
	m.expect("READY=1\n", "not reloaded: "+config+":11:1: mailbox.nonsense: unknown key")

	write(config, good)
	m.signal(syscall.SIGHUP)
	m.expect("RELOADING=1\n")
	if state := m.expect("READY=1\n"); strings.Contains(state, "not reloaded") {
		t.Errorf("after a good reload: %q", state)
	}
	m.signal(syscall.SIGTERM)
	m.expect("STOPPING=1")
	if err := m.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, m.stderr.String())
	}
	first, _, _ := bufio.NewReader(&m.stderr).ReadLine()
	if !bytes.Contains(first, []byte(config)) {
		t.Errorf("the first line does not name the configuration: %s", first)
	}
}

func (m *manager) signal(s os.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// The user and the folders of the package are what systemd can make.
func TestUserAndFolders(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can own files for another user")
	}
	for _, tool := range []string{"systemd-sysusers", "systemd-tmpfiles"} {
		if _, err := exec.LookPath(tool); err != nil {
			systemdAnalyze(t)
			t.Skip(tool + " is not installed")
		}
	}
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"systemd-sysusers", "--root=" + root, "dist/sysusers.conf"}, {"systemd-tmpfiles", "--create", "--root=" + root, "dist/tmpfiles.conf"}} {
		abs, err := filepath.Abs(args[len(args)-1])
		if err != nil {
			t.Fatal(err)
		}
		args[len(args)-1] = abs
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	passwd, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !bytes.Contains(passwd, []byte("harvester:x:")) {
		t.Errorf("%v: %s", err, passwd)
	}
	for dir, mode := range map[string]os.FileMode{"/etc/harvester/credentials": 0o700, "/var/lib/harvester": 0o750, "/var/lib/harvester/export": 0o750} {
		info, err := os.Stat(root + dir)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
}

// Package mtatest runs mail servers for tests: on free ports of the loopback,
// out of folders of their own, and no longer than the test.
package mtatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Program finds a mail server's program, or skips the test. An environment
// variable can say where it is: Debian's Postfix and Exim exclude each other,
// so one of them is unpacked somewhere.
func Program(t *testing.T, variable string, names ...string) string {
	t.Helper()
	if p := os.Getenv(variable); p != "" {
		return p
	}
	for _, n := range names {
		for _, dir := range []string{"", "/usr/sbin/"} {
			if p, err := exec.LookPath(dir + n); err == nil {
				return p
			}
		}
	}
	if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
		t.Fatalf("HARVESTER_REQUIRE_MTA=1, but %s is not installed", names[0])
	}
	t.Skipf("%s is not installed: its reading of the exported table is not tested", names[0])
	return ""
}

// Scratch is a folder that a server that gives up root's rights can read;
// t.TempDir is private.
func Scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mta")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// FreePort is a TCP port of the loopback that nobody listens on.
func FreePort(t *testing.T) int {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// Background runs a server until the test ends and returns when it listens.
func Background(t *testing.T, cmd *exec.Cmd, address, log string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended: //nolint:errcheck // it was told to
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended //nolint:errcheck // as above
		}
		_ = out.Close()
	})
	said := func() string { b, _ := os.ReadFile(log); return string(b) }
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", cmd.Path, err, said())
		default:
		}
		if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("%s does not listen\n%s", cmd.Path, said())
}

// Postfix runs one whose smtpd asks check, the first of its restrictions of
// recipients, before it takes all mail of this machine. dir is a Scratch.
func Postfix(t *testing.T, dir, check string) (address string) {
	t.Helper()
	postfix := Program(t, "HARVESTER_POSTFIX", "postfix")
	const daemons = "/usr/lib/postfix/sbin"
	if os.Getuid() != 0 {
		t.Skip("only root can start Postfix")
	}
	if _, err := os.Stat(daemons); err != nil {
		t.Skipf("Postfix's servers are not in %s", daemons)
	}
	port := FreePort(t)
	address = fmt.Sprintf("127.0.0.1:%d", port)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "queue"), 0o755), os.Mkdir(filepath.Join(dir, "data"), 0o755), os.Chown(filepath.Join(dir, "data"), uid, -1)); err != nil {
		t.Fatal(err)
	}
	write("main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = %[3]s
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
default_transport = discard
smtpd_recipient_restrictions = %[2]s, permit_mynetworks, reject
smtpd_hard_error_limit = 1000
allow_min_user = yes
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
`, dir, check, daemons))
	write("master.cf", fmt.Sprintf(`127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
postlog unix-dgram n - n - 1 postlogd
`, port))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, postfix, "-c", dir, "check").CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "postfix.log"))
		t.Fatalf("postfix check: %v\n%s%s", err, out, log)
	}
	// -s: as when it was started by hand; -d: stay in the foreground.
	cmd := exec.CommandContext(context.Background(), filepath.Join(daemons, "master"), "-c", dir, "-d") // Background ends it in good order
	Background(t, cmd, address, filepath.Join(dir, "master.log"))
	return address
}

// Package imaptest runs a Dovecot in a temporary folder for tests, as root or
// as an ordinary user, 2.3 or 2.4.
package imaptest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// RequireEnv set to "1" makes a missing Dovecot a failure instead of a skip.
const RequireEnv = "HARVESTER_REQUIRE_DOVECOT"

// The one user that every server knows.
const (
	Username = "alice"
	Password = "secret"
)

// Options of a server. The zero value is a plain one.
type Options struct {
	Mechanisms string // auth_mechanisms; default "plain login"
	Passdb     string // configuration that stands before the password file
	Extra      string // configuration at the end
}

// Dovecot is a running server.
type Dovecot struct {
	IMAP, IMAPS, POP3, POP3S string // host:port
	CAFile                   string // trusts its certificate for localhost and 127.0.0.1

	t       testing.TB
	dir     string
	program string
	uid     int // owner of the mail
	gid     int

	mu        sync.Mutex
	delivered int
	process   *exec.Cmd
}

// Start runs a server until the test ends. The test is skipped where Dovecot
// is not installed.
func Start(t testing.TB, o Options) *Dovecot {
	t.Helper()
	program := find()
	if program == "" {
		const text = "Dovecot is not installed: apt-get install dovecot-imapd dovecot-pop3d"
		if os.Getenv(RequireEnv) == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	// Sockets below it must stay short of 108 bytes: not t.TempDir.
	dir, err := os.MkdirTemp("", "dv")
	if err != nil {
		t.Fatal(err)
	}
	d := &Dovecot{t: t, dir: dir, program: program, CAFile: filepath.Join(dir, "cert.pem")}
	t.Cleanup(func() {
		d.Stop()
		if t.Failed() {
			t.Log("Dovecot's log:\n" + tail(d.Log(), 4000))
		}
		os.RemoveAll(dir)
	})
	ports := freePorts(t, 4)
	d.IMAP, d.IMAPS, d.POP3, d.POP3S = ports[0], ports[1], ports[2], ports[3]
	d.must(os.Chmod(dir, 0o755))
	d.certificate()
	d.configure(o)
	d.Restart()
	return d
}

func find() string {
	if path, err := exec.LookPath("dovecot"); err == nil {
		return path
	}
	const usual = "/usr/sbin/dovecot" // often not in an ordinary user's PATH
	if _, err := os.Stat(usual); err == nil {
		return usual
	}
	return ""
}

func (d *Dovecot) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func freePorts(t testing.TB, n int) []string {
	t.Helper()
	var ports []string
	for range n {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().String())
	}
	return ports
}

func (d *Dovecot) certificate() {
	d.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	d.must(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	d.must(err)
	d.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	d.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func (d *Dovecot) write(name, content string) {
	d.t.Helper()
	d.must(os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o644))
}

func (d *Dovecot) configure(o Options) {
	d.t.Helper()
	login, internal, group, mailUser, mailGroup := "dovenull", "dovecot", "dovecot", "nobody", "nogroup"
	if os.Getuid() != 0 {
		me, err := user.Current()
		d.must(err)
		mine, err := user.LookupGroupId(me.Gid)
		d.must(err)
		login, internal, group, mailUser, mailGroup = me.Username, me.Username, mine.Name, me.Username, mine.Name
	}
	owner, err := user.Lookup(mailUser)
	d.must(err)
	owners, err := user.LookupGroup(mailGroup)
	d.must(err)
	d.uid, _ = strconv.Atoi(owner.Uid)
	d.gid, _ = strconv.Atoi(owners.Gid)
	for _, sub := range []string{"run", "state", "mail/" + Username} {
		d.must(os.MkdirAll(filepath.Join(d.dir, sub), 0o755))
	}
	d.must(os.Chown(filepath.Join(d.dir, "mail"), d.uid, d.gid))
	d.must(os.Chown(filepath.Join(d.dir, "mail", Username), d.uid, d.gid))
	d.write("users", Username+":{PLAIN}"+Password+"::::::\n")

	if o.Mechanisms == "" {
		o.Mechanisms = "plain login"
	}
	dialect, head := dialect23, ""
	if version := d.version(); strings.HasPrefix(version, "2.4") {
		dialect = dialect24
		head = "dovecot_config_version = " + version + "\ndovecot_storage_version = " + version + "\n"
	}
	text := head + strings.NewReplacer(
		"LOGINUSER", login, "INTUSER", internal, "INTGROUP", group, "MAILUSER", mailUser, "MAILGROUP", mailGroup,
		"MECHANISMS", o.Mechanisms, "PASSDB", o.Passdb, "DIR", d.dir,
		"PORT_IMAPS", port(d.IMAPS), "PORT_IMAP", port(d.IMAP), "PORT_POP3S", port(d.POP3S), "PORT_POP3", port(d.POP3),
	).Replace(common+dialect) + o.Extra + "\n"
	d.write("dovecot.conf", text)
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

func (d *Dovecot) version() string {
	d.t.Helper()
	out, err := exec.CommandContext(d.t.Context(), d.program, "--version").Output()
	d.must(err)
	version, _, _ := strings.Cut(string(out), " ")
	version, _, _ = strings.Cut(version, "-")
	return strings.TrimSpace(version)
}

// Restart starts the server, after a Stop on the same ports, and waits until
// it greets.
func (d *Dovecot) Restart() {
	d.t.Helper()
	log, err := os.OpenFile(filepath.Join(d.dir, "stderr.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	d.must(err)
	defer log.Close()
	process := exec.CommandContext(context.Background(), d.program, "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	process.Stderr = log // a file: Wait would wait for every child that has a pipe
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	d.must(process.Start())
	d.mu.Lock()
	d.process = process
	d.mu.Unlock()
	deadline := time.Now().Add(15 * time.Second)
	for !greets(d.IMAP) {
		if time.Now().After(deadline) {
			d.t.Fatalf("Dovecot doesn't greet:\n%s", tail(d.Log(), 4000))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func greets(addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.HasPrefix(line, "* OK")
}

// Stop kills the server and the processes that serve its clients.
func (d *Dovecot) Stop() {
	d.mu.Lock()
	process := d.process
	d.process = nil
	d.mu.Unlock()
	if process == nil {
		return
	}
	_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) // the group that Restart made
	_ = process.Wait()                                      // it was killed
}

// Log is what the server logged.
func (d *Dovecot) Log() string {
	var all []byte
	for _, name := range []string{"stderr.log", "dovecot.log"} {
		b, _ := os.ReadFile(filepath.Join(d.dir, name))
		all = append(all, b...)
	}
	return string(all)
}

// Doveadm runs an administrator's command and returns what it printed.
func (d *Dovecot) Doveadm(args ...string) string {
	d.t.Helper()
	program := filepath.Join(filepath.Dir(d.program), "..", "bin", "doveadm")
	out, err := exec.CommandContext(d.t.Context(), program, append([]string{"-c", filepath.Join(d.dir, "dovecot.conf")}, args...)...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("doveadm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Maildir is the path of a folder.
func (d *Dovecot) Maildir(folder string) string {
	path := filepath.Join(d.dir, "mail", Username, "Maildir")
	if folder != "INBOX" {
		path = filepath.Join(path, "."+strings.ReplaceAll(folder, "/", "."))
	}
	return path
}

// Deliver puts messages into a folder, in order, as a delivery agent would.
func (d *Dovecot) Deliver(folder string, messages ...[]byte) {
	d.t.Helper()
	dir := d.Maildir(folder)
	for _, sub := range []string{"", "tmp", "new", "cur"} {
		d.must(os.MkdirAll(filepath.Join(dir, sub), 0o700))
		d.must(os.Chown(filepath.Join(dir, sub), d.uid, d.gid))
	}
	if folder != "INBOX" {
		d.must(os.WriteFile(filepath.Join(dir, "maildirfolder"), nil, 0o600))
		d.must(os.Chown(filepath.Join(dir, "maildirfolder"), d.uid, d.gid))
		d.must(os.Chown(d.Maildir("INBOX"), d.uid, d.gid))
	}
	for _, raw := range messages {
		d.mu.Lock()
		d.delivered++
		name := fmt.Sprintf("%d.M%06dP1.test", 1_790_000_000+d.delivered, d.delivered)
		d.mu.Unlock()
		draft := filepath.Join(dir, "tmp", name)
		d.must(os.WriteFile(draft, raw, 0o600))
		d.must(os.Chown(draft, d.uid, d.gid))
		d.must(os.Rename(draft, filepath.Join(dir, "new", name)))
	}
}

// Restore puts a copy of a folder's directory in its place. The server must be
// stopped.
func (d *Dovecot) Restore(folder, backup string) {
	d.t.Helper()
	dir := d.Maildir(folder)
	d.must(os.RemoveAll(dir))
	d.must(os.CopyFS(dir, os.DirFS(backup)))
	d.must(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, d.uid, d.gid)
	}))
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

package imaptest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Setup is a kind of server with a layout of its own.
type Setup struct {
	Name  string
	Start func(t testing.TB) *Server
}

// Setups are all servers that tests know how to start.
func Setups() []Setup {
	var all []Setup
	for _, layout := range []string{"maildir:~/Maildir", "mdbox:~/mdbox", "mbox:~/mail"} {
		name, _, _ := strings.Cut(layout, ":")
		all = append(all, Setup{"Dovecot " + name, func(t testing.TB) *Server { return dovecotAs(t, layout, "") }})
	}
	return append(all,
		Setup{"Dovecot INBOX. prefix", func(t testing.TB) *Server {
			return dovecotAs(t, "maildir:~/Maildir", "namespace inbox {\n  prefix = INBOX.\n  separator = .\n}\n")
		}},
		Setup{"Cyrus", cyrus}, Setup{"Courier", courier}, Setup{"mailutils imap4d", imap4d}, Setup{"mailutils pop3d", pop3d},
		Setup{"popa3d", popa3d}, Setup{"solid-pop3d", solidPOP3})
}

func dovecotAs(t testing.TB, location, extra string) *Server {
	d := Start(t, Options{Extra: "mail_location = " + location + "\n" + extra})
	s := &Server{Name: "Dovecot", Version: d.version(), IMAP: d.IMAP, POP3: d.POP3, Username: Username, Target: "Done"}
	s.Deliver = func(messages ...[]byte) { appendTo(t, d.IMAP, "INBOX", messages...) } // into any layout
	if extra != "" {
		s.Target, s.Wrong = "INBOX.Done", "Done"
	}
	return s
}

// dialog is a signed-in connection of the test.
type dialog struct {
	net.Conn
	t     testing.TB
	lines *bufio.Reader
}

func dialled(t testing.TB, addr, user string) *dialog {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialog{conn, t, bufio.NewReader(conn)}
	d.answer("* ")
	d.command("LOGIN " + user + " " + Password)
	return d
}

// answer reads on to a line that begins so, and returns the untagged ones before.
func (d *dialog) answer(want string) (untagged string) {
	d.t.Helper()
	for {
		line, err := d.lines.ReadString('\n')
		if err != nil {
			d.t.Fatal(err)
		}
		if strings.HasPrefix(line, want) {
			return untagged
		}
		if !strings.HasPrefix(line, "* ") {
			d.t.Fatalf("%q, want %q", line, want)
		}
		untagged += line
	}
}

func (d *dialog) command(text string) (untagged string) {
	d.t.Helper()
	fmt.Fprintf(d, "a %s\r\n", text)
	return d.answer("a OK")
}

// appendTo puts messages into a folder by IMAP.
func appendTo(t testing.TB, addr, folder string, messages ...[]byte) {
	t.Helper()
	d := dialled(t, addr, Username)
	defer d.Close()
	for _, raw := range messages {
		raw = []byte(strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n", "\r\n"))
		fmt.Fprintf(d, "b APPEND %s {%d}\r\n", folder, len(raw))
		d.answer("+ ")
		_, _ = d.Write(append(raw, "\r\n"...)) // a failure shows in the answer
		d.answer("b OK")
	}
	d.command("LOGOUT")
}

const cyrusAdmin = "cyrus"

// cyrus runs Cyrus with all its files in a temporary folder.
func cyrus(t testing.TB) *Server {
	root, dir, ports := unpacked(t), home(t), freePorts(t, 2)
	for _, sub := range []string{"conf", "spool", "conf/proc", "conf/socket", "conf/lock"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil { //nolint:gosec // another user's
			t.Fatal(err)
		}
	}
	bin := filepath.Join(root, "usr/lib/cyrus/bin")
	conf := mustWrite(t, filepath.Join(dir, "imapd.conf"), strings.ReplaceAll(`configdirectory: DIR/conf
partition-default: DIR/spool
defaultpartition: default
cyrus_user: nobody
cyrus_group: nogroup
mboxname_lockpath: DIR/conf/lock
proc_path: DIR/conf/proc
admins: cyrus
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: DIR/sasldb
sasl_mech_list: PLAIN
allowplaintext: yes
autocreate_quota: 0
autocreate_post: yes
autocreate_users: anyone
altnamespace: no
unixhierarchysep: no
idlesocket: DIR/conf/socket/idle
lmtpsocket: DIR/conf/socket/lmtp
notifysocket: DIR/conf/socket/notify
popminpoll: 0
servername: localhost
defaultdomain: localhost
virtdomains: off
tls_session_timeout: 0
`, "DIR", dir), 0o644)
	services := mustWrite(t, filepath.Join(dir, "cyrus.conf"), fmt.Sprintf(`START {
  recover cmd="%[1]s/ctl_cyrusdb -C %[2]s -r"
}
SERVICES {
  imap cmd="%[1]s/imapd -C %[2]s" listen="127.0.0.1:%[3]s" prefork=0
  pop3 cmd="%[1]s/pop3d -C %[2]s" listen="127.0.0.1:%[4]s" prefork=0
}
EVENTS {
}
`, bin, conf, port(ports[0]), port(ports[1])), 0o644)
	env := libraries(t, root)
	for _, user := range []string{Username, cyrusAdmin} {
		password := exec.CommandContext(t.Context(), filepath.Join(root, "usr/sbin/saslpasswd2"), "-p", "-c", "-f", filepath.Join(dir, "sasldb"), "-u", "localhost", user)
		password.Env, password.Stdin = env, strings.NewReader(Password)
		if out, err := password.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "chown", "-R", "nobody:nogroup", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	master := exec.CommandContext(context.Background(), filepath.Join(root, "usr/sbin/cyrmaster"), "-D", "-C", conf, "-M", services, "-p", filepath.Join(dir, "pid"))
	master.Env, master.Stdout, master.Stderr = env, log, log
	master.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := master.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-master.Process.Pid, syscall.SIGKILL) // the group made above
		_ = master.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Cyrus: %s", text)
		}
	})
	until(t, "Cyrus", func() bool { return greets(ports[0]) })
	return &Server{
		Name: "Cyrus", Version: version(t, root, "cyrus-imapd"), IMAP: ports[0], POP3: ports[1], Username: Username, Target: "INBOX.Done", Wrong: "Done",
		Deliver: func(messages ...[]byte) { appendTo(t, ports[0], "INBOX", messages...) },
	}
}

// courier runs Courier's programs as its login program would, who is signed in
// already: that one's paths are built in.
func courier(t testing.TB) *Server {
	root, dir := unpacked(t), home(t)
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "Maildir", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(program string) func(context.Context) *exec.Cmd {
		env := libraries(t, root, "AUTHENTICATED="+Username, "AUTHADDR="+Username, "MAILDIR=Maildir", "HOME="+dir, "IMAP_USELOCKS=0",
			"IMAP_CAPABILITY=IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=REFERENCES SORT QUOTA IDLE ACL")
		return func(ctx context.Context) *exec.Cmd {
			c := exec.CommandContext(ctx, filepath.Join(root, program), "Maildir")
			c.Dir, c.Env = dir, env
			return c
		}
	}
	s := &Server{Name: "Courier", Version: version(t, root, "courier-imap"), Username: Username, Target: "INBOX.Done", Wrong: "Done"}
	// What it says of a daemon that is missing here stands before its greeting.
	s.IMAP = inetdWith(t, run("usr/bin/imapd"), func(net.Conn) bool { return true }, "* PREAUTH")
	s.POP3 = inetdWith(t, run("usr/lib/courier/courier/courierpop3d"), popLogin, "+OK")
	delivered := 0
	s.Deliver = func(messages ...[]byte) {
		for _, raw := range messages {
			delivered++
			name := fmt.Sprintf("%d.M%06dP1.test", 1_790_000_000+delivered, delivered)
			mustWrite(t, filepath.Join(dir, "Maildir/tmp", name), string(raw), 0o600)
			if err := os.Rename(filepath.Join(dir, "Maildir/tmp", name), filepath.Join(dir, "Maildir/new", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// popLogin lets anybody in, as far as the answer to PASS.
func popLogin(conn net.Conn) bool {
	fmt.Fprint(conn, "+OK Hello there.\r\n")
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := conn.Read(one); err != nil {
			return false
		}
		if line = append(line, one...); one[0] != '\n' {
			continue
		}
		switch word := strings.ToUpper(string(line[:min(4, len(line))])); word {
		case "PASS":
			return true
		case "USER":
			fmt.Fprint(conn, "+OK Password required.\r\n")
		default:
			fmt.Fprint(conn, "-ERR Invalid command.\r\n")
		}
		line = nil
	}
}

// nobody is who mail belongs to where a server wants a user of the system.
const nobody = 65534

// spool makes an mbox file in a folder of its own.
func spool(t testing.TB, dir, user string) (deliver func(messages ...[]byte)) {
	t.Helper()
	box := filepath.Join(dir, "spool", user)
	if err := os.Mkdir(filepath.Dir(box), 0o777); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, box, "", 0o600)
	for _, path := range []string{dir, filepath.Dir(box), box} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return func(messages ...[]byte) {
		file, err := os.OpenFile(box, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, raw := range messages {
			if _, err := file.WriteString(mboxed(raw)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// imap4d runs that of GNU mailutils as the user nobody, signed in already.
func imap4d(t testing.TB) *Server {
	root, dir := unpacked(t), home(t)
	s := &Server{Name: "mailutils imap4d", Version: version(t, root, "mailutils-imap4d"), Username: "nobody", Target: "Done"}
	s.Deliver = spool(t, dir, "nobody")
	conf := mustWrite(t, filepath.Join(dir, "conf"), fmt.Sprintf("mode inetd;\npreauth stdio;\nmailbox {\n  mail-spool \"%[1]s/spool\";\n}\n"+
		"namespace personal {\n  prefix \"\" {\n    directory \"%[1]s/home\";\n    delimiter \"/\";\n  };\n}\n", dir), 0o644)
	if err := os.MkdirAll(filepath.Join(dir, "home"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "home"), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	env := libraries(t, root, "HOME="+filepath.Join(dir, "home"))
	s.IMAP = inetd(t, func(ctx context.Context) *exec.Cmd {
		c := exec.CommandContext(ctx, filepath.Join(root, "usr/sbin/imap4d"), "--config-file="+conf)
		c.Dir, c.Env = filepath.Join(dir, "home"), env
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return c
	})
	return s
}

// withUser is a command that runs a program on a machine whose one user is the
// test's, and whose mail lies in dir/spool.
func withUser(t testing.TB, dir string, program ...string) func(ctx context.Context) *exec.Cmd {
	t.Helper()
	root := unpacked(t)
	hash, err := exec.CommandContext(t.Context(), "openssl", "passwd", "-6", Password).Output()
	if err != nil {
		t.Fatal(err)
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"popa3d", "spop3d"} {
		passwd = fmt.Appendf(passwd, "%s:x:64990:%d::/nonexistent:/bin/false\n", user, nobody)
	}
	passwd = fmt.Appendf(passwd, "%s:x:%d:%d::%s:/bin/sh\n", Username, nobody, nobody, dir)
	mustWrite(t, filepath.Join(dir, "passwd"), string(passwd), 0o644)
	mustWrite(t, filepath.Join(dir, "shadow"), fmt.Sprintf("%s:%s:19000:0:99999:7:::\n", Username, strings.TrimSpace(string(hash))), 0o600)
	script := mustWrite(t, filepath.Join(dir, "run"), fmt.Sprintf(`mount --make-rprivate / && mount --bind %[1]s/passwd /etc/passwd && mount --bind %[1]s/shadow /etc/shadow &&
mount --bind %[1]s/spool /var/mail && mount -t tmpfs tmpfs /var/lib && mkdir -p /var/lib/popa3d /var/lib/solid-pop3d/bulletins && exec "$@"
`, dir), 0o755)
	env := libraries(t, root)
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", script, "true").CombinedOutput(); err != nil {
		t.Skipf("this machine allows no mounts of one's own: %s", out)
	}
	return func(ctx context.Context) *exec.Cmd {
		c := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "sh", script}, program...)...)
		c.Dir, c.Env = dir, env
		log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			c.Stderr = log
		}
		return c
	}
}

func popDaemon(t testing.TB, name, pkg, path string, args ...string) *Server {
	root, dir := unpacked(t), home(t)
	s := &Server{Name: name, Version: version(t, root, pkg), Username: Username}
	s.Deliver = spool(t, dir, Username)
	s.POP3 = inetd(t, withUser(t, dir, append([]string{filepath.Join(root, path)}, args...)...))
	return s
}

func popa3d(t testing.TB) *Server { return popDaemon(t, "popa3d", "popa3d", "usr/sbin/popa3d") }

func solidPOP3(t testing.TB) *Server {
	return popDaemon(t, "solid-pop3d", "solid-pop3d", "usr/sbin/solid-pop3d")
}

// pop3d is that of GNU mailutils.
func pop3d(t testing.TB) *Server {
	dir := home(t)
	conf := mustWrite(t, filepath.Join(dir, "conf"), "mode inetd;\nauth {\n  authentication generic:system;\n  authorization system;\n}\nmailbox {\n  mail-spool \"/var/mail\";\n}\n", 0o644)
	return popDaemon(t, "mailutils pop3d", "mailutils-pop3d", "usr/sbin/pop3d", "--config-file="+conf)
}

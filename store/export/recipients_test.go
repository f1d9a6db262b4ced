package export

import (
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/store/export/mtatest"
)

// unpacked is where a program of a package lies that was unpacked, or installed
// by npm, into the folder that a variable names; it skips the test without.
func unpacked(t *testing.T, variable, path string) string {
	t.Helper()
	root := os.Getenv(variable)
	if root == "" {
		if os.Getenv("HARVESTER_REQUIRE_MTA") == "1" {
			t.Fatalf("HARVESTER_REQUIRE_MTA=1, but %s is not set", variable)
		}
		t.Skipf("%s names no folder: its reading of the exported table is not tested", variable)
	}
	p := filepath.Join(root, path)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return p
}

// asRoot skips a test that needs a namespace of its own.
func asRoot(t *testing.T, program string) {
	t.Helper()
	if u, err := user.Current(); err != nil || u.Uid != "0" {
		t.Skipf("only root can run %s apart from this machine", program)
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skipf("%s can't be run apart from this machine: %v", program, err)
	}
}

// wordy is an SMTP session with no ideas of its own about addresses.
type wordy struct {
	t *testing.T
	*textproto.Conn
}

func (w wordy) say(format string, args ...any) (code int, said string) {
	w.t.Helper()
	if err := w.PrintfLine(format, args...); err != nil {
		w.t.Fatal(err)
	}
	code, said, err := w.ReadResponse(0)
	if err != nil {
		w.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	return code, said
}

// refuses asks a program by SMTP for every address of a written file, which it
// has to refuse, and for some that it has to take.
func refuses(t *testing.T, conn io.ReadWriteCloser, to Target, params string, taken ...string) (greeting string) {
	t.Helper()
	w := wordy{t, textproto.NewConn(conn)}
	defer w.Close()
	_, greeting, err := w.ReadResponse(220)
	if err != nil {
		t.Fatal(greeting, err)
	}
	if code, said := w.say("EHLO client.example.org"); code != 250 {
		t.Fatal(said)
	}
	if code, said := w.say("MAIL FROM:<news@example.org>%s", params); code != 250 {
		t.Fatal(said)
	}
	listed := append(rows(t, to), "JANE.DOE@EXAMPLE.COM")
	if len(listed) < 12 {
		t.Errorf("only %d addresses were asked for", len(listed))
	}
	for _, a := range listed {
		if code, said := w.say("RCPT TO:<%s>", a); code != 550 && (len(dotAtoms([]string{a})) > 0 || code/100 != 5) && !strings.Contains(said, "too long") {
			t.Errorf("%s: %d %s, want 550", a, code, said)
		}
	}
	for _, a := range append([]string{"nobody@example.com", "doe@example.com", "user@example.org"}, taken...) {
		if code, said := w.say("RCPT TO:<%s>", a); code != 250 {
			t.Errorf("%s, which is not on the list: %d %s", a, code, said)
		}
	}
	_, _ = w.say("QUIT")
	return greeting
}

// dial connects to a server of the loopback.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pipes are both ends of a program that speaks SMTP on its standard input.
type pipes struct {
	io.Reader
	io.WriteCloser
}

// file writes a text for a program that may have given up root's rights.
func file(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sendmail, with the lines of the manual, refuses every address that was
// written and no other.
func TestSendmailRefusesEveryRow(t *testing.T) {
	sendmail := unpacked(t, "HARVESTER_SENDMAIL", "usr/libexec/sendmail/sendmail")
	cf := unpacked(t, "HARVESTER_SENDMAIL", "usr/share/sendmail/cf")
	makemap := unpacked(t, "HARVESTER_SENDMAIL", "usr/libexec/sendmail/makemap")
	asRoot(t, "sendmail")
	m4 := mtatest.Program(t, "HARVESTER_M4", "m4")
	dir := mtatest.Scratch(t)
	to := target(t, "sendmail", dir)
	mustWrite(t, nasty(), to)
	conf := filepath.Join(dir, "sendmail.cf")
	lines := strings.ReplaceAll(manual(t, "In `sendmail.mc`:"), "/etc/mail/access", filepath.Join(dir, "access"))
	mc := "divert(-1)\ninclude(`" + cf + "/m4/cf.m4')\nOSTYPE(`linux')dnl\nDOMAIN(`generic')dnl\ndefine(`confCW_FILE', `-o /dev/null')dnl\n" +
		"define(`ALIAS_FILE', `" + dir + "/aliases')dnl\ndefine(`confDOMAIN_NAME', `mail.example.org')dnl\nFEATURE(`nocanonify')dnl\n" +
		"define(`confDONT_BLAME_SENDMAIL', `MapInUnsafeDirPath')dnl\n" + // /tmp is everybody's
		"FEATURE(`accept_unresolvable_domains')dnl\nFEATURE(`promiscuous_relay')dnl\n" + lines + "MAILER(`smtp')dnl\n"
	file(t, filepath.Join(dir, "aliases"), "")
	file(t, conf, runWith(t, mc, m4, "-D_CF_DIR_="+cf+"/", "-"))
	make := strings.NewReplacer("makemap", makemap, "/etc/mail/sendmail.cf", conf, "/etc/mail/access", filepath.Join(dir, "access"),
		"/var/lib/harvester/export/sendmail-access", to.Path).Replace(manual(t, "Its text becomes a map by"))
	cmd := exec.Command("sh", "-ec", make)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", make, err, out)
	}
	// QUIRK: sendmail 8.17 waits a minute where the host's name has no dot.
	cmd = exec.Command("unshare", "--uts", "sh", "-c", `hostname mail.example.org && exec "$0" -bs -C "$1" -O QueueDirectory="$2"`, sendmail, conf, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	greeting := refuses(t, pipes{out, in}, to, "", "user+other@example.org")
	_, version, _ := strings.Cut(greeting, "Sendmail ")
	version, _, _ = strings.Cut(version, "/")
	renew(t, "sendmail", "sendmail", version)
}

// OpenSMTPD refuses every address that was written, and no other.
func TestOpenSMTPDRefusesEveryRow(t *testing.T) {
	smtpd := unpacked(t, "HARVESTER_OPENSMTPD", "usr/sbin/smtpd")
	asRoot(t, "OpenSMTPD")
	dir := mtatest.Scratch(t)
	to := target(t, "opensmtpd", dir)
	mustWrite(t, nasty(), to)
	if err := os.Chmod(to.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	port := mtatest.FreePort(t)
	lines := strings.ReplaceAll(manual(t, "In `smtpd.conf`, before other rules:"), "/var/lib/harvester/export/opensmtpd", to.Path)
	file(t, filepath.Join(dir, "smtpd.conf"), fmt.Sprintf("listen on 127.0.0.1 port %d hostname mail.example.org\naction \"out\" relay\n%smatch from any for any action \"out\"\n", port, lines))
	// It insists on users of its own and on folders of the system: both are there
	// for this process alone.
	const apart = `set -e
cp /etc/passwd "$1/passwd"; cp /etc/group "$1/group"
echo 'opensmtpd:x:64001:64001::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:64002:64002::/var/lib/opensmtpd/empty:/bin/false' >> "$1/passwd"
printf 'opensmtpd:x:64001:\nopensmtpq:x:64002:\n' >> "$1/group"
mount --bind "$1/passwd" /etc/passwd; mount --bind "$1/group" /etc/group
for d in /var/spool /var/lib /var/run; do mount -t tmpfs -o mode=755 none $d; done
mkdir -m 711 /var/spool/smtpd; mkdir -p /var/lib/opensmtpd/empty
exec "$0" -d -f "$1/smtpd.conf"`
	address := fmt.Sprintf("127.0.0.1:%d", port)
	mtatest.Background(t, exec.Command("unshare", "--mount", "sh", "-c", apart, smtpd, dir), address, filepath.Join(dir, "log"))
	refuses(t, dial(t, address), to, "", "user+other@example.org")
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(log), "OpenSMTPD ")
	version, _, _ = strings.Cut(version, " ")
	renew(t, "opensmtpd", "OpenSMTPD", version)
}

// Haraka refuses every address that was written, and no other.
func TestHarakaRefusesEveryRow(t *testing.T) {
	haraka := unpacked(t, "HARVESTER_HARAKA", "node_modules/Haraka/bin/haraka")
	unpacked(t, "HARVESTER_HARAKA", "node_modules/haraka-plugin-access")
	node := mtatest.Program(t, "HARVESTER_NODEJS", "node")
	dir := mtatest.Scratch(t)
	to := target(t, "haraka", dir)
	to.Path = filepath.Join(dir, "config", "rcpt_to.access.blacklist")
	port := mtatest.FreePort(t)
	connection, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(haraka)), "config", "connection.ini"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"config/me": "mail.example.org\n", "config/smtp.ini": fmt.Sprintf("listen=127.0.0.1:%d\nnodes=0\n", port),
		"config/plugins": "access\nothers\n", "config/access.ini": manual(t, "`config/access.ini`:"), "config/log.ini": "[main]\nlevel=info\n",
		"config/connection.ini": string(connection),
		"plugins/others.js":     "exports.hook_rcpt = (next) => next(OK)\n",
	} {
		file(t, filepath.Join(dir, name), text)
	}
	mustWrite(t, nasty(), to)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := exec.Command(node, haraka, "-c", dir)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Dir(filepath.Dir(filepath.Dir(haraka))))
	mtatest.Background(t, cmd, address, filepath.Join(dir, "log"))
	refuses(t, dial(t, address), to, " SMTPUTF8", "jane.doe+tag@example.com", "user+other@example.org")
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(log), "Haraka version ")
	version, _, _ = strings.Cut(version, "\n")
	renew(t, "haraka", "Haraka", strings.TrimSpace(version))
}

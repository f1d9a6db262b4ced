package parse

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/miekg/dns"

	"harvester/parse/bounce"
)

// What real programs say when mail fails, read by Parse. `make notices` unpacks
// the programs into a folder and runs this test in a network of its own, where
// a scripted receiver answers for every domain and keeps what comes back.

// replies of the receiver, by the local part of the recipient. Others are accepted.
var replies = map[string]string{
	"nouser": "550 5.1.1 <%s>: no mailbox here by that name\r\n",
	"plain":  "550 No such user here\r\n",
	"full":   "552 5.2.2 The mailbox is full\r\n",
	"spf":    "550-5.7.23 Your mail was refused, since\r\n550-5.7.23 the SPF record of example.org\r\n550 5.7.23 does not allow this host to send it: SPF check failed\r\n",
}

type outcome struct {
	to      []string            // whom one mail goes to
	reasons map[string][]Reason // of whom a notice must come, and what it may be read as
	never   map[string]bool     // must not be made dead
	behind  bool                // the failures are of addresses behind
	mute    bool                // the notice says nothing of the failure: it is left to a person
}

var outcomes = []outcome{
	{to: []string{"nouser@remote.example"}, reasons: map[string][]Reason{"nouser@remote.example": {bounce.UserUnknown}}},
	{to: []string{"plain@remote.example"}, reasons: map[string][]Reason{"plain@remote.example": {bounce.UserUnknown}}},
	{to: []string{"full@remote.example"}, reasons: map[string][]Reason{"full@remote.example": {bounce.MailboxFull}}},
	{to: []string{"spf@remote.example"}, reasons: map[string][]Reason{"spf@remote.example": {bounce.AuthSPF}}},
	{to: []string{"nouser@remote.example", "full@remote.example"}, reasons: map[string][]Reason{"nouser@remote.example": {bounce.UserUnknown}}, never: map[string]bool{"full@remote.example": true}},
	{to: []string{"alive@remote.example", "nouser@remote.example"}, reasons: map[string][]Reason{"nouser@remote.example": {bounce.UserUnknown}}, never: map[string]bool{"alive@remote.example": true}},
	{to: []string{"team@club.example"}, reasons: map[string][]Reason{"team@club.example": {bounce.UserUnknown}}, behind: true},
}

// program is one that can be run from an unpacked package.
type program struct {
	name    string
	binary  string            // in the root; without it the program is passed over
	files   map[string]string // configuration, by path in the root
	folders map[string]int    // to be made, with the user that owns them
	daemon  []string          // to be started first
	submit  func(t *testing.T, root string, to []string, mail string)
	aliases bool
	mute    bool                            // of one refused beside one accepted it says nothing but the address
	prepare func(t *testing.T, root string) // what files alone don't do
}

func mailTo(to []string) string {
	return "From: Example Shop <shop@example.org>\nTo: " + strings.Join(to, ", ") + "\nSubject: Your order\nMessage-ID: <order@example.org>\nDate: Mon, 09 Nov 2026 07:02:39 +0000\n\nHello\n"
}

// piped submits a mail on the standard input of a command.
func piped(form func(to []string, mail string) (stdin string, args []string)) func(*testing.T, string, []string, string) {
	return func(t *testing.T, root string, to []string, mail string) {
		stdin, args := form(to, mail)
		cmd := inRoot(root, args)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil && len(out) > 0 {
			t.Logf("%s: %v\n%s", args, err, out) // some tell a refusal by their exit status
		}
	}
}

func inRoot(root string, args []string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LD_LIBRARY_PATH=/usr/lib/postfix:/lib"}
	return cmd
}

const (
	mailUser    = 8
	eximUser    = 101
	postfixUser = 104
)

var programs = []program{
	{
		name: "exim", binary: "usr/sbin/exim4", aliases: true,
		files: map[string]string{"etc/exim4/exim4.conf": "primary_hostname = relay.example.net\nspool_directory = /var/spool/exim4\nlog_file_path = /var/log/exim4/%slog\nkeep_environment =\ntls_advertise_hosts =\n" +
			"begin routers\nlist:\n driver = redirect\n domains = club.example\n data = nouser@remote.example, plain@remote.example\nmx:\n driver = dnslookup\n domains = !club.example\n transport = smtp\n self = send\n" +
			"begin transports\nsmtp:\n driver = smtp\n allow_localhost\n hosts_try_fastopen =\nbegin retry\n* * F,1m,1m\n"},
		folders: map[string]int{"var/spool/exim4": eximUser, "var/log/exim4": eximUser},
		submit: piped(func(to []string, mail string) (string, []string) {
			return mail, append([]string{"/usr/sbin/exim4", "-odi", "-oem", "-i", "-f", "bounces@example.org"}, to...)
		}),
	},
	{
		name: "dma", binary: "usr/sbin/dma",
		files:   map[string]string{"etc/dma/dma.conf": "MAILNAME relay.example.net\n"},
		folders: map[string]int{"var/spool/dma": mailUser},
		submit: piped(func(to []string, mail string) (string, []string) {
			return mail, append([]string{"/usr/sbin/dma", "-D", "-i", "-f", "bounces@example.org"}, to...)
		}),
	},
	{
		name: "nullmailer", binary: "usr/sbin/nullmailer-send",
		files:   map[string]string{"etc/nullmailer/me": "relay.example.net\n", "etc/nullmailer/remotes": "127.0.0.1 smtp\n", "etc/nullmailer/pausetime": "1\n", "etc/mailname": "relay.example.net\n"},
		folders: map[string]int{"var/spool/nullmailer": mailUser, "var/spool/nullmailer/queue": mailUser, "var/spool/nullmailer/tmp": mailUser, "var/spool/nullmailer/failed": mailUser},
		daemon:  []string{"/usr/sbin/nullmailer-send"},
		submit: piped(func(to []string, mail string) (string, []string) {
			return "bounces@example.org\n" + strings.Join(to, "\n") + "\n\n" + mail, []string{"/usr/sbin/nullmailer-queue"}
		}),
	},
	{
		name: "opensmtpd", binary: "usr/sbin/smtpd", aliases: true,
		files: map[string]string{"etc/smtpd.conf": "table lists { team = \"nouser@remote.example\" }\nlisten on 127.0.0.1 port 2525\naction \"list\" expand-only alias <lists>\naction \"relay\" relay host smtp://127.0.0.1 helo relay.example.net\n" +
			"match from any for domain \"club.example\" action \"list\"\nmatch from any for any action \"relay\"\n", "etc/mailname": "relay.example.net\n"},
		folders: map[string]int{"var/empty": 0, "var/lib/opensmtpd/empty": 0, "var/spool/smtpd": 0, "var/run": 0, "run": 0},
		daemon:  []string{"/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf"},
		submit:  overSMTP("127.0.0.1:2525"),
	},
	chasquid,
	sendmail,
	haraka,
	{
		name: "postfix", binary: "usr/lib/postfix/sbin/master", aliases: true,
		files: map[string]string{
			"etc/postfix/main.cf": "compatibility_level = 3.6\nmyhostname = relay.example.net\nmydestination =\nmynetworks = 127.0.0.0/8\ninet_protocols = ipv4\ninet_interfaces = 127.0.0.1\nrelayhost = [127.0.0.1]:2627\nmail_owner = postfix\nsetgid_group = postdrop\n" +
				"import_environment = MAIL_CONFIG LD_LIBRARY_PATH\nmaillog_file = /var/log/postfix.log\nvirtual_alias_domains = club.example\nvirtual_alias_maps = texthash:/etc/postfix/virtual\nalias_maps =\nsmtp_address_preference = ipv4\ndisable_vrfy_command = yes\n",
			"etc/postfix/virtual": "team@club.example nouser@remote.example, plain@remote.example\n",
			"etc/postfix/master.cf": "2526 inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n" +
				"smtp unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\nproxymap unix - - n - - proxymap\npostlog unix-dgram n - n - 1 postlogd\n",
		},
		folders: postfixFolders,
		daemon:  []string{"/usr/lib/postfix/sbin/master", "-d"},
		submit:  overSMTP("127.0.0.1:2526"),
	},
}

// postfixFolders are those of the queue, with the user that Postfix wants each
// to belong to.
var postfixFolders = func() map[string]int {
	folders := map[string]int{"var/spool/postfix": 0, "var/spool/postfix/pid": 0, "var/log": 0, "var/lib/postfix": postfixUser}
	for _, name := range []string{"incoming", "active", "deferred", "bounce", "defer", "trace", "corrupt", "flush", "hold", "saved", "private", "public", "maildrop"} {
		folders["var/spool/postfix/"+name] = postfixUser
	}
	return folders
}()

// overSMTP submits a mail to a daemon that listens at an address.
func overSMTP(addr string) func(*testing.T, string, []string, string) {
	return func(t *testing.T, _ string, to []string, mail string) {
		waitFor(t, "the submission port", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		if err := smtp.SendMail(addr, nil, "bounces@example.org", to, []byte(strings.ReplaceAll(mail, "\n", "\r\n"))); err != nil {
			t.Error(err)
		}
	}
}

func TestNotices(t *testing.T) {
	root := os.Getenv("HARVESTER_NOTICES")
	if root == "" {
		t.Skip("run make notices: it unpacks the programs whose notices are read")
	}
	loopbackUp(t)
	nameServer(t)
	came := receiver(t)
	for _, prog := range programs {
		t.Run(prog.name, func(t *testing.T) {
			prog.install(t, root)
			for _, want := range outcomes {
				if want.behind && !prog.aliases {
					continue
				}
				prog.submit(t, root, want.to, mailTo(want.to))
				left := len(want.reasons)
				want.mute = prog.mute && want.never["alive@remote.example"]
				for left > 0 {
					var raw []byte
					select {
					case raw = <-came:
					case <-time.After(time.Minute):
						t.Fatalf("no notice of mail to %s", want.to)
					}
					left -= want.check(t, raw)
				}
				drain(t, came, want)
			}
		})
	}
}

// check holds a notice against the truth and returns how many of those whom it
// must name it names.
func (want *outcome) check(t *testing.T, raw []byte) (named int) {
	got := Parse(raw, ours)
	if want.mute && got.Kind == bounce.KindUnparsed && len(got.Recipients) == 0 {
		return len(want.reasons)
	}
	if dir := os.Getenv("HARVESTER_NOTICES_KEEP"); dir != "" {
		name := strings.NewReplacer("/", "-", "@", "-").Replace(t.Name() + "-" + strings.Join(want.to, "-"))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.eml", name, len(raw))), raw, 0o644); err != nil {
			t.Error(err)
		}
	}
	for i := range got.Recipients {
		r := &got.Recipients[i]
		reasons, ok := want.reasons[r.Recipient]
		switch {
		case want.never[r.Recipient]:
			if r.Class == bounce.ClassHard {
				t.Errorf("%s is made dead by %q\n%s", r.Recipient, r.Diagnostic, raw)
			}
			continue
		case !ok:
			t.Errorf("it names %s, whom nobody mailed\n%s", r.Recipient, raw)
			continue
		case !slices.Contains(reasons, r.Reason):
			t.Errorf("%s: %s by %q on %q\n%s", r.Recipient, r.Reason, r.Rule, r.Diagnostic, raw)
		case want.behind != (r.Behind != ""), want.behind && r.Class == bounce.ClassHard:
			t.Errorf("%s: behind %q, class %s\n%s", r.Recipient, r.Behind, r.Class, raw)
		}
		named++
	}
	if len(got.Recipients) == 0 {
		t.Errorf("it names nobody: %s %s\n%s", got.Kind, got.Notes, raw)
	}
	return named
}

// drain reads what else came of the same mail: some part the recipients over
// several notices.
func drain(t *testing.T, came <-chan []byte, want outcome) {
	for {
		select {
		case raw := <-came:
			want.check(t, raw)
		case <-time.After(time.Second):
			return
		}
	}
}

func (p *program) install(t *testing.T, root string) {
	if _, err := os.Stat(filepath.Join(root, p.binary)); err != nil {
		t.Skipf("%s is not unpacked: there is no %s", p.name, p.binary)
	}
	for dir := range p.folders { // what another test left in a queue would come back in this one
		if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	for dir, owner := range p.folders {
		path := filepath.Join(root, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		mode := 0o770 | os.ModeSetgid
		if owner == 0 {
			mode = 0o711
		}
		if err := os.Chown(path, owner, owner); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for file, content := range p.files {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if p.prepare != nil {
		p.prepare(t, root)
	}
	if p.daemon == nil {
		return
	}
	if p.name == "nullmailer" {
		trigger := filepath.Join(root, "var/spool/nullmailer/trigger")
		if err := syscall.Mkfifo(trigger, 0o600); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		if err := os.Chmod(trigger, 0o622); err != nil { // the queue is written by another user
			t.Fatal(err)
		}
	}
	cmd := inRoot(root, p.daemon)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s\n%s", p.daemon, out.Bytes())
		}
	})
}

func waitFor(t *testing.T, what string, ready func() bool) {
	for range 600 {
		if ready() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s is not ready after a minute", what)
}

func loopbackUp(t *testing.T) {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(s)
	var req struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(req.name[:], "lo")
	req.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&req))); e != 0 {
		t.Fatalf("bringing up the loopback: %v", e)
	}
}

// nameServer says that this machine receives the mail of every domain.
func nameServer(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		name := q.Question[0].Name
		var rr string
		switch {
		case q.Question[0].Qtype == dns.TypeMX && !strings.HasPrefix(name, "mx."):
			rr = name + " 60 IN MX 10 mx." + name
		case q.Question[0].Qtype == dns.TypeA:
			rr = name + " 60 IN A 127.0.0.1"
		}
		if rr != "" {
			if a, err := dns.NewRR(rr); err == nil {
				m.Answer = append(m.Answer, a)
			}
		}
		w.WriteMsg(m)
	})}
	go srv.ActivateAndServe()
	t.Cleanup(func() { srv.Shutdown() })
}

// receiver takes all mail as scripted, and hands on what comes to our return
// path.
func receiver(t *testing.T) <-chan []byte {
	came := make(chan []byte, 100)
	for _, port := range [...]string{"25", "2627"} { // Postfix takes its own address at port 25 for a loop
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go session(c, came)
			}
		}()
	}
	return came
}

func session(c net.Conn, came chan<- []byte) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(s string) { c.Write([]byte(s)) }
	say("220 mx.remote.example ESMTP\r\n")
	var rcpts []string
	for {
		l, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(l[:min(len(l), 4)]); verb {
		case "EHLO":
			say("250-mx.remote.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n")
		case "MAIL":
			rcpts = nil
			say("250 2.1.0 Ok\r\n")
		case "RCPT":
			_, addr, _ := strings.Cut(l, "<")
			addr, _, _ = strings.Cut(addr, ">")
			local, _, _ := strings.Cut(addr, "@")
			if r, ok := replies[local]; ok {
				say(strings.ReplaceAll(r, "%s", addr))
				continue
			}
			rcpts = append(rcpts, addr)
			say("250 2.1.5 Ok\r\n")
		case "DATA":
			if len(rcpts) == 0 {
				say("554 5.5.1 Error: no valid recipients\r\n")
				continue
			}
			say("354 Go ahead\r\n")
			var raw bytes.Buffer
			for {
				l, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if l == ".\r\n" {
					break
				}
				raw.WriteString(strings.TrimPrefix(l, "."))
			}
			say("250 2.0.0 Ok: queued\r\n")
			if slices.Contains(rcpts, "bounces@example.org") {
				came <- append([]byte("Return-Path: <>\r\n"), raw.Bytes()...)
			}
		case "QUIT":
			say("221 2.0.0 Bye\r\n")
			return
		default:
			say("250 2.0.0 Ok\r\n")
		}
	}
}

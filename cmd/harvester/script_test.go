package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"harvester/harvest/imap/memserver"
	"harvester/schedule/diagnose/dnstest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"harvester": main, workerApart: mainApart})
}

// TestScript runs testdata/*.txt: command lines with what they print and their
// exit status. Each script has an IMAP server of its own at $IMAP, whose user
// is "bounces" with the password "right".
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			server, err := memserver.Start("bounces", "right")
			if err != nil {
				return err
			}
			e.Defer(func() { server.Close() })
			e.Values["server"] = server
			e.Setenv("IMAP", server.Addr)
			e.Setenv("TZ", "UTC")
			e.Setenv("PASSWORD", "right")
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "installed" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := os.Stat("/etc/harvester/harvester.toml")
			return err == nil, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":  status,
			"deliver": deliver,
			"bounces": bounces,
			"filler":  filler,
			"schema":  schema,
			"mtime":   mtime,
			"killed":  killed,
			"await":   await,

			"documented": documented,
			"resolver":   resolver,
		},
	})
}

// status N [-u] COMMAND...: the command ends with status N; with -u it runs as
// an ordinary user also where the test is root's.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if args = args[1:]; args[0] == "-u" {
		args = args[1:]
		if os.Getuid() == 0 {
			args = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
			passable(ts)
		}
	}
	err = ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("status %d, want %d", got, want)
	}
}

// passable lets other users reach the script's folder and program.
func passable(ts *testscript.TestScript) {
	bin, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	for _, dir := range []string{ts.Getenv("WORK"), bin} {
		for ; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			ts.Check(err)
			ts.Check(os.Chmod(dir, info.Mode()|0o011))
		}
	}
}

// deliver FILE...: into the INBOX of the script's server.
func deliver(ts *testscript.TestScript, _ bool, args []string) {
	server := ts.Value("server").(*memserver.Server)
	for _, name := range args {
		raw, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(server.Append("INBOX", raw))
	}
}

// bounces N FILE: an mbox of N notices, each about an address and a domain of its own.
func bounces(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	w := bufio.NewWriter(f)
	label := strings.Repeat("long", 15) // makes for a large list of few rows
	for i := range n {
		fmt.Fprintf(w, "From MAILER-DAEMON Mon Nov  2 10:00:00 2026\n%s\n", notice(fmt.Sprintf("user%04d@%s.%s.shop%04d.example", i, label, label, i)))
	}
	ts.Check(w.Flush())
	ts.Check(f.Close())
}

// notice is a delivery status notification about an address that is unknown.
func notice(address string) string {
	return fmt.Sprintf(`Received: from mx.example.org by imap.example.org; Mon, 2 Nov 2026 10:00:00 +0000
From: MAILER-DAEMON@mx.example.org
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-ID: <notice-%[1]s>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; %[1]s
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.%[2]s
Diagnostic-Code: smtp; 550 5.1.1 <%[1]s>: Recipient address rejected: User unknown

--b
Content-Type: text/rfc822-headers

From: news@example.org
To: %[1]s
Subject: News
Message-ID: <sent-to-%[1]s>

--b--
`, address, address[strings.IndexByte(address, '@')+1:])
}

// resolver ZONE [FAULTS]: a DNS server with a zone file's records, whose address
// is $RESOLVER from now on.
func resolver(ts *testscript.TestScript, _ bool, args []string) {
	faults := ""
	if len(args) > 1 {
		faults = args[1]
	}
	server, err := dnstest.New(ts.ReadFile(args[0]), faults)
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv("RESOLVER", server.Addr)
}

// filler BYTES FILE: a mail with a body of that size.
func filler(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "From: jane@example.net\nTo: bounces@example.org\nSubject: large\n\n")
	line := strings.Repeat("x", 75) + "\n"
	for written := 0; written < n; written += len(line) {
		w.WriteString(line)
	}
	ts.Check(w.Flush())
	ts.Check(f.Close())
}

// schema N FILE: pretend that a program of another version wrote the database
// (user_version, https://www.sqlite.org/fileformat.html#the_database_header).
func schema(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_RDWR, 0)
	ts.Check(err)
	_, err = f.WriteAt(binary.BigEndian.AppendUint32(nil, uint32(n)), 60)
	ts.Check(err)
	ts.Check(f.Close())
}

// mtime FILE VARIABLE: the file's inode and time of change, to be compared.
func mtime(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv(args[1], fmt.Sprint(info.ModTime().UnixNano()))
}

// killed N COMMAND...: the command is started N times and killed each time,
// later and later, wherever it is then.
func killed(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	bin, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	for i := range n {
		cmd := exec.Command(filepath.Join(bin, args[1]), args[2:]...)
		cmd.Dir = ts.Getenv("WORK")
		ts.Check(cmd.Start())
		time.Sleep(time.Duration(20+15*i) * time.Millisecond)
		ts.Check(cmd.Process.Kill())
		cmd.Wait() // it was killed
	}
}

// await PATTERN FILE: until a line of the file matches.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	var text []byte
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ = os.ReadFile(ts.MkAbs(args[1])) // it may not be there yet
		if pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("no line matches %q:\n%s", args[0], text)
}

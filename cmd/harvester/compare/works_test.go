package compare

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"harvester/harvest/imap/imaptest"
)

const askedPeak = 64 // MB

// overMaildir is a first pass over a Maildir, with an export.
func overMaildir(t *testing.T, n int) func(*testing.T, build) []figure {
	mails, err := Backlog(n)
	if err != nil {
		t.Fatal(err)
	}
	box := emptyMaildir(t)
	for i, m := range mails {
		write(t, filepath.Join(box, "cur", fmt.Sprintf("%d.M%d.host:2,", 1790000000+i, i)), string(m))
	}
	return func(t *testing.T, b build) []figure {
		dir := t.TempDir()
		c := b.measure(t, nil, "once", "--config", configured(t, dir, inMaildir(box)+csvExport))
		perMail := figure{row: "once over a Maildir, processor time per mail", unit: "µs", value: float64(c.cpu.Microseconds()) / float64(n), asked: 0.5}
		if b.name == thisTree {
			perMail.least = float64(least(t, "pass", filepath.Join(dir, "h.db"), box, filepath.Join(dir, "plain.db")).Microseconds()) / float64(n)
		}
		return []figure{
			perMail,
			{row: "once over a Maildir, most memory", unit: "MB", value: c.peak, most: askedPeak},
		}
	}
}

// overIMAP is a first pass over a folder of a real server, with an export.
func overIMAP(t *testing.T, n int) func(*testing.T, build) []figure {
	server := imaptest.Start(t, imaptest.Options{})
	mails, err := Backlog(n)
	if err != nil {
		t.Fatal(err)
	}
	server.Deliver("INBOX", mails...)
	server.Doveadm("mailbox", "status", "-u", imaptest.Username, "messages", "INBOX") // it indexes what was delivered
	return func(t *testing.T, b build) []figure {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "password"), imaptest.Password)
		c := b.measure(t, nil, "once", "--config", configured(t, dir, fmt.Sprintf(
			"[[mailbox]]\nname = \"bounces\"\nserver = %q\ntls = \"none\"\nusername = %q\npassword = \"file:password\"\n", server.IMAP, imaptest.Username)+csvExport))
		return []figure{
			{row: "once from Dovecot over loopback", unit: "messages/s", value: float64(n) / c.wall.Seconds(), more: true, asked: 1.7},
			{row: "once from Dovecot, processor time per mail", unit: "µs", value: float64(c.cpu.Microseconds()) / float64(n)},
			{row: "once from Dovecot, most memory", unit: "MB", value: c.peak, most: askedPeak},
		}
	}
}

// overHistory decides a long history anew, and compares it with the list.
func overHistory(t *testing.T, older build, n int) func(*testing.T, build) []figure {
	stored := fill(t, older, n, 5)
	box := emptyMaildir(t)
	type copied struct {
		dir   string
		after int
	}
	copies := map[string]*copied{}
	policy := func(t *testing.T, c *copied) string {
		return configured(t, c.dir, inMaildir(box)+fmt.Sprintf("[policy.mailbox_full]\nafter = %d\n", c.after))
	}
	return func(t *testing.T, b build) []figure {
		c := copies[b.name]
		if c == nil {
			c = &copied{t.TempDir(), 3}
			copies[b.name] = c
			duplicate(t, stored, c.dir)
			b.measure(t, nil, "once", "--config", policy(t, c)) // migrates
		}
		c.after = 5 - c.after // 2, 3, 2, …: each time another policy
		decided := b.measure(t, nil, "once", "--config", policy(t, c))
		replayed := b.measure(t, nil, "replay", "--config", policy(t, c))
		what := fmt.Sprintf("%d events", n)
		anew := figure{row: what + " decided anew, processor time", unit: "s", value: decided.cpu.Seconds(), asked: 0.35}
		again := figure{row: "replay of " + what + ", processor time", unit: "s", value: replayed.cpu.Seconds(), asked: 0.5}
		if b.name == thisTree {
			again.least = least(t, "walk", filepath.Join(c.dir, "h.db")).Seconds()
			copied := t.TempDir()
			duplicate(t, filepath.Join(c.dir, "h.db"), copied)
			anew.least = least(t, "decide", filepath.Join(copied, "h.db")).Seconds()
		}
		return []figure{
			anew,
			{row: what + " decided anew, time", unit: "s", value: decided.wall.Seconds(), asked: 0.35},
			{row: what + " decided anew, most memory", unit: "MB", value: decided.peak},
			again,
			{row: "replay of " + what + ", time", unit: "s", value: replayed.wall.Seconds(), asked: 0.5},
			{row: "replay of " + what + ", most memory", unit: "MB", value: replayed.peak, most: askedPeak},
		}
	}
}

// overList brings a long list out: in the plainest form, and as a file of each of
// some profiles that is as it should be, or has a hundred changes; and beside it
// the tool of SQLite reads the same addresses.
func overList(t *testing.T, older build, n int) func(*testing.T, build) []figure {
	profiles := []string{"email", "csv", "ndjson", "postfix-access"}
	stored := fill(t, older, n, 1)
	copies, told := map[string]string{}, map[string]int{}
	return func(t *testing.T, b build) []figure {
		if copies[b.name] == "" {
			dir := t.TempDir()
			duplicate(t, stored, dir)
			text := inMaildir(emptyMaildir(t))
			for _, p := range profiles {
				text += fmt.Sprintf("[[export]]\nname = %q\nprofile = %q\npath = %q\ndelta = true\n", p, p, filepath.Join(dir, p))
			}
			copies[b.name] = configured(t, dir, text)
			b.measure(t, nil, "once", "--config", copies[b.name])
		}
		file := copies[b.name]
		what := fmt.Sprintf("list of %d for export", n)
		tool := 0.0 // seconds
		if path, err := exec.LookPath("sqlite3"); err == nil {
			cmd := exec.CommandContext(t.Context(), path, "-csv", filepath.Join(filepath.Dir(file), "h.db"), "select address from suppressed")
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			tool = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		}
		start := b.measure(t, nil, "version")
		whole := b.measure(t, nil, "export", "--print", "email", "--config", file)
		read := figure{row: what + ", processor time", unit: "s", value: whole.cpu.Seconds(), asked: 0.35}
		if b.name == thisTree {
			read.least = least(t, "list", filepath.Join(filepath.Dir(file), "h.db")).Seconds()
		}
		figures := []figure{
			read,
			{row: what + ", time", unit: "s", value: whole.wall.Seconds(), asked: 0.35},
			{row: what + ", most memory", unit: "MB", value: whole.peak},
			{row: "start of the program alone, processor time", unit: "ms", value: float64(start.cpu.Milliseconds())},
		}
		if tool > 0 {
			figures = append(figures, figure{row: what + ", sqlite3 -csv beside it", unit: "s", value: tool},
				figure{row: what + ", as many times sqlite3 -csv", unit: "times", value: whole.cpu.Seconds() / tool})
		}
		unchanged := map[string]cost{}
		for _, p := range profiles {
			unchanged[p] = b.measure(t, nil, "export", p, "--config", file)
			b.measure(t, nil, "export", "ack", p, "--config", file)
		}
		act := []string{"suppress", "add", "--reason", "compared", "--config", file}
		for range 100 {
			told[b.name]++
			act = append(act, fmt.Sprintf("told%d@example.net", told[b.name]))
		}
		b.measure(t, nil, act...)
		for _, p := range profiles {
			delta := b.measure(t, nil, "export", p, "--config", file)
			figures = append(figures,
				figure{row: what + ", unchanged " + p, unit: "ms", value: float64(unchanged[p].cpu.Milliseconds()), most: 50},
				figure{row: what + ", 100 changes of " + p, unit: "ms", value: float64(delta.cpu.Milliseconds()), most: 200})
		}
		return figures
	}
}

var perOp = regexp.MustCompile(`BenchmarkClassify/500\S*\s+\d+\s+([0-9.]+) ns/op`)

// overReplies reads replies with the built-in rules: a benchmark that both trees
// have.
func overReplies(t *testing.T) func(*testing.T, build) []figure {
	programs := map[string]string{}
	dir := t.TempDir()
	return func(t *testing.T, b build) []figure {
		if programs[b.name] == "" {
			programs[b.name] = filepath.Join(dir, "rules-"+b.name)
			b.goes(t, "test", "-c", "-o", programs[b.name], "./parse/rules")
		}
		cmd := exec.CommandContext(t.Context(), programs[b.name], "-test.run", "^$", "-test.bench", "^BenchmarkClassify$/^500$", "-test.cpu", "1")
		cmd.Dir = filepath.Join(b.source, "parse", "rules")
		out, err := cmd.CombinedOutput()
		m := perOp.FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("%v\n%s", err, out)
		}
		ns, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return []figure{{row: "one reply classified", unit: "µs", value: ns / 1000, asked: 0.6}}
	}
}

const csvExport = "[[export]]\nname = \"list\"\npath = \"list.csv\"\n"

func inMaildir(path string) string {
	return fmt.Sprintf("[[mailbox]]\nname = \"bounces\"\ntype = \"maildir\"\npath = %q\n", path)
}

// emptyMaildir lasts as long as the test that asks for it.
func emptyMaildir(t *testing.T) string {
	t.Helper()
	box := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.Mkdir(filepath.Join(box, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return box
}

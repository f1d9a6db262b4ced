package diagnose_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/scenario"
)

// others are the checkers beside ours, by the folder of scenarios that they
// can say something about, and how each is called.
var others = map[string][]struct {
	name string
	call func(dir string, a *asked) []string
}{
	"spf": {
		{"pyspf", func(_ string, a *asked) []string {
			mode := "2"
			if a.lenient {
				mode = "1"
			}
			return []string{"/usr/bin/python3", "checkers/pyspf.py", a.ip, a.mailFrom, cmp.Or(a.helo, "mail.example.org"), mode}
		}},
		{"libspf2", func(_ string, a *asked) []string {
			return []string{"spfquery.libspf2", "-ip", a.ip, "-sender", "postmaster@" + a.mailFrom, "-helo", cmp.Or(a.helo, "mail.example.org")}
		}},
		{"Mail::SPF", func(_ string, a *asked) []string {
			return []string{"spfquery.mail-spf-perl", "--scope", "mfrom", "--identity", "postmaster@" + a.mailFrom, "--ip-address", a.ip, "--helo-identity", cmp.Or(a.helo, "mail.example.org")}
		}},
		{"mailauth", func(dir string, a *asked) []string {
			return []string{"node", "checkers/mailauth.js", dir, "spf", a.ip, a.mailFrom, cmp.Or(a.helo, "mail.example.org")}
		}},
	},
	"dkim": {
		{"dkimpy", func(_ string, a *asked) []string {
			return []string{"/usr/bin/python3", "checkers/dkimpy.py", a.key}
		}},
		{"mailauth", func(dir string, a *asked) []string {
			return []string{"node", "checkers/mailauth.js", dir, "dkim", a.key}
		}},
	},
	"dmarc": {
		{"opendmarc-check", func(_ string, a *asked) []string { return []string{"opendmarc-check", a.from} }},
		{"mailauth", func(dir string, a *asked) []string {
			return []string{"node", "checkers/mailauth.js", dir, "dmarc", a.from}
		}},
	},
}

// asked is what a scenario asks about.
type asked struct {
	ip, mailFrom, helo, from, key string
	lenient                       bool // pyspf in the mode of its suite, not the harsh one
}

// TestCheckers looks at the zones of the scenarios with other checkers, too, and
// writes what each finds into docs/checkers.md, and the sum
// into docs/diagnose.md. checkers/compare.sh runs it,
// where the server of the test can be the resolver of the machine.
func TestCheckers(t *testing.T) {
	dir := os.Getenv("HARVESTER_CHECKERS")
	if dir == "" {
		t.Skip("needs other checkers and a network of its own: make checkers")
	}
	all := scenario.All(t, "testdata")
	var out, sums strings.Builder
	sums.WriteString("\n| zones with a fault | checker | names the fault | sees only the result | sees nothing wrong | can't tell, or breaks |\n|---|---|---|---|---|---|\n")
	for _, kind := range []string{"spf", "dkim", "dmarc"} {
		var names []string
		for _, o := range others[kind] {
			names = append(names, o.name)
		}
		fmt.Fprintf(&out, "\n| %s | diagnose | %s |\n|---|---%s|\n", kind, strings.Join(names, " | "), strings.Repeat("|---", len(names)))
		tally, faults := map[string]int{}, 0
		for i := range all {
			if !strings.HasPrefix(all[i].Name, kind+"/") {
				continue
			}
			row, fault, said := sideBySide(t, dir, kind, &all[i])
			out.WriteString(row)
			if fault {
				faults++
				for i, name := range names {
					tally[name+sees(said[i])]++
				}
			}
		}
		for _, name := range names {
			fmt.Fprintf(&sums, "| %s: %d | %s | %d | %d | %d | %d |\n", kind, faults, name, tally[name+"names"], tally[name+"result"], tally[name+"nothing"], tally[name+"cannot"])
		}
	}
	rows, sum := foreignSideBySide(t, dir)
	out.WriteString(rows)
	sums.WriteString(sum)
	write(t, "../../docs/diagnose.md", sums.String())
	write(t, "../../docs/checkers.md", out.String())
}

// sees sorts what a checker said of a zone that has a fault.
func sees(said string) string {
	first, _, _ := strings.Cut(said, " ")
	switch {
	case first == "none" && strings.Contains(said, "no applicable sender policy"):
		return "result"
	}
	switch first {
	case "permerror", "(invalid)", "ambiguous", "error", "opendmarc-check:":
		return "names"
	case "temperror", "Traceback", "no":
		return "cannot"
	case "fail", "softfail", "neutral", "none":
		return "result"
	}
	return "nothing"
}

// sideBySide is a row of the table: what each finds in one scenario, and
// whether a fault is there; "" for one that the others can't be asked about.
func sideBySide(t *testing.T, dir, kind string, s *scenario.Scenario) (row string, fault bool, theirs []string) {
	part := s.Part
	ask := asks(t, s)
	if part["earlier"] != "" || part["found"] != "" || part["peers"] != "" || strings.Contains(part["faults"], "silent") ||
		kind == "spf" && (ask.ip == "" || ask.mailFrom == "") || kind == "dkim" && ask.key == "" || kind == "dmarc" && ask.from == "" {
		return "", false, nil
	}
	server, err := dnstest.On("127.0.0.1:53", part["common"]+part["zone"], part["faults"])
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var ours []string
	for _, f := range s.Find(t, server, nil) {
		if f.Verdict == diagnose.Mended {
			continue
		}
		word := strings.ReplaceAll(string(f.Verdict), "_", " ") + " `" + f.ID + "`"
		if !slices.Contains(ours, word) {
			ours = append(ours, word)
		}
		fault = fault || f.Verdict == diagnose.Confirmed && !f.Advice
	}
	row = fmt.Sprintf("| %s | %s |", s.Title, strings.Join(ours, ", "))
	for _, o := range others[kind] {
		theirs = append(theirs, said(t, o.call(dir, &ask)))
		row += " " + theirs[len(theirs)-1] + " |"
	}
	return row + "\n", fault, theirs
}

// foreignSideBySide asks all about the zones of others: a row for each question
// that somebody answers otherwise than the suite, and how many each answers as
// it does.
func foreignSideBySide(t *testing.T, dir string) (rows, sums string) {
	names := []string{"diagnose"}
	for _, o := range others["spf"] {
		names = append(names, o.name)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\n| suite of RFC 7208 and pyspf | wanted | %s |\n|---|---%s|\n", strings.Join(names, " | "), strings.Repeat("|---", len(names)))
	right, n := make([]int, len(names)), 0
	for _, q := range foreignSuites(t) {
		if ip, _ := netip.ParseAddr(q.ip); ip.IsPrivate() || ip.IsLoopback() {
			continue
		}
		server, err := dnstest.On("127.0.0.1:53", q.zone, q.faults)
		if err != nil {
			t.Fatal(err)
		}
		n++
		all := []string{q.result(q.find(t, server.Addr))}
		ask := asked{ip: q.ip, mailFrom: q.domain, helo: q.helo, lenient: true}
		for _, o := range others["spf"] {
			all = append(all, said(t, o.call(dir, &ask)))
		}
		server.Close()
		same := true
		for i := range all {
			all[i], _, _ = strings.Cut(all[i], " ")
			if slices.Contains(q.results, all[i]) {
				right[i]++
			} else {
				same = false
			}
		}
		if !same {
			why := foreignExceptions[q.name]
			if why != "" {
				all[0] += " (" + why + ")"
			}
			fmt.Fprintf(&out, "| %s | %s | %s |\n", q.name, strings.Join(q.results, ", "), strings.Join(all, " | "))
		}
	}
	sums = fmt.Sprintf("\n| suites of RFC 7208 and pyspf, %d questions | answered as they do |\n|---|---|\n", n)
	for i, name := range names {
		sums += fmt.Sprintf("| %s | %d |\n", name, right[i])
	}
	return out.String(), sums
}

func asks(t *testing.T, s *scenario.Scenario) asked {
	o := diagnose.Options{Own: []string{"example.org"}}
	ev, _, _ := s.Ask(t, &o)
	a := asked{mailFrom: ev.MailFrom, helo: ev.Helo, from: ev.From}
	if ev.IP.IsValid() {
		a.ip = ev.IP.String()
	}
	for _, ev := range append(s.Notices(o.Own), ev) {
		if len(ev.Signatures) > 0 {
			a.key = ev.Signatures[0]
			break
		}
	}
	return a
}

// said is what a checker prints, in one cell of a table.
func said(t *testing.T, args []string) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "no answer within a minute"
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return fmt.Sprintf("nothing (%v)", cmp.Or(fmt.Sprint(err), "status 0"))
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if strings.HasPrefix(lines[0], "Traceback") { // its last line says what it is
		lines = []string{"Traceback", lines[len(lines)-1]}
	}
	if args[0] == "spfquery.libspf2" {
		lines = ofLibspf2(lines)
	}
	words := strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
	for _, noise := range []string{"SPF Permanent Error: ", "SPF Ambiguity Warning: ", "mx.example.net: ", "permanent error in processing during lookup of postmaster@example.org: ",
		"error in processing during lookup of postmaster@example.org: "} {
		words = strings.ReplaceAll(words, noise, "")
	}
	if len(words) > 100 {
		words = strings.ToValidUTF8(words[:100], "") + "…"
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'", "\x1b", "").Replace(words)
}

// ofLibspf2 puts the result before the error that leads to it, which the program
// tells between StartError and EndError.
func ofLibspf2(lines []string) []string {
	end := slices.Index(lines, "EndError")
	if end < 0 || end+1 == len(lines) {
		return lines[:1]
	}
	why := []string{lines[end+1]}
	for _, l := range lines[:end] {
		if text, ok := strings.CutPrefix(l, "Error: "); ok {
			why = append(why, text)
		}
	}
	return why
}

// write puts tables where a manual has them.
func write(t *testing.T, path, table string) {
	const begin, end = "<!-- checkers -->\n", "<!-- /checkers -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if err := os.WriteFile(path, []byte(head+begin+table+"\n"+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

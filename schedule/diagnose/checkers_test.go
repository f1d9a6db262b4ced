package diagnose_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"harvester/parse"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
)

// others are the checkers beside ours, by the folder of scenarios that they
// can say something about, and how each is called.
var others = map[string][]struct {
	name string
	call func(dir string, a *asked) []string
}{
	"spf": {
		{"pyspf", func(_ string, a *asked) []string {
			return []string{"/usr/bin/python3", "checkers/pyspf.py", a.ip, a.mailFrom, cmp.Or(a.helo, "mail.example.org")}
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
type asked struct{ ip, mailFrom, helo, from, key string }

// TestCheckers looks at the zones of the scenarios with other checkers, too, and
// writes what each finds into docs/checkers.md, and the sum
// into docs/diagnose.md. checkers/compare.sh runs it,
// where the server of the test can be the resolver of the machine.
func TestCheckers(t *testing.T) {
	dir := os.Getenv("HARVESTER_CHECKERS")
	if dir == "" {
		t.Skip("needs other checkers and a network of its own: make checkers")
	}
	common, err := os.ReadFile("testdata/common.zone")
	if err != nil {
		t.Fatal(err)
	}
	var out, sums strings.Builder
	sums.WriteString("\n| zones with a fault | checker | names the fault | sees only the result | sees nothing wrong | can't tell, or breaks |\n|---|---|---|---|---|---|\n")
	for _, kind := range []string{"spf", "dkim", "dmarc"} {
		files, err := filepath.Glob("testdata/" + kind + "/*.txt")
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n| %s | diagnose | %s | %s |\n|---|---|---|---|\n", kind, others[kind][0].name, others[kind][1].name)
		tally, faults := [2]map[string]int{{}, {}}, 0
		for _, path := range files {
			row, fault, said := sideBySide(t, dir, kind, path, string(common))
			out.WriteString(row)
			if fault {
				faults++
				tally[0][sees(said[0])]++
				tally[1][sees(said[1])]++
			}
		}
		for i, o := range others[kind] {
			fmt.Fprintf(&sums, "| %s: %d | %s | %d | %d | %d | %d |\n", kind, faults, o.name, tally[i]["names"], tally[i]["result"], tally[i]["nothing"], tally[i]["cannot"])
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
	switch first {
	case "permerror", "ambiguous", "error", "opendmarc-check:":
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
func sideBySide(t *testing.T, dir, kind, path, common string) (row string, fault bool, theirs [2]string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	part := map[string]string{}
	for _, f := range a.Files {
		part[f.Name] = string(f.Data)
	}
	ask := asks(part)
	if part["earlier"] != "" || part["found"] != "" || part["peers"] != "" || strings.Contains(part["faults"], "silent") ||
		kind == "spf" && (ask.ip == "" || ask.mailFrom == "") || kind == "dkim" && ask.key == "" || kind == "dmarc" && ask.from == "" {
		return "", false, theirs
	}
	server, err := dnstest.On("127.0.0.1:53", common+part["zone"], part["faults"])
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var ours []string
	for line := range strings.Lines(find(t, server, part, nil)) {
		if verdict, rest, _ := strings.Cut(line, " "); slices.Contains([]string{"confirmed", "refuted", "cannot_tell"}, verdict) {
			id, _, _ := strings.Cut(rest, " ")
			word := strings.ReplaceAll(verdict, "_", " ") + " `" + id + "`"
			if !slices.Contains(ours, word) {
				ours = append(ours, word)
			}
			fault = fault || verdict == "confirmed" && !strings.Contains(rest[:min(len(rest), 80)], "(advice)")
		}
	}
	title, _, _ := strings.Cut(strings.TrimSpace(string(a.Comment)), "\n")
	row = fmt.Sprintf("| %s | %s |", title, strings.Join(ours, ", "))
	for i, o := range others[kind] {
		theirs[i] = said(t, o.call(dir, &ask))
		row += " " + theirs[i] + " |"
	}
	return row + "\n", fault, theirs
}

// foreignSideBySide asks all about the zones of others: a row for each question
// that somebody answers otherwise than the suite, and how many each answers as
// it does.
func foreignSideBySide(t *testing.T, dir string) (rows, sums string) {
	names := []string{"diagnose", "pyspf", "mailauth"}
	var out strings.Builder
	out.WriteString("\n| suite of RFC 7208 and pyspf | wanted | diagnose | pyspf | mailauth |\n|---|---|---|---|---|\n")
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
		all := []string{q.result(q.find(t, server.Addr)), said(t, []string{"/usr/bin/python3", "checkers/pyspf.py", q.ip, q.domain, q.helo, "1"}),
			said(t, []string{"node", "checkers/mailauth.js", dir, "spf", q.ip, q.domain, q.helo})}
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

func asks(part map[string]string) (a asked) {
	for line := range strings.Lines(part["ask"]) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "ip":
			a.ip = value
		case "mailfrom":
			a.mailFrom = value
		case "helo":
			a.helo = value
		case "from":
			a.from = value
		case "signatures":
			a.key, _, _ = strings.Cut(value, " ")
		}
	}
	if part["mail"] != "" {
		raw := []byte(part["mail"])
		res := parse.Parse(raw, &parse.Options{OwnDomains: []string{"example.org"}})
		if evs := diagnose.Notice(raw, &res, []string{"example.org"}); len(evs) > 0 && len(evs[0].Signatures) > 0 {
			a.key = evs[0].Signatures[0]
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

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"harvester/cmd/harvester/config"
)

var (
	commandLine  = regexp.MustCompile(`(?m)^ {0,8}(?:\$ )?(?:! )?(?:\S+/)?harvester ([a-z].*)$`)
	commandWords = regexp.MustCompile("`harvester ([a-z][^`]*)`")
	endOfCommand = regexp.MustCompile(`\s+(?:[|>&;##]|2>).*$|;.*$`)
)

// manualLines gives the command lines of the manuals: file, then what follows
// the program's name.
func manualLines(t *testing.T) (lines [][2]string) {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		manual := strings.ReplaceAll(string(text), "\\\n", " ")
		for _, m := range append(commandLine.FindAllStringSubmatch(manual, -1), commandWords.FindAllStringSubmatch(manual, -1)...) {
			if strings.HasPrefix(m[1], "unix ") {
				continue // a service of Postfix's master.cf
			}
			lines = append(lines, [2]string{filepath.Base(path), endOfCommand.ReplaceAllString(m[1], "")})
		}
	}
	if len(lines) < 120 {
		t.Fatalf("only %d command lines were found", len(lines))
	}
	return lines
}

// Every command line in the manuals names a command and flags that exist.
func TestManualsNameCommandsThatExist(t *testing.T) {
	for _, l := range manualLines(t) {
		if problem := parses(l[1]); problem != "" {
			t.Errorf("%s: harvester %s: %s", l[0], l[1], problem)
		}
	}
}

var (
	// scriptLine is a line of a script that runs the program, perhaps to see it fail.
	scriptLine = regexp.MustCompile(`(?m)^\s*(?:exec|status \d+(?: -u)?) harvester (.*?)\s*$`)
	// callLine is the same in a test that is written in Go.
	callLine = regexp.MustCompile(`\.run\(exit\w+, ("[^)]*")\)`)
	// blank is a word that the reader fills in: a name in capitals or a path of his machine.
	blank = regexp.MustCompile(`^(?:[A-Z]{2,}…?|'?\.\.\.'?|/.*)$`)
	// otherRules are flags with which scripts choose their files.
	otherRules = regexp.MustCompile(`\s--(?:config|rules) \S+`)
)

// Every command line in the manuals is run by a script, a test, or, those of
// the tutorial, by the walk through it (.ci/tutorial).
func TestManualsAreRun(t *testing.T) {
	var run [][]string
	for pattern, line := range map[string]*regexp.Regexp{"testdata/*.txt": scriptLine, "*_test.go": callLine} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range line.FindAllStringSubmatch(string(text), -1) {
				run = append(run, words(otherRules.ReplaceAllString(strings.ReplaceAll(m[1], `", "`, `" "`), "")))
			}
		}
	}
	for _, l := range manualLines(t) {
		want := words(otherRules.ReplaceAllString(l[1], ""))
		if l[0] != "tutorial.md" && !slices.ContainsFunc(run, func(got []string) bool { return starts(got, want) }) {
			t.Errorf("%s: nothing runs: harvester %s", l[0], l[1])
		}
	}
}

// starts tells whether a line that was run begins with the words of a manual.
func starts(got, want []string) bool {
	if len(got) < len(want) {
		return false
	}
	for i, w := range want {
		if w != got[i] && !blank.MatchString(w) {
			return false
		}
	}
	return true
}

// parses says what is wrong with a command line, without running it.
func parses(line string) string {
	var out bytes.Buffer
	root := newRoot(&app{stdio: stdio{strings.NewReader(""), &out, &out}})
	cmd, rest, err := root.Find(words(line))
	switch {
	case err != nil:
		return err.Error()
	case cmd == root:
		return "there is no such command"
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err.Error()
	}
	if args := cmd.Flags().Args(); cmd.HasAvailableSubCommands() && len(args) > 0 && cmd.Flags().NFlag() == 0 {
		return "there is no such command below " + cmd.CommandPath()
	}
	return ""
}

// words parts a line as a shell does, as far as manuals need it.
func words(line string) (out []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		out = append(out, m[1]+m[2]+m[3])
	}
	return out
}

func TestManualsAreChecked(t *testing.T) {
	for line, want := range map[string]bool{
		"status": true, "config check --online": true, "suppress allow a@example.com --reason 'called us'": true,
		"statsu": false, "config chck": false, "status --jsno": false, "backup --to x": false,
	} {
		if problem := parses(line); (problem == "") != want {
			t.Errorf("%s: %q", line, problem)
		}
	}
}

// howtos are the configurations of docs/howto.md.
func howtos(t *testing.T) (blocks [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/howto.md")
	if err != nil {
		t.Fatal(err)
	}
	if blocks = regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1); len(blocks) < 7 {
		t.Fatalf("%d configurations", len(blocks))
	}
	return blocks
}

// Each configuration of docs/howto.md is one that the program takes.
func TestHowtoConfigurationsAreRight(t *testing.T) {
	blocks := howtos(t)
	file := filepath.Join(t.TempDir(), "harvester.toml")
	for _, b := range blocks {
		if err := os.WriteFile(file, []byte("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"+b[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(file); err != nil {
			t.Errorf("%s\n%v", b[1], err)
		}
	}
}

// With the manual's configuration listmonk is told by its webhook, as the API
// user with his token.
func TestHowtoTellsListmonk(t *testing.T) {
	told := make(chan string, 9)
	listmonk := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user, token, _ := r.BasicAuth()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		told <- fmt.Sprintf("%s %s as %s:%s %s", r.Method, r.URL.Path, user, token, body)
	}))
	defer listmonk.Close()
	dir := t.TempDir()
	file, token := filepath.Join(dir, "harvester.toml"), filepath.Join(dir, "token")
	for _, b := range howtos(t) {
		if !strings.Contains(b[1], `service = "listmonk"`) {
			continue
		}
		text := strings.NewReplacer("https://lists.example.org", listmonk.URL, "credential:listmonk", "file:"+token, "credential:mautic", "file:"+token).Replace(b[1])
		if err := errors.Join(os.WriteFile(token, []byte("s3cret\n"), 0o600), os.WriteFile(file, []byte("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n"+text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	harvester(t, exitOK, "suppress", "add", "o'neil@example.net", "--reason", "asked us", "--config", file)
	harvester(t, exitOK, "push", "listmonk", "--config", file)
	if len(told) != 1 {
		t.Fatalf("%d requests", len(told))
	}
	if got, want := <-told, `POST /webhooks/bounce as harvester:s3cret {"email":"o'neil@example.net","source":"harvester","type":"hard"}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

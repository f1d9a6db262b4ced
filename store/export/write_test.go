package export

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harvester/parse/bounce"
	"harvester/store/policy"
	"harvester/store/query"
)

var update = flag.Bool("update", false, "write the golden files anew")

var day = time.Date(2026, 3, 2, 7, 11, 9, 0, time.UTC)

// hard is a dead address; change lets a case differ from it.
func hard(address string, change ...func(*query.Suppression)) query.Suppression {
	e := query.Suppression{
		Address: address, Key: policy.Key(address), Reason: "user_unknown", Class: bounce.ClassHard,
		Since: day, LastSeen: day.Add(26 * time.Hour), Expires: day.AddDate(2, 0, 0), Count: 2, Source: "bounce",
		Rule: "gmail.no-such-user", Status: "5.1.1", ReplyCode: 550, RemoteMTA: "mx.example.com",
		Diagnostic: "550-5.1.1 The email account that you tried to reach\r\n does not exist",
		Line:       "user_unknown: after 1",
	}
	for _, f := range change {
		f(&e)
	}
	return e
}

func as(source, reason string, class bounce.Class) func(*query.Suppression) {
	return func(e *query.Suppression) {
		e.Source, e.Reason, e.Class, e.Expires = source, reason, class, time.Time{}
	}
}

// nasty are addresses that are real, or could be, and trip importers.
func nasty() []query.Suppression {
	local := strings.Repeat("l", 64)
	domain := strings.Repeat(strings.Repeat("d", 60)+".", 3) + "example"
	out := []query.Suppression{
		hard("jane.doe@example.com"),
		hard("Fred.Upper@Example.NET"),
		hard("=cmd|'/c@example.org"), hard("+plus@example.org"), hard("-dash@example.org"), hard("'quote@example.org"),
		hard("#hash@example.org"), hard("per%cent@example.org"), hard("back`tick{}@example.org"),
		hard("user+tag@example.org"), hard("a..b@docomo.example"), hard("trailing.@example.org"),
		hard(`"john doe"@example.org`), hard(`"a,b"@example.org`), hard(`"say \"hi\""@example.org`), hard(`"at@home"@example.org`),
		hard("karl@bücher.example"), hard("jörg@example.org"), hard("用户@例子.example"),
		hard("x@[192.0.2.1]"), hard("semi;colon@example.org"), hard("col:on@example.org"),
		hard(local + "@" + domain[:254-65]),
		hard("line\nbreak@example.org"), hard("nul\x00@example.org"), hard("latin\xe9@example.org"), hard("@example.org"),
		hard("complained@example.com", as("complaint", "complaint", bounce.ClassNone)),
		hard("opted.out@example.com", as("unsubscribe", "unsubscribe", bounce.ClassNone)),
		hard("full@example.com", as("bounce", "mailbox_full", bounce.ClassSoft)),
		hard("by.hand@example.com", as("operator", "manual", bounce.ClassNone), func(e *query.Suppression) { e.Diagnostic, e.Status, e.ReplyCode = "", "", 0 }),
	}
	for _, a := range odd() {
		out = append(out, hard(a))
	}
	out = append(out, twins()...)
	slices.SortFunc(out, func(a, b query.Suppression) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// odd are addresses whose parts are words, signs and patterns to somebody.
func odd() (out []string) {
	for _, local := range []string{
		"Ann.LEE", "end+", "7digit", "42", "0", "-", "--", "'", "''", "!", "!not", "x!y!fred", "host!fred", "mid#hash", "in/out", "/dir/file", "x=y", "=2+2", // signs
		"{curly}", "$price{x}", "${run{x}}", "$(date)", "*any", "?what", "^hat", "|pipe", "~home", "_low", "&more", "q&a", "%s", "%00", // patterns
		".lead", "a.b.c.d", `"plain"`, `"a;b"`, `"co:lon"`, `"back\\slash"`, `"#no"`, `"<tag>"`, `""`, // dots and quotes
		"true", "null", "NaN", "2e5", "007", "email", "at", "OK", "DUNNO", "REJECT", "error", "550", "if", "endif", "include", "regexp/x", "hash:", "::", // words
		"postmaster", "Mailer-Daemon", "owner-news", "news-request", "news+7-fred=example.net", "msg=fred=example.net", "prvs=0123abcdef=fred", "SRS0=ab=tt=example.net=fred", // return paths
		"θέμα", "кто", "測試", "ısı", "e\u0301t", "ñ+tag", "weiß", strings.Repeat("ü", 32), strings.Repeat("b", 64), "c-" + strings.Repeat("b", 60), // scripts and lengths
	} {
		out = append(out, local+"@example.com")
	}
	long := strings.Repeat(strings.Repeat("d", 63)+".", 3)
	for _, domain := range []string{"EXAMPLE.INVALID", "Sub.Example.org", "a.b.c.d.e.f.example", "a--b--c.example", "7.example", "x.example", "my_host.example",
		"weiß.example", "пример.example", "テスト.example", "museum", "localhost", "com.", "[IPv6:2001:db8::7]", long + "example", long + strings.Repeat("e", 50)} {
		for _, local := range []string{"fred", "a..b", "o'neil", "#tag", "jörg", `"a b"`, "/dir/file"} {
			if local == "fred" || strings.HasSuffix(domain, "org") || domain == "пример.example" {
				out = append(out, local+"@"+domain)
			}
		}
	}
	return out
}

func seq(entries []query.Suppression) iter.Seq2[query.Suppression, error] {
	return func(yield func(query.Suppression, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func target(t testing.TB, profile, dir string) Target {
	t.Helper()
	p, err := Lookup(profile)
	if err != nil {
		t.Fatal(err)
	}
	return Target{Name: "news", Path: filepath.Join(dir, "suppression.csv"), Profile: p, Key: []byte("secret"),
		Policy: "p1", Rules: "r1", Now: day}
}

func mustWrite(t testing.TB, entries []query.Suppression, to Target) Result {
	t.Helper()
	res, err := Write(context.Background(), seq(entries), to)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Every file of every profile for the nasty addresses stands in testdata.
func TestGolden(t *testing.T) {
	for _, p := range Profiles() {
		if p.form.row == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, nasty(), target(t, p.Name, dir))
			ents, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", p.Name)
			if *update {
				_ = os.RemoveAll(golden)
				if err := os.MkdirAll(golden, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, e := range ents {
				got, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				if *update {
					if err := os.WriteFile(filepath.Join(golden, e.Name()), got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(filepath.Join(golden, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), string(got)); d != "" {
					t.Errorf("%s (-want +got):\n%s", e.Name(), d)
				}
			}
			if want, _ := os.ReadDir(golden); len(want) != len(ents) {
				t.Errorf("%d files written, %d are golden", len(ents), len(want))
			}
		})
	}
}

// Writing the same again touches no file, whatever the profile; a change
// makes one new generation.
func TestUnchangedStaysUntouched(t *testing.T) {
	for _, p := range Profiles() {
		if p.form.row == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			dir := t.TempDir()
			to := target(t, p.Name, dir)
			first := mustWrite(t, nasty(), to)
			if !first.Changed || first.Generation != 1 {
				t.Fatalf("first: %+v", first)
			}
			long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
			ents, _ := os.ReadDir(dir)
			for _, e := range ents {
				if err := os.Chtimes(filepath.Join(dir, e.Name()), long, long); err != nil {
					t.Fatal(err)
				}
			}
			to.Now = day.Add(time.Hour)
			if again := mustWrite(t, nasty(), to); again.Changed || again.Generation != 1 || again.SHA256 != first.SHA256 {
				t.Errorf("again: %+v", again)
			}
			for _, e := range ents {
				if st, err := os.Stat(filepath.Join(dir, e.Name())); err != nil || !st.ModTime().Equal(long) {
					t.Errorf("%s was touched (%v)", e.Name(), err)
				}
			}
			if less := mustWrite(t, nil, to); !less.Changed || less.Generation != 2 || less.Rows != 0 {
				t.Errorf("emptied: %+v", less)
			}
			if _, err := os.Stat(SkippedPath(to.Path)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file of skipped addresses is still there (%v)", err)
			}
		})
	}
}

// An error in the middle leaves all files of before and nothing else.
func TestErrorKeepsThePreviousFiles(t *testing.T) {
	broken := errors.New("the database went away")
	dir := t.TempDir()
	to := target(t, "csv", dir)
	mustWrite(t, nasty(), to)
	before := map[string]string{}
	for _, n := range strings.Fields(names(t, dir)) {
		b, _ := os.ReadFile(filepath.Join(dir, n))
		before[n] = string(b)
	}
	_, err := Write(context.Background(), func(yield func(query.Suppression, error) bool) {
		_ = yield(hard("a@example.org"), nil) && yield(query.Suppression{}, broken)
	}, to)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "exporting news: ") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Write(ctx, seq(nasty()), to); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := Write(context.Background(), seq([]query.Suppression{hard("b@example.org"), hard("a@example.org")}), to); err == nil {
		t.Error("a list out of order was written")
	}
	for n, want := range before {
		if b, _ := os.ReadFile(filepath.Join(dir, n)); string(b) != want {
			t.Errorf("%s changed", n)
		}
	}
	if len(strings.Fields(names(t, dir))) != len(before) {
		t.Errorf("left behind: %s", names(t, dir))
	}
}

func TestParts(t *testing.T) {
	dir := t.TempDir()
	to := target(t, "email", dir)
	to.Profile.MaxRows = 2
	five := []query.Suppression{hard("a@example.org"), hard("b@example.org"), hard("c@example.org"), hard("d@example.org"), hard("e@example.org")}
	res := mustWrite(t, five, to)
	if got := names(t, dir); got != "suppression-0002.csv suppression-0003.csv suppression.csv suppression.csv.manifest.json" || res.Rows != 5 {
		t.Errorf("%s, %+v", got, res)
	}
	last, _ := os.ReadFile(filepath.Join(dir, "suppression-0003.csv"))
	if string(last) != "email\ne@example.org\n" {
		t.Errorf("last part %q", last)
	}
	if res := mustWrite(t, five[:2], to); !res.Changed || res.Generation != 2 {
		t.Errorf("shorter: %+v", res)
	}
	if got := names(t, dir); got != "suppression.csv suppression.csv.manifest.json" {
		t.Errorf("after a shorter list: %s", got)
	}
	to.Profile.MaxRows, to.Profile.MaxBytes = 0, 40
	if res := mustWrite(t, five, to); len(res.Files) != 3 {
		t.Errorf("by bytes: %v", res.Files)
	}
}

// One address that is blocked in two streams is written once, with the
// stronger reason.
func TestOneRowPerAddress(t *testing.T) {
	dir := t.TempDir()
	to := target(t, "csv", dir)
	res := mustWrite(t, []query.Suppression{hard("a@example.org", as("unsubscribe", "unsubscribe", bounce.ClassNone)), hard("a@example.org"), hard("A@example.org", as("bounce", "mailbox_full", bounce.ClassSoft))}, to)
	b, _ := os.ReadFile(to.Path)
	if res.Rows != 1 || !strings.Contains(string(b), "\na@example.org,user_unknown,hard,") {
		t.Errorf("%+v\n%s", res, b)
	}
}

// A file for all mail says that it blocks more than was decided.
func TestNarrowScopesAreTold(t *testing.T) {
	optOut := hard("a@example.org", as("unsubscribe", "unsubscribe", bounce.ClassNone), func(e *query.Suppression) { e.Scope, e.Stream = policy.ScopeStream, "news" })
	for stream, want := range map[string]int{"": 2, "news": 1} {
		to := target(t, "email", t.TempDir())
		to.Filter.Stream = stream
		mustWrite(t, []query.Suppression{optOut}, to)
		if m, err := ReadManifest(to.Path); err != nil || len(m.Losses) != want {
			t.Errorf("stream %q: %q, %v", stream, m.Losses, err)
		}
	}
}

// The scope that is configured stands in the column that the target has for
// it, also where an entry never expires.
func TestScope(t *testing.T) {
	to := target(t, "cloudflare", t.TempDir())
	var err error
	if to.Profile, err = to.Profile.WithScope("a,b"); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, []query.Suppression{hard("a@example.org"), hard("b@example.org", as("operator", "manual", bounce.ClassNone))}, to)
	got, err := os.ReadFile(to.Path)
	if want := "a@example.org,2028-03-02T07:11:09Z,\"a,b\"\nb@example.org,,\"a,b\"\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := target(t, "ses", "").Profile.WithScope("x"); err == nil {
		t.Error("SES takes a scope")
	}
}

// What the manifest says is what the files hold.
func TestManifest(t *testing.T) {
	to := target(t, "email", t.TempDir())
	to.Generation = 7
	mustWrite(t, nasty(), to)
	m, err := ReadManifest(to.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := fileSum(to.Path)
	if err != nil || m.Generation != 8 || m.Parts[0].SHA256 != fmt.Sprintf("%x", sum) || m.SHA256 != m.Parts[0].SHA256 || m.Rows != m.Parts[0].Rows {
		t.Errorf("%+v, %v", m, err)
	}
	if err := os.WriteFile(ManifestPath(to.Path), []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	var syntax *json.SyntaxError
	if _, err := ReadManifest(to.Path); !errors.As(err, &syntax) || !strings.Contains(err.Error(), "begin anew") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkMillion writes a million suppressions per turn. peak-MB is the most
// memory that the Go runtime held for it.
func BenchmarkMillion(b *testing.B) {
	like := hard("user0000000.surname@example000.com")
	entries := func(yield func(query.Suppression, error) bool) {
		e := like
		for i := range 1_000_000 {
			e.Key = "user" + strconv.Itoa(1_000_000+i) + ".surname@example000.com"
			e.Address = e.Key
			if !yield(e, nil) {
				return
			}
		}
	}
	for _, p := range Profiles() {
		if p.form.row == nil {
			continue
		}
		b.Run(p.Name, func(b *testing.B) {
			dir := b.TempDir()
			var most uint64
			watched := func(yield func(query.Suppression, error) bool) {
				n := 0
				entries(func(e query.Suppression, err error) bool {
					if n++; n%100_000 == 0 {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						most = max(most, m.Sys-m.HeapReleased)
					}
					return yield(e, err)
				})
			}
			for b.Loop() {
				if _, err := Write(context.Background(), watched, target(b, p.Name, dir)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(most)/1e6, "peak-MB")
		})
	}
}

// A profile that reads the list briefly writes the same from what it reads.
func TestBriefReadingGivesTheSameFile(t *testing.T) {
	var brief []query.Suppression
	for _, e := range nasty() {
		brief = append(brief, query.Suppression{Address: e.Address, Key: e.Key, Source: e.Source, Scope: e.Scope, Class: e.Class, Reason: e.Reason, Status: e.Status})
	}
	n := 0
	for _, p := range Profiles() {
		to := target(t, p.Name, t.TempDir())
		if p.form.row == nil || !to.Reading().Brief {
			continue
		}
		n++
		want := mustWrite(t, nasty(), to)
		to.Path = filepath.Join(t.TempDir(), "brief")
		if got := mustWrite(t, brief, to); got.SHA256 != want.SHA256 || got.Skipped != want.Skipped || got.Omitted != want.Omitted {
			t.Errorf("%s: %+v, want %+v", p.Name, got, want)
		}
	}
	if n < 15 {
		t.Errorf("only %d profiles read briefly", n)
	}
}

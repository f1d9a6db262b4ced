package rules

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"harvester/parse/bounce"
)

func load(t *testing.T, base *Set, files map[string]string) (*Set, error) {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(base, dir)
}

// All faults of all files are told at once, each with its place.
func TestLoadTellsEveryFault(t *testing.T) {
	_, err := load(t, nil, map[string]string{
		"a.toml": `
[[rule]]
id = "a.one"
reason = "user_unknwon"
contains = ["x * "]
ip = "near"
colour = "red"

[[rule]]
id = "a.two"
reason = "expired"
status = ["5.1"]
code = "999"
match = "("
contains = [1]
`,
		"b.toml": "[[rule]]\nid = \"a.one\"\nreason = \"expired\"\ncontains = [\"y\"]\n\n[[rule]]\nreason = \"expired\"\nscoped = true\n",
		"d.toml": "[[rule]]\nid = \"d.nested\"\nreason = \"expired\"\ncontains = [\"a (b|c (d|e))\"]\n",
		"c.toml": "vendor = \"c\"\n[[rule]]\nid = \"c.x\nreason = 1\n",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`a.toml:4:1: rule "a.one": reason: unknown reason "user_unknwon"; choose one of `,
		`a.toml:5:1: rule "a.one": contains: phrase "x * " has an empty part`,
		`a.toml:6:1: rule "a.one": ip: it says "near"`,
		`a.toml:7:1: rule "a.one": colour: unknown key; one of id, `,
		`a.toml:12:1: rule "a.two": status: "5.1" is no enhanced status code`,
		`a.toml:13:1: rule "a.two": code: "999" is no reply code`,
		`a.toml:14:1: rule "a.two": match: it does not compile`,
		`a.toml:15:13: rule "a.two": contains: expected a string, found a whole number`,
		`b.toml:1:3: rule "a.one": the id is taken by a rule at a.toml:2`,
		`b.toml:6:3: a rule without id`,
		`b.toml:6:3: scoped, but the file does not say`,
		`c.toml:3:10: not TOML: a quote is opened and not closed on this line`,
		`d.toml:4:1: rule "d.nested": contains: phrase "a (b|c (d|e))": a group stands in another`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 14 {
		t.Errorf("%d faults are told", n)
	}
	if t.Failed() {
		t.Log(err)
	}
}

// An operator's rule replaces the built-in one with its id and leaves the rest.
func TestLoadOverridesByID(t *testing.T) {
	const text = "550 5.7.1 [CS01] Message rejected due to local policy"
	if a := Builtin().Classify(Query{Text: text}); a.Rule != "apple.local-policy" {
		t.Fatalf("got %+v", a)
	}
	s, err := load(t, Builtin(), map[string]string{"own.toml": `
[[rule]]
id       = "apple.local-policy"
contains = ["[cs01]"]
reason   = "reputation_domain"
source   = "own"
examples = ["550 [CS01]"]

[[rule]]
id       = "own.house"
contains = ["our house * is closed"]
remote   = ["*.house.example"]
reason   = "mailbox_disabled"
source   = "own"
examples = ["550 our house in town is closed"]
`})
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Classify(Query{Text: text}); a.Reason != bounce.ReputationDomain || a.Vendor != "apple" {
		t.Errorf("got %+v", a)
	}
	if a := s.Classify(Query{Text: "550 our house is closed", RemoteMTA: "dns; MX1.House.Example."}); a.Rule != "own.house" {
		t.Errorf("got %+v", a)
	}
	if a := s.Classify(Query{Text: "550 our house is closed", RemoteMTA: "mx.example.net"}); a.Rule == "own.house" {
		t.Error("the rule answers for a host that is not its own")
	}
	if s.Version() == Builtin().Version() || len(s.Rules()) != len(Builtin().Rules())+1 {
		t.Error("version or number of rules")
	}
	if again, _ := load(t, Builtin(), map[string]string{}); again.Version() == s.Version() {
		t.Error("two packs, one version")
	}
	if p := s.Lint(); len(p) != 0 {
		t.Error(p)
	}
}

func TestLint(t *testing.T) {
	s, err := load(t, nil, map[string]string{"generic.toml": `
[[rule]]
id       = "g.bare"
contains = ["words of mine"]
reason   = "expired"

[[rule]]
id       = "g.same"
contains = ["words of mine"]
reason   = "expired"
source   = "s"
examples = ["550 words of mine"]

[[rule]]
id       = "g.longer"
contains = ["words of mine that go on"]
reason   = "user_unknown"
source   = "s"
examples = ["550 other"]

[[rule]]
id       = "g.code"
contains = ["fish"]
match    = "a.*b"
status   = "5.7.99"
reason   = "expired"
source   = "s"
examples = ["550 5.7.99 fish"]
`})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, p := range s.Lint() {
		all.WriteString(p.Error() + "\n")
	}
	for _, want := range []string{
		`generic.toml:2:3: rule "g.bare": has no example`, `rule "g.bare": has no source`,
		`rule "g.same": claims "words of mine", and so does "g.bare"`, `rule "g.same": can never win`,
		`rule "g.code": match has an unbounded`, `rule "g.longer": must win this example`,
		`"words of mine" is the beginning of "words of mine that go on" of "g.longer", which means user_unknown`,
		`rule "g.code": IANA does not know the status code 5.7.99`,
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(all.String())
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("vendor=\"v\"\nremote=[\"*.v\"]\n[[rule]]\nid=\"a.b\"\ncontains=[\"(a|b) * c\"]\nreason=\"expired\"\nmatch='x'\nstatus=\"X.1.1\"\nscoped=true", "a z c")
	f.Fuzz(func(t *testing.T, file, text string) {
		s, err := Load(nil, fstest.MapFS{"v.toml": {Data: []byte(file)}})
		if err != nil {
			return
		}
		q := Query{Text: text, RemoteMTA: "mx.v"}
		a := s.Classify(q)
		if b := s.Classify(q); !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v, then %+v", a, b)
		}
		s.Why(q)
		s.Lint()
	})
}

func FuzzClassify(f *testing.F) {
	for _, r := range replies {
		f.Add(r, "5.1.1")
	}
	f.Add("550-=C3=BC Ã¼ \\n 550 5.1.1 -> 451 ('550', ['5.7.1 x", "4.x")
	f.Fuzz(func(t *testing.T, text, field string) {
		q := Query{Text: text, Status: field, Action: bounce.Failed, RemoteMTA: text, ReportingMTA: field}
		a := Builtin().Classify(q)
		if !strings.Contains(a.Diagnostic, a.Evidence) && a.Confidence == bounce.ByRule {
			t.Fatalf("evidence %q is not in %q", a.Evidence, a.Diagnostic)
		}
		won := 0
		for _, s := range Builtin().Why(q) {
			if s.Won {
				won++
				if s.Rule != a.Rule {
					t.Fatalf("Why says %q, Classify %q", s.Rule, a.Rule)
				}
			}
		}
		if won > 1 || won == 0 && a.Reason != bounce.Unclassified {
			t.Fatalf("%d winners for %v", won, a.Reason)
		}
	})
}

// The version is told without reading a rule.
func TestBuiltinVersion(t *testing.T) {
	if got, want := BuiltinVersion(), Builtin().Version(); got != want {
		t.Errorf("%s, and compiled %s", got, want)
	}
}

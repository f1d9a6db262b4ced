package diagnose_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// The zones of others: the suites of openspf.org for RFC 7208 and of pyspf, as
// they lie in the module of the SPF library. They are read where they lie.
var foreignFiles = []string{"rfc7208-tests.yml", "pyspf-tests.yml"}

// foreign is one question of a suite, with the zone that it is about.
type foreign struct {
	name, zone, faults string
	ip, domain, helo   string
	results            []string // any of which is right
	null               bool     // the envelope sender is <>: HELO counts
}

// foreignExceptions are the questions that diagnose answers otherwise, each for
// its reason.
var foreignExceptions = map[string]string{
	"macro-mania-in-domain": aLocalPart, "macro-multiple-delimiters": aLocalPart, "macro-reverse-split-on-dash": aLocalPart, "exists-pass": aLocalPart, "exists-fail": aLocalPart,
	"a-colon-domain": aHostName, "a-colon-domain-ip4mapped": aHostName, "mx-colon-domain": aHostName, "mx-colon-domain-ip4mapped": aHostName,
	"domain-literal": aHostName, "helo-domain-literal": aHostName, "emptylabel": aHostName, "toolonglabel": aHostName,
	"include-at-limit": "the address passes at the tenth look-up; the record costs eleven, which is told",
	"spftimeout":       "it is about records of type SPF, which RFC 7208 dropped",
	"default-modifier": "a modifier of pyspf's own", "default-modifier-harsh": "a modifier of pyspf's own",
}

const (
	aLocalPart = "no local part is asked for: it is always postmaster"
	aHostName  = "what is no host name is never asked for"
)

// words is a string or a list of strings.
type words []string

func (w *words) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = words{n.Value}
		return nil
	}
	return n.Decode((*[]string)(w))
}

// foreignSuites reads the questions that a DNS server can be asked.
func foreignSuites(t *testing.T) (out []foreign) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "blitiri.com.ar/go/spf").Output()
	if err != nil {
		t.Skipf("the module of the SPF library is not here: %v", err)
	}
	for _, name := range foreignFiles {
		f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for dec := yaml.NewDecoder(f); ; {
			var suite struct {
				Tests map[string]struct {
					Helo, Host, MailFrom string
					Result               words
				}
				ZoneData map[string][]yaml.Node `yaml:"zonedata"`
			}
			if err := dec.Decode(&suite); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			zone, faults := foreignZone(t, suite.ZoneData)
			var names []string
			for n := range suite.Tests {
				names = append(names, n)
			}
			slices.Sort(names)
			for _, n := range names {
				x := suite.Tests[n]
				q := foreign{name: n, zone: zone, faults: faults, ip: x.Host, helo: x.Helo, results: x.Result, domain: x.MailFrom[strings.LastIndexByte(x.MailFrom, '@')+1:]}
				if q.domain == "" {
					q.domain, q.null = x.Helo, true
				}
				out = append(out, q)
			}
		}
	}
	return out
}

// foreignZone writes the records of a suite as a master file, and its time-outs
// and loops as faults.
func foreignZone(t *testing.T, data map[string][]yaml.Node) (string, string) {
	t.Helper()
	var zone, faults strings.Builder
	for owner, records := range data {
		owner = escaped(owner) + "."
		if strings.Contains(owner, "..") {
			continue // no server can hold it
		}
		txt := false
		for i := range records {
			var r map[string]yaml.Node
			txt = txt || records[i].Decode(&r) == nil && r["TXT"].Value+r["TXT"].Tag != ""
		}
		for i := range records {
			var r map[string]yaml.Node
			if err := records[i].Decode(&r); err != nil { // "- TIMEOUT"
				fmt.Fprintf(&faults, "servfail =%s\n", owner)
				continue
			}
			for typ, v := range r {
				var w words
				if err := v.Decode(&w); err != nil {
					t.Fatal(err)
				}
				if len(w) == 0 {
					continue // a record without a string: no master file holds it
				}
				switch {
				case typ == "TIMEOUT" || typ == "SERVFAIL" || typ == "CNAMELOOP":
					fmt.Fprintf(&faults, "servfail =%s\n", owner)
				case typ == "SPF" && !txt, typ == "TXT" && w[0] != "NONE":
					fmt.Fprintf(&zone, "%s TXT", owner)
					for _, s := range w {
						for ; len(s) > 255; s = s[255:] {
							fmt.Fprintf(&zone, " \"%s\"", escaped(s[:255]))
						}
						fmt.Fprintf(&zone, " \"%s\"", escaped(s))
					}
					zone.WriteByte('\n')
				case typ == "MX":
					fmt.Fprintf(&zone, "%s MX %s %s.\n", owner, w[0], escaped(w[1]))
				case typ == "PTR" || typ == "CNAME":
					fmt.Fprintf(&zone, "%s %s %s.\n", owner, typ, escaped(strings.TrimSuffix(w[0], ".")))
				case typ == "A" || typ == "AAAA":
					fmt.Fprintf(&zone, "%s %s %s\n", owner, typ, w[0])
				}
			}
		}
	}
	return zone.String(), faults.String()
}

// escaped is a text as a master file holds it.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"\\;()$@", c) >= 0 {
			fmt.Fprintf(&b, "\\%03d", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// result is what a receiver would have said, by what was found.
func (q *foreign) result(list []diagnose.Finding) string {
	for i := range list {
		f := &list[i]
		switch {
		case f.ID == "spf.pass":
			return "pass"
		case f.Verdict == diagnose.CannotTell:
			return "temperror"
		case f.ID == "spf.missing_ip" || f.ID == "spf.ipv6":
			for _, m := range f.Measured {
				if strings.HasPrefix(m.What, "SPF of ") {
					return m.Values[0]
				}
			}
		case f.Verdict == diagnose.Confirmed && !f.Advice && f.ID == "spf.version":
			return "none"
		case f.Verdict == diagnose.Confirmed && !f.Advice:
			return "permerror"
		}
	}
	return "?"
}

func (q *foreign) find(t *testing.T, server string) []diagnose.Finding {
	t.Helper()
	client, err := resolve.New(resolve.Options{Servers: []string{server}, Timeout: 10 * time.Second, Rate: 10000})
	if err != nil {
		t.Fatal(err)
	}
	ev := diagnose.Evidence{Group: "spf", MailFrom: q.domain, Helo: q.helo, Null: q.null, Direct: true, Claim: diagnose.Claim{Sentence: "SPF", Reason: bounce.AuthSPF, First: now, Last: now, Count: 1}}
	ev.IP, _ = netip.ParseAddr(q.ip)
	c := diagnose.New(diagnose.Options{Client: client, Own: []string{q.domain}, Now: func() time.Time { return now }})
	return c.Incident(context.Background(), &ev)
}

// On the zones of others diagnose says what they expect.
func TestForeignZones(t *testing.T) {
	suites := foreignSuites(t)
	for i := range suites {
		q := &suites[i]
		if ip, _ := netip.ParseAddr(q.ip); ip.IsPrivate() || ip.IsLoopback() {
			continue // nobody on the Internet sends from there, and nobody is asked
		}
		server, err := dnstest.New(q.zone, q.faults)
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
			continue
		}
		list := q.find(t, server.Addr)
		server.Close()
		if got := q.result(list); slices.Contains(q.results, got) == (foreignExceptions[q.name] != "") {
			t.Errorf("%s (%s for %s): %s, want %v (%s):\n%s", q.name, q.domain, q.ip, got, q.results, foreignExceptions[q.name], short(list, server.Addr))
		}
	}
	if len(suites) < 200 {
		t.Errorf("%d questions only", len(suites))
	}
}

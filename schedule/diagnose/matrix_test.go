package diagnose_test

import (
	"bufio"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"harvester/parse/mime"
	"harvester/schedule/diagnose"
)

// Every verdict of every check that can be looked up has three scenarios at
// least. The other checks (restricted, account, rate, cause, sender, helo, mail)
// know one verdict or two by their nature: nobody but the receiver can see what
// they are about.
func TestEveryVerdictHasScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]map[diagnose.Verdict]int{}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "want" {
				continue
			}
			for sc := bufio.NewScanner(strings.NewReader(string(f.Data))); sc.Scan(); {
				w := strings.Fields(sc.Text())
				if len(w) < 3 || strings.HasPrefix(sc.Text(), " ") {
					continue
				}
				check, _, _ := strings.Cut(w[1], ".")
				if n[check] == nil {
					n[check] = map[diagnose.Verdict]int{}
				}
				n[check][diagnose.Verdict(w[0])]++
			}
		}
	}
	for _, check := range []string{"spf", "dkim", "dmarc", "ptr", "dnsbl", "tls", "route", "domain"} {
		for _, v := range []diagnose.Verdict{diagnose.Confirmed, diagnose.Refuted, diagnose.Mended, diagnose.CannotTell} {
			if n[check][v] < 3 {
				t.Errorf("%s is %s in %d scenarios only", check, v, n[check][v])
			}
		}
	}
	if len(files) < 100 {
		t.Errorf("%d scenarios", len(files))
	}
}

// A kept notice adds what it shows of the mail that came back, unless it is
// about another one.
func TestComplete(t *testing.T) {
	header := mime.Header{{Name: "From", Value: "news@example.org"}}
	told := diagnose.Evidence{Cause: "spf", MailFrom: "example.org", Remote: "mx.example.net", IP: netip.MustParseAddr("192.0.2.25"), Helo: "out.example.org", Header: header,
		Signatures: []string{"s1._domainkey.example.org"}}
	stored := diagnose.Evidence{Cause: "spf", Remote: "mx.example.net"}
	if stored.Complete(&told); stored.Header == nil || stored.IP != told.IP || stored.Helo != told.Helo || stored.MailFrom != "example.org" || len(stored.Signatures) != 1 {
		t.Errorf("%+v", stored)
	}
	for _, other := range []diagnose.Evidence{{Cause: "dkim"}, {Cause: "spf", MailFrom: "example.com"}, {Cause: "spf", IP: netip.MustParseAddr("192.0.2.26")}, {Cause: "spf", Remote: "mx2.example.net"}} {
		if other.Complete(&told); other.Header != nil {
			t.Errorf("%+v", other)
		}
	}
}

package diagnose_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// Mails, keys and records of others, read where they lie: the tests of go-msgauth
// in its module, those of dkimpy in Debian's python3-dkim, those of OpenDMARC in
// the source that checkers/compare.sh fetches.

// dkimpyData is where python3-dkim puts its test data.
const dkimpyData = "/usr/lib/python3/dist-packages/dkim/tests/data"

// constants are the string constants of Go files.
func constants(t *testing.T, pattern string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var value func(e ast.Expr) string
	value = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, _ := strconv.Unquote(e.Value)
			return s
		case *ast.BinaryExpr:
			return value(e.X) + value(e.Y)
		case *ast.Ident:
			return out[e.Name]
		}
		return ""
	}
	for range 2 { // one may be made of another that stands below
		for _, path := range files {
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
					out[v.Names[0].Name] = value(v.Values[0])
				}
				return true
			})
		}
	}
	return out
}

// returned is a notice of our server that returns a mail whole.
func returned(own, mail string) string {
	return fmt.Sprintf(`From: MAILER-DAEMON@mail.%s
To: bounces@%[1]s
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.%[1]s

Final-Recipient: rfc822; jane@example.net
Action: failed
Status: 5.7.20
Diagnostic-Code: smtp; 550 5.7.20 192.0.2.25: DKIM signature did not verify

--=_b
Content-Type: message/rfc822

%s
--=_b--
`, own, strings.ReplaceAll(mail, "\r\n", "\n"))
}

func zoneTXT(name, text string) string {
	line := name + ". TXT"
	for ; len(text) > 255; text = text[255:] {
		line += " \"" + escaped(text[:255]) + "\""
	}
	return line + " \"" + escaped(text) + "\"\n"
}

func vectorChecker(t *testing.T, own, zone string) *diagnose.Checker {
	t.Helper()
	client, err := resolve.New(resolve.Options{Servers: []string{dnstest.Start(t, zone, "").Addr}, Rate: 10000, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return diagnose.New(diagnose.Options{Client: client, Own: []string{own}, Now: func() time.Time { return now }})
}

func foundIDs(list []diagnose.Finding) string {
	var ids []string
	for i := range list {
		ids = append(ids, list[i].ID)
	}
	return strings.Join(ids, " ")
}

// Mail that another library signed, and its tests verify, verifies here when it
// comes back; the same mail with another Subject does not.
func TestForeignSignatures(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emersion/go-msgauth").Output()
	if err != nil {
		t.Skipf("the module of the DKIM library is not here: %v", err)
	}
	all := constants(t, filepath.Join(strings.TrimSpace(string(dir)), "dkim", "*_test.go"))
	rsa, raw, ed := all["dnsPublicKey"], all["dnsRawRSAPublicKey"], all["dnsEd25519PublicKey"]
	zone := zoneTXT("brisbane._domainkey.example.com", rsa) + zoneTXT("brisbane._domainkey.example.org", rsa) + zoneTXT("newengland._domainkey.example.com", raw) +
		zoneTXT("test._domainkey.football.example.com", rsa) + zoneTXT("brisbane._domainkey.football.example.com", ed)
	type vector struct{ name, own, zone, mail string }
	vectors := []vector{
		{"verifiedMailString", "example.com", zone, all["verifiedMailString"]}, {"verifiedRawRSAMailString", "example.com", zone, all["verifiedRawRSAMailString"]},
		{"verifiedEd25519MailString", "football.example.com", zone, all["verifiedEd25519MailString"]},
		{"signedMailString", "example.org", zone, all["signedMailString"]},
	}
	if mail, err := os.ReadFile(filepath.Join(dkimpyData, "rfc6376.signed.rsa.msg")); err == nil {
		key, err := os.ReadFile(filepath.Join(dkimpyData, "test.txt"))
		if err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, vector{"dkimpy: rfc6376.signed.rsa.msg", "football.example.com", zoneTXT("test._domainkey.football.example.com", strings.TrimSpace(string(key))), string(mail)})
	}
	for _, x := range vectors {
		if x.mail == "" {
			t.Errorf("%s is gone", x.name)
			continue
		}
		c := vectorChecker(t, x.own, x.zone)
		find := func(mail string) string {
			text := returned(x.own, mail)
			res := parse.Parse([]byte(text), &parse.Options{OwnDomains: c.Own})
			evs := diagnose.Notice([]byte(text), &res, c.Own)
			if len(evs) != 1 {
				t.Fatalf("%s: %d claims", x.name, len(evs))
			}
			return foundIDs(c.Incident(context.Background(), &evs[0]))
		}
		if got := find(x.mail); !strings.Contains(got, "dkim.header_verifies") {
			t.Errorf("%s: %s", x.name, got)
		}
		if got := find(strings.Replace(x.mail, "Subject: Is", "Subject: [list] Is", 1)); strings.Contains(got, "dkim.header_verifies") {
			t.Errorf("%s with another Subject: %s", x.name, got)
		}
	}
}

// What dkimpy's tests take for a key is one here; what they refuse is a fault.
func TestForeignKeys(t *testing.T) {
	if _, err := os.Stat(dkimpyData); err != nil {
		t.Skip("dkimpy's test data is not here (apt-get install python3-dkim)")
	}
	for file, want := range map[string]string{
		"test.txt": "dkim.key", "test2.txt": "dkim.key", "1024_testkey_wo_markers.pub.txt": "dkim.key", "1024_testkey_wo_markers.pub.rsa.txt": "dkim.key",
		"2048_testkey_wo_markers.pub.txt": "dkim.key", "2048_testkey_wo_markers.pub.rsa.txt": "dkim.key", "2048_testkey_PKCS8.key.pub.txt": "dkim.key",
		"ed25519test.dns": "dkim.key", "eximtest.dns": "dkim.key",
		"badversion.txt": "dkim.key_broken", "badk.txt": "dkim.key_broken", "test_bad.txt": "dkim.key_broken",
	} {
		raw, err := os.ReadFile(filepath.Join(dkimpyData, file))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		c := vectorChecker(t, "example.org", zoneTXT("s1._domainkey.example.org", strings.TrimSpace(string(raw))))
		list := c.Incident(context.Background(), &diagnose.Evidence{Group: "dkim", From: "example.org", Signatures: []string{"s1._domainkey.example.org"},
			Claim: diagnose.Claim{Sentence: "550 DKIM", Count: 1, First: now, Last: now}})
		if got := foundIDs(list); strings.Fields(got)[0] != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

var dmarcRow = regexp.MustCompile(`\{"([^"]*)",\s*(DMARC_PARSE_\w+)\}`)

// Records that OpenDMARC's tests take for sound are so here, but for what the
// standard dropped since and whether reports come; those that they refuse are
// told. "p=n" is no policy: nothing in RFC 9989 cuts it short.
func TestForeignPolicies(t *testing.T) {
	dir := os.Getenv("HARVESTER_OPENDMARC")
	if dir == "" {
		t.Skip("needs the source of OpenDMARC: make checkers, or HARVESTER_OPENDMARC=folder of libopendmarc/tests")
	}
	text, err := os.ReadFile(filepath.Join(dir, "test_dmarc_parse.c"))
	if err != nil {
		t.Fatal(err)
	}
	rows := dmarcRow.FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		record, sound := row[1], row[2] == "DMARC_PARSE_OKAY"
		c := vectorChecker(t, "example.org", zoneTXT("_dmarc.example.org", record)+"example.org. MX 10 mail.example.org.\nmail.example.org. A 192.0.2.10\n")
		var told []string
		for _, f := range c.Domain(context.Background(), "example.org") {
			if f.Check() == "dmarc" && f.Verdict == diagnose.Confirmed {
				told = append(told, f.ID)
			}
		}
		if sound {
			told = slices.DeleteFunc(told, func(id string) bool {
				return id == "dmarc.obsolete" || strings.HasPrefix(id, "dmarc.report_") || strings.HasSuffix(record, "p=n;")
			})
		}
		if (len(told) == 0) != sound {
			t.Errorf("%q: %v, OpenDMARC's tests say %s", record, told, row[2])
		}
	}
	if len(rows) < 15 {
		t.Errorf("%d records only", len(rows))
	}
}

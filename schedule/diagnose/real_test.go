package diagnose_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// realZones are served by our own server of the tests, and by nsd behind a
// validating unbound. bogus.example is signed with a key that unbound does not
// trust.
var realZones = map[string]string{
	"example.org": `example.org. SOA ns.example.org. host.example.org. 1 3600 600 86400 300
example.org. NS ns.example.org.
ns.example.org. A 127.0.0.1
example.org. A 192.0.2.10
example.org. MX 10 mail.example.org.
mail.example.org. A 192.0.2.10
example.org. TXT "v=spf1 mx include:spf.example.org" " -all"
spf.example.org. TXT "v=spf1 ip4:192.0.2.64/28 -all"
_dmarc.example.org. TXT "v=DMARC1; p=reject; rua=mailto:d@example.org"
s1._domainkey.example.org. CNAME s1.keys.example.org.
s1.keys.example.org. TXT "v=DKIM1; p="
*.wild.example.org. TXT "v=spf1 ip4:192.0.2.25 -all"
null.example.org. MX 0 .
_25._tcp.mail.example.org. TLSA 1 0 1 ` + "abababababababababababababababababababababababababababababababab" + `
`,
	"bogus.example": `bogus.example. SOA ns.bogus.example. host.bogus.example. 1 3600 600 86400 300
bogus.example. NS ns.bogus.example.
ns.bogus.example. A 127.0.0.1
bogus.example. MX 10 mx.bogus.example.
mx.bogus.example. A 198.51.100.9
`,
	"org": `org. SOA ns.example.org. host.example.org. 1 3600 600 86400 300
org. NS ns.example.org.
`,
	"2.0.192.in-addr.arpa": `2.0.192.in-addr.arpa. SOA ns.example.org. host.example.org. 1 3600 600 86400 300
2.0.192.in-addr.arpa. NS ns.example.org.
10.2.0.192.in-addr.arpa. PTR mail.example.org.
`,
}

// With a real resolver and a real authoritative server the findings are the
// same as with the server of the tests.
func TestRealServers(t *testing.T) {
	for _, program := range []string{"unbound", "nsd", "ldns-keygen", "ldns-signzone"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("HARVESTER_REQUIRE_DNS") != "" {
				t.Fatalf("%s is not installed (apt-get install unbound nsd ldnsutils)", program)
			}
			t.Skipf("%s is not installed (apt-get install unbound nsd ldnsutils)", program)
		}
	}
	real := startReal(t)
	var all strings.Builder
	for _, z := range realZones {
		all.WriteString(z)
	}
	ours := dnstest.Start(t, all.String(), "servfail bogus.example\nad example.org")
	got, want := realFindings(t, real), realFindings(t, ours.Addr)
	if got != want {
		t.Errorf("with unbound and nsd\n%s\nwith the server of the tests\n%s", got, want)
	}
	for _, id := range []string{"confirmed spf.missing_ip", "refuted spf.pass", "confirmed dkim.key_revoked", "confirmed dmarc.not_aligned", "confirmed ptr.none", "refuted ptr.confirmed",
		"confirmed tls.dane_unusable", "cannot_tell domain.unknown", "confirmed domain.null_mx", "confirmed domain.nxdomain"} {
		if !strings.Contains(got, id) {
			t.Errorf("%s is not among\n%s", id, got)
		}
	}
}

func realFindings(t *testing.T, server string) string {
	t.Helper()
	client, err := resolve.New(resolve.Options{Servers: []string{server}, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c := diagnose.New(diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return now }})
	claim := func(text string, reason bounce.Reason) diagnose.Claim {
		return diagnose.Claim{Sentence: text, Reason: reason, First: now, Last: now, Count: 1}
	}
	out := ""
	for _, ev := range []diagnose.Evidence{
		{Group: "spf", IP: netip.MustParseAddr("192.0.2.25"), Direct: true, MailFrom: "example.org", Claim: claim("SPF", bounce.AuthSPF)},
		{Group: "spf", IP: netip.MustParseAddr("192.0.2.70"), MailFrom: "Example.ORG.", Claim: claim("SPF", bounce.AuthSPF)},
		{Group: "spf", IP: netip.MustParseAddr("192.0.2.25"), MailFrom: "any.wild.example.org", Claim: claim("SPF", bounce.AuthSPF)},
		{Group: "dkim", From: "example.org", Signatures: []string{"s1._domainkey.example.org"}, Claim: claim("DKIM", bounce.AuthDKIM)},
		{Group: "dmarc", From: "news.example.org", MailFrom: "bounce.example.com", Claim: claim("DMARC", bounce.AuthDMARC)},
		{Group: "ptr", IP: netip.MustParseAddr("192.0.2.26"), Claim: claim("PTR", bounce.AuthPTR)},
		{Group: "ptr", IP: netip.MustParseAddr("192.0.2.10"), Claim: claim("PTR", bounce.AuthPTR)},
		{Group: "tls", Recipient: "example.org", Remote: "mail.example.org", Claim: claim("No usable TLSA records", bounce.TLSFailed)},
		{Recipient: "bogus.example", Claim: claim("unknown", bounce.DomainUnknown)},
		{Recipient: "null.example.org", Claim: claim("unknown", bounce.DomainUnknown)},
		{Recipient: "gone.example.org", Claim: claim("unknown", bounce.DomainUnknown)},
	} {
		out += short(c.Incident(context.Background(), &ev), server)
	}
	return out
}

// startReal signs the zones, and runs nsd behind unbound until the test ends.
func startReal(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tool := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	authority, resolver := freePort(t), freePort(t)
	nsd := fmt.Sprintf("server:\n  ip-address: 127.0.0.1@%d\n  username: \"\"\n  zonesdir: %q\n  pidfile: \"\"\n  database: \"\"\n  server-count: 1\n  xfrdfile: \"\"\n  zonelistfile: %q\nremote-control:\n  control-enable: no\n",
		authority, dir, filepath.Join(dir, "list"))
	unbound := fmt.Sprintf("server:\n  interface: 127.0.0.1@%d\n  chroot: \"\"\n  username: \"\"\n  directory: %q\n  pidfile: \"\"\n  use-syslog: no\n  do-not-query-localhost: no\n  module-config: \"validator iterator\"\n  do-ip6: no\n  local-zone: \"2.0.192.in-addr.arpa.\" nodefault\n",
		resolver, dir)
	stubs := ""
	for name, text := range realZones {
		path := write(name+".zone", "$TTL 3600\n"+text)
		if strings.HasPrefix(text, "example.org.") || strings.HasPrefix(text, "bogus.example.") {
			key := tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name)
			tool("ldns-signzone", "-o", name, "-e", "20361231000000", name+".zone", key)
			path += ".signed"
			if name == "bogus.example" { // another key than the one that signed
				key = tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name)
			}
			unbound += fmt.Sprintf("  trust-anchor-file: %q\n", filepath.Join(dir, key+".key"))
		}
		nsd += fmt.Sprintf("zone:\n  name: %q\n  zonefile: %q\n", name, path)
		stubs += fmt.Sprintf("stub-zone:\n  name: %q\n  stub-addr: 127.0.0.1@%d\n", name, authority)
	}
	start(t, "nsd", "-d", "-c", write("nsd.conf", nsd))
	start(t, "unbound", "-d", "-c", write("unbound.conf", unbound+stubs))
	addr := fmt.Sprintf("127.0.0.1:%d", resolver)
	client := dns.Client{Timeout: 5 * time.Second}
	q := new(dns.Msg)
	q.SetQuestion("example.org.", dns.TypeSOA)
	for deadline := time.Now().Add(time.Minute); ; {
		in, _, err := client.Exchange(q, addr)
		if err == nil && len(in.Answer) > 0 {
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("unbound does not answer: %v %v", in, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func start(t *testing.T, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		text, _ := os.ReadFile(log.Name())
		log.Close()
		if t.Failed() {
			t.Logf("%s said\n%s", name, text)
		}
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

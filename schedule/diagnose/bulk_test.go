package diagnose_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// bulk is one kind of failure of those that a day brings, and what is found.
var bulk = []struct {
	group, reply string
	reason       bounce.Reason
	want         string
}{
	{"spf", "550 5.7.23 SPF validation failed", bounce.AuthSPF, "spf.missing_ip"},
	{"dkim", "550 5.7.20 DKIM failed", bounce.AuthDKIM, "dkim.key_missing"},
	{"dmarc", "550 5.7.26 DMARC", bounce.AuthDMARC, "dmarc.none"},
	{"blocklist", "554 blocked using zen.spamhaus.org", bounce.ReputationIP, "dnsbl.listed"},
	{"ptr", "550 5.7.25 no PTR record", bounce.AuthPTR, "ptr.none"},
	{"tls", "530 5.7.0 Must issue a STARTTLS command first", bounce.TLSFailed, "tls.they_require"},
}

// Five hundred mixed failures ask few questions: what was asked is not asked
// again, whoever's failure needs it. How long that takes is printed by the
// benchmark.
func TestFiveHundredFailures(t *testing.T) {
	if n := fiveHundred(t, ""); n > 200 {
		t.Errorf("%d questions", n)
	}
}

// With a server that takes 20 ms for each answer.
func BenchmarkFiveHundredFailures(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(fiveHundred(b, "delay 20ms")), "questions")
	}
}

// fiveHundred checks five hundred failures of all kinds, and returns how many
// questions that took.
func fiveHundred(t testing.TB, faults string) int {
	t.Helper()
	common, err := os.ReadFile("testdata/common.zone")
	if err != nil {
		t.Fatal(err)
	}
	zone := string(common) + "example.org. TXT \"v=spf1 mx -all\"\n"
	for host := range 20 { // all of our hosts that are refused
		zone += fmt.Sprintf("%d.2.0.192.zen.spamhaus.org. A 127.0.0.4\n", 25+host)
	}
	server := dnstest.Start(t, zone, faults)
	client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c := diagnose.New(diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return now }})
	for i := range 500 {
		b, ip := bulk[i%len(bulk)], netip.AddrFrom4([4]byte{192, 0, 2, byte(25 + i%20)})
		list := c.Incident(context.Background(), &diagnose.Evidence{Incident: fmt.Sprint(i), Group: b.group, IP: ip, Direct: true, MailFrom: "example.org",
			From: "example.org", Signatures: []string{fmt.Sprintf("s%d._domainkey.example.org", i%10)}, Recipient: "example.net", Remote: "mx.example.net",
			Claim: diagnose.Claim{Sentence: b.reply, Reason: b.reason, First: now, Last: now, Count: 1}})
		if len(list) == 0 || list[0].ID != b.want || list[0].Verdict != diagnose.Confirmed {
			t.Fatalf("%s: %+v", b.group, list)
		}
		if b.want == "spf.missing_ip" && (len(list[0].Records) != 1 || list[0].Records[0].After != "v=spf1 mx ip4:"+ip.String()+" -all") {
			t.Fatalf("%+v", list[0].Records)
		}
	}
	return len(server.Asked())
}

// Nothing that mail or DNS can hold makes a check fail in another way than by
// saying that it can't tell.
func FuzzIncident(f *testing.F) {
	f.Add("spf", "550 5.7.23 failed for 192.0.2.25", "example.org", "v=spf1 mx -all", "192.0.2.25")
	f.Add("dmarc", "550 DMARC", "x.example.org", "v=DMARC1; p=", "::1")
	f.Add("blocklist", "zen.spamhaus.org", "example.org", "v=DKIM1; p=\x00\x1b", "1.2.3.4")
	f.Fuzz(func(t *testing.T, group, reply, domain, record, ip string) {
		if len(record) > 4000 || len(domain) > 1000 {
			t.Skip()
		}
		quoted := fmt.Sprintf("%q", record)
		quoted = strings.NewReplacer(`\x`, "", `\u`, "", `\U`, "", `\n`, "", `\t`, "", `\r`, "", `\a`, "", `\b`, "", `\f`, "", `\v`, "").Replace(quoted)
		server, err := dnstest.New("example.org. TXT "+quoted+"\n_dmarc.example.org. TXT "+quoted+"\ns1._domainkey.example.org. TXT "+quoted+"\n", "")
		if err != nil {
			t.Skip() // no zone file holds it
		}
		defer server.Close()
		client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}, Budget: 300})
		if err != nil {
			t.Fatal(err)
		}
		ev := diagnose.Evidence{Group: group, MailFrom: domain, From: domain, Helo: domain, Recipient: domain, Remote: domain, Signatures: []string{"s1._domainkey." + domain, reply},
			Claim: diagnose.Claim{Sentence: reply, Count: 1, First: now, Last: now}}
		ev.IP, _ = netip.ParseAddr(ip)
		c := diagnose.New(diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return now }})
		sound(t, c.Incident(context.Background(), &ev))
	})
}

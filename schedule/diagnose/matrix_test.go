package diagnose_test

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"harvester/parse/mime"
	"harvester/schedule/diagnose"
)

// scenarios are the checks that can be looked up.
var scenarios = []string{"spf", "dkim", "dmarc", "ptr", "dnsbl", "tls", "route", "domain"}

// looks are the things that are checked, with the findings that tell of each. A
// word with a dot at its end stands for all that begin with it.
var looks = map[string][]string{
	"SPF: an address that is missing": {"spf.missing_ip"}, "SPF: too many look-ups": {"spf.too_many"}, "SPF: void look-ups": {"spf.void"},
	"SPF: several records": {"spf.multiple"}, "SPF: syntax and unknown mechanisms": {"spf.syntax"}, "SPF: macros": {"spf.macro"}, "SPF: loops": {"spf.loop"},
	"SPF: the include of a service": {"spf.missing_include"}, "SPF: includes that lead nowhere": {"spf.include_missing"}, "SPF: IPv6": {"spf.ipv6"},
	"SPF: forwarders": {"spf.forwarded", "spf.stranger"},
	"DKIM: no key":    {"dkim.key_missing"}, "DKIM: revoked": {"dkim.key_revoked"}, "DKIM: weak": {"dkim.key_weak"}, "DKIM: too short": {"dkim.key_short"}, "DKIM: test mode": {"dkim.testing"},
	"DKIM: expired": {"dkim.expired"}, "DKIM: alignment": {"dkim.not_aligned"}, "DKIM: several keys": {"dkim.key_multiple"}, "DKIM: keys that can't be read": {"dkim.key_broken"},
	"DKIM: what a header alone shows": {"dkim.malformed", "dkim.unsigned", "dkim.sha1"},
	"DMARC: no record":                {"dmarc.none"}, "DMARC: several records": {"dmarc.multiple"}, "DMARC: alignment": {"dmarc.not_aligned"}, "DMARC: strict": {"dmarc.strict"},
	"DMARC: organisational domain": {"dmarc.discovery_differs"}, "DMARC: sp": {"dmarc.sp"}, "DMARC: reports": {"dmarc.report_address"}, "DMARC: leave for reports": {"dmarc.report_permit"},
	"PTR: none": {"ptr.none"}, "PTR: forward confirmation": {"ptr.mismatch"}, "HELO": {"helo."},
	"lists: listed": {"dnsbl.listed"}, "lists: errors are no listing": {"dnsbl.unknown"}, "lists: closed": {"dnsbl.closed"},
	"TLS: not offered": {"tls.not_offered"}, "TLS: they want it": {"tls.they_require"}, "TLS: our policy": {"tls.policy"}, "TLS: certificate": {"tls.certificate"},
	"TLS: MTA-STS": {"tls.sts_mx"}, "TLS: DANE": {"tls.dane_mismatch"}, "TLS: DANE of no use": {"tls.dane_unusable"},
	"route: not the mail host": {"route.not_mx"}, "route: the mail host refuses": {"route.mx_refuses"}, "route: our own relay": {"route.own_relay"},
	"recipients: no such domain": {"domain.nxdomain"}, "recipients: SERVFAIL is no death": {"domain.unknown"}, "recipients: null MX": {"domain.null_mx"},
	"recipients: parked": {"domain.parked"}, "recipients: no mail": {"domain.no_mail"}, "recipients: typos": {"domain.typo"},
	"Microsoft's groups and tenants": {"restricted."}, "rules of Gmail": {"requirements.google"}, "rules of Yahoo": {"requirements.yahoo"}, "rules of Outlook.com": {"requirements.microsoft"},
	"one click to unsubscribe": {"mail.unsubscribe"}, "the sender's domain": {"sender."},
}

// Every verdict of every check that can be looked up, and everything that is
// checked, has three scenarios at least. The other checks (restricted, account,
// rate, cause, mail) know one verdict or two by their nature: nobody but the
// receiver can see what they are about.
func TestEveryVerdictHasScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	verdicts, found := map[string]int{}, map[string]int{}
	for _, path := range files {
		for word := range told(t, path) {
			if verdict, id, ok := strings.Cut(word, " "); ok {
				check, _, _ := strings.Cut(id, ".")
				verdicts[check+" "+verdict]++
				continue
			}
			found[word]++
			check, _, _ := strings.Cut(word, ".")
			found[check+"."]++
		}
	}
	for _, check := range scenarios {
		for _, v := range []diagnose.Verdict{diagnose.Confirmed, diagnose.Refuted, diagnose.Mended, diagnose.CannotTell} {
			if n := verdicts[check+" "+string(v)]; n < 3 {
				t.Errorf("%s is %s in %d scenarios only", check, v, n)
			}
		}
	}
	for what, ids := range looks {
		n := 0
		for _, id := range ids {
			n += found[id]
		}
		if n < 3 {
			t.Errorf("%s: %d scenarios only", what, n)
		}
	}
	if len(files) < 100 {
		t.Errorf("%d scenarios", len(files))
	}
}

// told are the findings of a scenario, and each with its verdict.
func told(t *testing.T, path string) map[string]bool {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, f := range a.Files {
		if f.Name != "want" {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			if w := strings.Fields(line); len(w) > 2 && !strings.HasPrefix(line, " ") {
				out[w[0]+" "+w[1]], out[w[1]] = true, true
			}
		}
	}
	return out
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

package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// The keys that the tests sign with, made anew for each run.
var (
	rsaKey = func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	}()
	edKey = func() ed25519.PrivateKey {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	}()
)

func ours(domain string) bool {
	return domain == "example.org" || strings.HasSuffix(domain, ".example.org")
}

func known(domain, selector string) []Key {
	switch {
	case domain == "example.org" && selector == "rsa":
		return []Key{{Public: edKey.Public()}, {Public: rsaKey.Public()}} // the name was used before
	case domain == "example.org" && selector == "ed":
		return []Key{{Public: edKey.Public()}}
	case domain == "example.org" && selector == "strict":
		return []Key{{Public: edKey.Public(), Strict: true}}
	}
	return nil
}

const mail = "Received: by web1.example.org; Mon, 2 Nov 2026 08:00:00 +0000\r\n" +
	"From: Example News <news@example.org>\r\n" +
	"To: Jane Doe <jane@example.net>\r\n" +
	"Cc: \"Roe, Richard\" <richard@example.com>,\r\n\tMax <max@example.edu>\r\n" +
	"Subject: Your invoice\r\n of October\r\n" +
	"Date: Mon, 2 Nov 2026 08:00:00 +0000\r\n" +
	"Message-ID: <20261102.1@example.org>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"\r\n" +
	"Hello\r\n"

type signing struct {
	selector, identity string
	simple             bool
	fields             []string
	expires            time.Time
}

var usual = []string{"From", "To", "Cc", "Subject", "Date", "Message-ID"}

// sign signs msg with another implementation than ours.
func sign(t testing.TB, msg string, how signing) string {
	t.Helper()
	o := &dkim.SignOptions{Domain: "example.org", Selector: how.selector, Identifier: how.identity, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: how.fields, Expiration: how.expires, Signer: edKey}
	if how.selector == "rsa" {
		o.Signer = rsaKey
	}
	if how.simple {
		o.HeaderCanonicalization = dkim.CanonicalizationSimple
	}
	if o.HeaderKeys == nil {
		o.HeaderKeys = usual
	}
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(msg), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// head cuts the body off, as a notice does that returns the header.
func head(msg string) string {
	h, _, _ := strings.Cut(msg, "\r\n\r\n")
	return h + "\r\n"
}

func one(t *testing.T, header string) Signature {
	t.Helper()
	all := Verify([]byte(header), ours, known)
	if len(all) != 1 {
		t.Fatalf("%d signatures of ours in:\n%s", len(all), header)
	}
	return all[0]
}

func TestVerify(t *testing.T) {
	oversigned := append([]string{"From", "To"}, usual...)
	for _, selector := range []string{"rsa", "ed"} {
		for _, simple := range []bool{false, true} {
			for _, names := range [][]string{usual, oversigned} {
				m := sign(t, mail, signing{selector: selector, simple: simple, fields: names})
				// A third opinion: the whole mail verifies elsewhere too.
				if v, err := dkim.VerifyWithOptions(strings.NewReader(m), &dkim.VerifyOptions{LookupTXT: record}); err != nil || v[0].Err != nil {
					t.Fatal(err, v[0].Err)
				}
				for _, form := range []struct{ name, header string }{
					{"header alone", head(m)},
					{"whole mail", m},
					{"another body", head(m) + "\r\nSomething else"},
					{"line ends", strings.ReplaceAll(head(m), "\r\n", "\n")},
					{"fields on top", "Return-Path: <news@example.org>\r\nReceived: from a by b; now\r\nX-Spam: no\r\n" + head(m)},
					{"fields below", head(m) + "X-Spam-Status: No\r\nDelivered-To: jane@example.net\r\n"},
					{"an mbox line", "From news@example.org Mon Nov  2 08:00:00 2026\n" + head(m)},
					{"other order", reverse(head(m))},
				} {
					s := one(t, form.header)
					if s.Err != nil {
						t.Errorf("%s simple=%v, %s: %v", selector, simple, form.name, s.Err)
						continue
					}
					if got := value(s, "cc"); got != `"Roe, Richard" <richard@example.com>, Max <max@example.edu>` {
						t.Errorf("signed Cc is %q", got)
					}
				}
				mangled := strings.Replace(strings.Replace(head(m), "To: Jane", "TO:\r\n   Jane", 1), "invoice\r\n of", "invoice of ", 1)
				if s := one(t, mangled); (s.Err == nil) == simple {
					t.Errorf("%s simple=%v: folded otherwise: %v", selector, simple, s.Err)
				}
				for _, change := range [][2]string{{"jane@example.net", "john@example.net"}, {"news@example.org", "boss@example.org"}, {"Your invoice", "Your  Invoice"},
					{"08:00:00 +0000\r\nMessage", "08:00:01 +0000\r\nMessage"}, {"c=relaxed", "c=simple"}, {"bh=", "bh=A"}, {"\r\nTo:", "\r\nXo:"}} {
					if changed := strings.Replace(head(m), change[0], change[1], 1); changed != head(m) {
						if s := one(t, changed); s.Err == nil {
							t.Errorf("%s simple=%v: verifies with %s for %s", selector, simple, change[1], change[0])
						}
					}
				}
			}
		}
	}
}

// What stands on top of a covered field is anybody's, and what isn't covered is not told.
func TestCoveredFields(t *testing.T) {
	m := head(sign(t, mail, signing{selector: "ed"}))
	s := one(t, "To: victim@example.net\r\nFrom: x@example.org\r\n"+m)
	if s.Err != nil || value(s, "to") != "Jane Doe <jane@example.net>" || value(s, "from") != "Example News <news@example.org>" {
		t.Errorf("%v, To %q", s.Err, value(s, "to"))
	}
	if s := one(t, m+"To: victim@example.net\r\n"); s.Err == nil {
		t.Error("a To below the signed one")
	}
	over := head(sign(t, mail, signing{selector: "ed", fields: append([]string{"To"}, usual...)}))
	for _, forged := range []string{"To: victim@example.net\r\n" + over, over + "To: victim@example.net\r\n"} {
		if s := one(t, forged); s.Err == nil {
			t.Error("a To added to an oversigned one")
		}
	}
	few := one(t, head(sign(t, mail, signing{selector: "ed", fields: []string{"From", "Date"}}))+"To: victim@example.net\r\n")
	if few.Err != nil || value(few, "to") != "" {
		t.Errorf("%v, a To that is not covered: %q", few.Err, value(few, "to"))
	}
}

func TestSeveralSignatures(t *testing.T) {
	m := sign(t, sign(t, mail, signing{selector: "rsa"}), signing{selector: "ed"})
	foreign := "DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=x; h=from; bh=AA==; b=AA==\r\n"
	all := Verify([]byte(foreign+head(m)), ours, known)
	if len(all) != 2 || all[0].Err != nil || all[1].Err != nil {
		t.Fatalf("%+v", all)
	}
	if all[0].Mail != all[1].Mail || all[0].Mail == "" {
		t.Errorf("two signatures of one mail name %q and %q", all[0].Mail, all[1].Mail)
	}
	broken := strings.Replace(head(m), "s=ed;", "s=rsa;", 1)
	all = Verify([]byte(broken), ours, known)
	if len(all) != 2 || all[0].Err == nil || all[1].Err != nil {
		t.Errorf("one of two broken: %+v", all)
	}
	if all := Verify([]byte(strings.Repeat(head(m)[:strings.Index(head(m), "Received:")], 200)+mail), ours, known); len(all) > maxSignatures {
		t.Errorf("%d signatures looked at", len(all))
	}
}

// The tags, as RFC 6376, 8301 and 8463 have them. The header is changed after
// signing where that is refused anyway, else re-signed.
func TestTags(t *testing.T) {
	m := head(sign(t, mail, signing{selector: "ed"}))
	for _, c := range []struct{ old, new, why string }{
		{"v=1;", "v=2;", "version"},
		{"a=ed25519-sha256", "a=rsa-sha1", "8301"},
		{"a=ed25519-sha256", "a=md5", "unknown"},
		{"a=ed25519-sha256", "a=rsa-sha256", "does not verify"},
		{"h=From:", "h=", "sign From"},
		{"c=relaxed/relaxed", "c=nofws", "canonicalisation"},
		{"d=example.org;", "d=example.org; d=example.org;", "twice"},
		{"d=example.org;", "d=example.org; l=x;", "length"},
		{"d=example.org;", "d=example.org; l=99999999999999999999999999;", "length"},
		{"d=example.org;", "d=example.org; x=1;", "expires before"},
		{"d=example.org;", "d=example.org; x=abc;", "no time"},
		{"d=example.org;", "d=example.org; x=99999999999999999;", "no time"},
		{"d=example.org;", "d=example.org; i=@example.com;", "i="},
		{"d=example.org;", "d=example.org; i=x;", "i="},
		{"d=example.org;", "d=example.org; q=http;", "elsewhere"},
		{"d=example.org;", "d=example.org; " + strings.Repeat("z", 40<<10) + "=1;", "too long"},
		{"d=example.org;", "d=example.org; a b=1;", "tag"},
		{"s=ed;", "s=e/../d;", "no name"},
		{"s=ed;", "s=gone;", "no key"},
		{"d=example.org;", "d=sub.example.org;", "no key"},
		{"b=", "b=*", "base64"},
	} {
		changed := strings.Replace(m, c.old, c.new, 1)
		if changed == m {
			t.Fatalf("nothing to replace: %s", c.old)
		}
		all := Verify([]byte(changed), ours, known)
		if len(all) == 0 { // the tags can't be read, so it is nobody's
			continue
		}
		if len(all) != 1 || all[0].Err == nil || !strings.Contains(all[0].Err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.new[:min(len(c.new), 60)], all, c.why)
		}
	}
	var many strings.Builder
	for i := range 500 {
		fmt.Fprintf(&many, " x%d=1;", i)
	}
	if all := Verify([]byte(strings.Replace(m, "v=1;", "v=1;"+many.String(), 1)), ours, known); len(all) > 0 && all[0].Err == nil {
		t.Error("500 tags")
	}
	below := signing{selector: "strict", identity: "news@sub.example.org"}
	if s := one(t, head(sign(t, mail, below))); s.Err == nil {
		t.Error("t=s and an i= below d=")
	}
	below.selector = "ed"
	if s := one(t, head(sign(t, mail, below))); s.Err != nil {
		t.Error("i= below d=:", s.Err)
	}
}

func TestWindow(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	within := func(s Signature, at time.Time) bool {
		from, to := s.Window()
		return !at.Before(from) && (to.IsZero() || !at.After(to))
	}
	s := one(t, head(sign(t, mail, signing{selector: "ed", expires: now.Add(3 * day)})))
	for _, c := range []struct {
		at   time.Time
		good bool
	}{{now, true}, {now.Add(-3 * day), false}, {now.Add(8 * day), true}, {now.Add(10 * day), false}} {
		if within(s, c.at) != c.good {
			t.Errorf("at %s: %v", c.at.Sub(now), !c.good)
		}
	}
	s = one(t, head(sign(t, mail, signing{selector: "ed"})))
	if !within(s, now.Add(44*day)) || within(s, now.Add(60*day)) {
		t.Error("the age of a mail")
	}
	s.Time = time.Time{} // then the signed Date says it
	date := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	if !within(s, date.Add(3*day)) || within(s, date.Add(60*day)) || within(s, date.Add(-2*day)) {
		t.Error("the age by Date")
	}
	s.until = date.Add(day)
	if !within(s, date) || within(s, date.Add(2*day)) {
		t.Error("a withdrawn key")
	}
	if s = (Signature{}); !within(s, now) {
		t.Error("nothing is known of its age")
	}
}

func TestParseKey(t *testing.T) {
	spki := func(k any) []byte {
		b, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b64 := base64.StdEncoding.EncodeToString
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	rsaText := b64(spki(rsaKey.Public()))
	for _, good := range []string{
		block("PUBLIC KEY", spki(rsaKey.Public())), block("PUBLIC KEY", spki(edKey.Public())),
		block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)),
		"v=DKIM1; k=rsa; p=" + rsaText, "p=" + rsaText, "v=DKIM1;t=y:s;h=sha1:sha256;s=email;p=" + rsaText[:80] + "\n\t" + rsaText[80:],
		"v=DKIM1; k=ed25519; p=" + b64(edKey.Public().(ed25519.PublicKey)), "v=DKIM1; k=ed25519; p=" + b64(spki(edKey.Public())),
		`mail._domainkey	IN	TXT	( "v=DKIM1; h=sha256; k=rsa; "` + "\n\t  \"p=" + rsaText[:100] + "\"\n\t  \"" + rsaText[100:] + "\" )  ; ----- DKIM key \"mail\" for example.org\n",
		`"v=DKIM1\; p=` + rsaText + `"`,
	} {
		if _, err := ParseKey(good); err != nil {
			t.Errorf("%.60q: %v", good, err)
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseRecord("p=" + b64(spki(small.Public()))); err != nil {
		t.Error("1024 bits:", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(edKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{block("PRIVATE KEY", private), "openssl pkey"}, {block("CERTIFICATE", private), "CERTIFICATE"}, {"-----BEGIN PUBLIC KEY-----\nAAA", "broken"},
		{"", "p= is missing"}, {"v=spf1 -all", "v=spf1"}, {"v=DKIM1; k=rsa", "p= is missing"}, {"v=DKIM1; p=", "revoked"},
		{"v=DKIM1; k=dsa; p=AAAA", "k=dsa"}, {"v=DKIM1; p=!!!", "base64"}, {"v=DKIM1; p=AAAA", "no public key"}, {"h=sha1; p=" + rsaText, "SHA-256"},
		{"s=other; p=" + rsaText, "not for mail"}, {"p=" + rsaText + "; p=" + rsaText, "twice"}, {strings.Repeat("x", 20<<10), "16 KiB"},
	} {
		if _, err := ParseKey(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%.40q: %v, want %q", c[0], err, c[1])
		}
	}
	if _, err := ParseRecord("p="); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
}

func value(s Signature, name string) string {
	for _, f := range s.Signed {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// reverse turns the order of the fields around, which no name occurring once minds.
func reverse(header string) string {
	all := fields([]byte(header))
	var b strings.Builder
	for i := len(all) - 1; i >= 0; i-- {
		b.WriteString(all[i].raw + "\r\n")
	}
	return b.String()
}

func record(name string) ([]string, error) {
	selector, _, _ := strings.Cut(name, ".")
	if selector == "rsa" {
		der, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
		return []string{"v=DKIM1; p=" + base64.StdEncoding.EncodeToString(der)}, err
	}
	return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(edKey.Public().(ed25519.PublicKey))}, nil
}

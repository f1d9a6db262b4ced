package diagnose_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"harvester/parse"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// A signature that verifies over the header that came back is proof that the
// body was changed; one that does not proves little.
func TestHeaderThatCameBack(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	p := base64.StdEncoding.EncodeToString(public)
	server := dnstest.Start(t, `s1._domainkey.example.org. TXT "v=DKIM1; p=`+p[:200]+`" "`+p[200:]+`"`+"\n", "")
	client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	// Relaxed canonicalisation of these is the lines themselves (RFC 6376 §3.4.2).
	fields := []string{"from:News <news@example.org>", "to:jane@example.net", "subject:News", "date:Thu, 19 Nov 2026 09:58:00 +0000"}
	unsigned := "dkim-signature:v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1; h=From:To:Subject:Date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="
	sum := sha256.Sum256([]byte(strings.Join(fields, "\r\n") + "\r\n" + unsigned))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	header := "Return-Path: <bounces@example.org>\n" + strings.Replace(unsigned, "dkim-signature:", "DKIM-Signature: ", 1) + base64.StdEncoding.EncodeToString(sig) +
		"\nFrom: News <news@example.org>\nTo: jane@example.net\nSubject: News\nDate: Thu, 19 Nov 2026 09:58:00 +0000\nMessage-ID: <1@example.org>\n"
	notice := func(header string) string {
		return `From: MAILER-DAEMON@mail.example.org
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; jane@example.net
Action: failed
Status: 5.7.20
Diagnostic-Code: smtp; 550 5.7.20 192.0.2.25: DKIM signature did not verify

--b
Content-Type: text/rfc822-headers

` + header + "\n--b--\n"
	}
	for want, raw := range map[string]string{
		"dkim.header_verifies": notice(header),
		"dkim.key":             notice(strings.Replace(header, "Subject: News", "Subject: [EXTERNAL] News", 1)),
	} {
		own := []string{"example.org"}
		res := parse.Parse([]byte(raw), &parse.Options{OwnDomains: own})
		evs := diagnose.Notice([]byte(raw), &res, own)
		if len(evs) != 1 {
			t.Fatalf("%d claims: %+v", len(evs), res)
		}
		list := diagnose.New(diagnose.Options{Client: client, Own: own}).Incident(context.Background(), &evs[0])
		if len(list) != 1 || list[0].ID != want || list[0].Verdict != diagnose.Refuted {
			t.Errorf("want %s: %+v", want, list)
		}
	}
}

package parse

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// chasquid takes mail for others only from who signs in over TLS.
var chasquid = program{
	name: "chasquid", binary: "usr/bin/chasquid", aliases: true,
	files: map[string]string{
		"etc/chasquid/chasquid.conf":                     "hostname: \"relay.example.net\"\nsmtp_address: \"127.0.0.1:2600\"\nsubmission_address: \"127.0.0.1:2587\"\ndata_dir: \"/var/lib/chasquid\"\nmail_log_path: \"/tmp/mail.log\"\nmail_delivery_agent_bin: \"/bin/false\"\n",
		"etc/chasquid/domains/club.example/aliases":      "team: nouser@remote.example\n",
		"etc/chasquid/domains/relay.example.net/aliases": "",
	},
	folders: map[string]int{"var/lib/chasquid": 0},
	prepare: func(t *testing.T, root string) {
		if err := os.RemoveAll(filepath.Join(root, "etc/chasquid/hooks")); err != nil { // spam filters that are not there
			t.Fatal(err)
		}
		certify(t, filepath.Join(root, "etc/chasquid/certs/relay.example.net"), "relay.example.net")
		if out, err := inRoot(root, []string{"/usr/bin/chasquid-util", "user-add", "shop@relay.example.net", "--password=secret"}).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	},
	daemon: []string{"/usr/bin/chasquid", "-config_dir=/etc/chasquid"},
	submit: func(t *testing.T, _ string, to []string, mail string) {
		waitFor(t, "the submission port", func() bool {
			c, err := net.Dial("tcp", "127.0.0.1:2587")
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		c, err := smtp.Dial("127.0.0.1:2587")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, err := range []error{
			c.StartTLS(&tls.Config{InsecureSkipVerify: true}), // its certificate was made above
			c.Auth(smtp.PlainAuth("", "shop@relay.example.net", "secret", "127.0.0.1")),
			c.Mail("bounces@example.org"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, a := range to {
			if err := c.Rcpt(a); err != nil {
				t.Fatal(err)
			}
		}
		w, err := c.Data()
		if err == nil {
			if _, err = w.Write([]byte(strings.ReplaceAll(mail, "\n", "\r\n"))); err == nil {
				err = w.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	},
}

// certify writes a certificate of name for a day, and its key, as certbot lays
// them out.
func certify(t *testing.T, dir, name string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"fullchain.pem": {Type: "CERTIFICATE", Bytes: der}, "privkey.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

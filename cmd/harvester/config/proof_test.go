package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store/policy"
)

func TestProof(t *testing.T) {
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "news.txt"), []byte("v=DKIM1; k=ed25519; p="+base64.StdEncoding.EncodeToString(pub)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(filepath.Join(dir, "h.toml"), []byte(`own_domains = ["example.org"]
proof = "authentic"
[servers]
hosts = ["MX.Example.com"]
networks = ["192.0.2.7", "2001:db8::/64"]
authserv_ids = ["MX.example.org"]
relays = ["amazonses.com"]
[dkim]
dns = true
[dkim.keys]
"News._domainkey.example.org" = "news.txt"
[policy.mailbox_full]
proof = "returned"
[store]
path = "h.db"
`))
	if err != nil {
		t.Fatal(err)
	}
	trust := c.Trust()
	if trust.Hosts[0] != "mx.example.com" || trust.Networks[0].String() != "192.0.2.7/32" || trust.AuthservIDs[0] != "mx.example.org" || trust.Relays[0] != "amazonses.com" || !c.DKIM.DNS {
		t.Errorf("%+v", trust)
	}
	keys, err := c.PublicKeys()
	if err != nil || len(keys) != 1 || keys[0].Domain != "example.org" || keys[0].Selector != "news" {
		t.Errorf("%+v, %v", keys, err)
	}
	for _, l := range c.Table.Lines("") {
		want := policy.ProofAuthentic
		if l.Name == "mailbox_full" {
			want = policy.ProofReturned
		}
		if l.Proof != want {
			t.Errorf("%s asks for %v, want %v", l.Name, l.Proof, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "news.txt"), []byte("v=DKIM1; p="), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PublicKeys(); err == nil || !strings.Contains(err.Error(), "News._domainkey.example.org") || !strings.Contains(err.Error(), "revoked") {
		t.Error(err)
	}
}

func TestProofErrors(t *testing.T) {
	_, err := Parse("h.toml", []byte(`own_domains = ["example.org"]
proof = "none"
[servers]
hosts = ["mx"]
networks = ["0.0.0.0/0", "here"]
authserv_ids = ["mx.example.org; none"]
[dkim.keys]
"news.example.org" = "news.pem"
"s._domainkey.example.edu" = "news.pem"
"t._domainkey.example.org" = ""
[store]
path = "h.db"
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"h.toml:2:1: proof: then anybody", `h.toml:4:10: servers.hosts: "mx" is not a domain name`, "0.0.0.0/0 is not ours alone", `"here" is neither`,
		"is no authserv-id", `"news.example.org" is no name of a key`, "example.edu is none of own_domains", "name the file with the public key"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

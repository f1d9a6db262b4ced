package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/harvest/harvesttest"
	"harvester/harvest/imap/imaptest"
)

// signedIn is a configuration with one mailbox on a Dovecot that takes the
// tokens of a provider.
type signedIn struct {
	t        *testing.T
	provider *imaptest.Provider
	server   *imaptest.Dovecot
	dir      string
}

// oauthMailbox writes a configuration with the table [mailbox.oauth]; URL in it
// stands for the provider's address.
func oauthMailbox(t *testing.T, oauth string) *signedIn {
	t.Helper()
	p := imaptest.NewProvider(t)
	server := imaptest.Start(t, p.Accept("xoauth2"))
	server.Deliver("INBOX", harvesttest.Message(1), harvesttest.Message(2))
	s := &signedIn{t, p, server, t.TempDir()}
	s.write("harvester.toml", fmt.Sprintf("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\n[[mailbox]]\nname = \"bounces\"\nserver = %q\n"+
		"ca_file = %q\nusername = %q\n[mailbox.oauth]\n%s", server.IMAPS, server.CAFile, imaptest.Username, strings.ReplaceAll(oauth, "URL", p.URL)))
	return s
}

func (s *signedIn) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command and returns what it printed.
func (s *signedIn) run(want int, args ...string) (out, errs string) {
	s.t.Helper()
	var o, e bytes.Buffer
	args = append(args, "--config", filepath.Join(s.dir, "harvester.toml"))
	if got := run(s.t.Context(), args, stdio{strings.NewReader(""), &o, &e}); got != want {
		s.t.Errorf("harvester %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, want, o.String(), e.String())
	}
	return o.String(), e.String()
}

func (s *signedIn) contains(text string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			s.t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

const microsoftApp = "provider = \"microsoft\"\ntenant = \"example.org\"\nclient_id = \"app\"\nclient_secret = \"file:secret\"\ntoken_url = \"URL/token\"\n"

func TestApplicationSignsIn(t *testing.T) {
	s := oauthMailbox(t, microsoftApp)
	s.write("secret", "good\n")
	s.provider.Claims = `{"roles":["IMAP.AccessAsApp"]}`
	out, _ := s.run(exitOK, "auth", "--check")
	s.contains(out, "mailbox bounces: signed in as alice, with a token until ", "INBOX opens and holds 2 messages")
	out, _ = s.run(exitOK, "auth", "--check", "bounces", "--json")
	var p proved
	if err := json.Unmarshal([]byte(out), &p); err != nil || !p.OK || p.TokenUntil == nil || p.Permissions[0] != "IMAP.AccessAsApp" || p.Folders[0].Messages != 2 {
		t.Errorf("%v: %s", err, out)
	}
	info, err := os.Stat(filepath.Join(s.dir, "bounces.token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token cache: %v, %v", info, err)
	}
	given := s.provider.Given()
	if given != 2 {
		t.Errorf("each check wants a new token: %d were given", given)
	}
	// A pass takes the token that is there; one that was revoked is renewed once.
	s.run(exitOK, "once")
	s.provider.Revoke()
	s.run(exitOK, "once")
	if now := s.provider.Given(); now != given+1 {
		t.Errorf("%d tokens for two passes, want 1", now-given)
	}
	if text, errs := s.run(exitOK, "config", "check", "--online"); errs != "" {
		t.Error(text, errs)
	}
}

func TestApplicationIsRefused(t *testing.T) {
	s := oauthMailbox(t, microsoftApp)
	s.write("secret", "expired\n")
	_, errs := s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "harvester: mailbox bounces: getting a token for alice: ", "AADSTS7000222", "Certificates & secrets")
	if strings.Count(errs, "\n") != 1 || strings.Contains(errs, "expired\n") {
		t.Errorf("%q", errs)
	}
	s.run(exitNoPerm, "once")

	s.provider.Refuse = func(url.Values) (int, string) {
		return 400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'example.org' not found."}`
	}
	_, errs = s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "compare tenant with Directory (tenant) ID")

	s.provider.Refuse = func(url.Values) (int, string) { return 503, "busy" }
	_, errs = s.run(exitUnavailable, "auth", "--check")
	s.contains(errs, "answered 503 busy")

	// A token comes, and Exchange takes none of it.
	s.provider.Claims = `{"roles":["Mail.Read"]}`
	s.provider.Refuse = func(url.Values) (int, string) { s.provider.RevokeNext(); return 0, "" }
	_, errs = s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "the token lacks IMAP.AccessAsApp: ", "Grant admin consent")
	s.provider.Claims = `{"roles":["IMAP.AccessAsApp"]}`
	_, errs = s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "Add-MailboxPermission -Identity alice -AccessRights FullAccess")

	s.write("secret", "")
	_, errs = s.run(exitConfig, "auth", "--check")
	s.contains(errs, "reading secret file:")
}

func TestUserAgrees(t *testing.T) {
	s := oauthMailbox(t, "provider = \"microsoft\"\ngrant = \"user\"\ntenant = \"example.org\"\nclient_id = \"app\"\ntoken_url = \"URL/token\"\ndevice_url = \"URL/device\"\n")
	_, errs := s.run(exitNoPerm, "once")
	s.contains(errs, "nobody has signed in for this mailbox yet (run harvester auth for it)")
	out, errs := s.run(exitOK, "auth", "bounces")
	s.contains(errs, "Open https://login.example.org/device as alice", "enter the code WXYZ-1234")
	s.contains(out, "signed in as alice", "INBOX opens")
	s.run(exitOK, "once")
	content, err := os.ReadFile(filepath.Join(s.dir, "bounces.token"))
	if err != nil || !strings.Contains(string(content), `"refresh_token":"refresh2"`) { // the check renewed it
		t.Errorf("%s %v", content, err)
	}
	s.provider.Revoke()
	s.provider.Refuse = func(form url.Values) (int, string) {
		return 400, `{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired."}`
	}
	_, errs = s.run(exitNoPerm, "once")
	s.contains(errs, "the password was changed: sign in again: harvester auth")
}

// The certificate of an application, over POP3.
func TestCertificateSignsIn(t *testing.T) {
	s := oauthMailbox(t, strings.Replace(microsoftApp, `client_secret = "file:secret"`, `certificate = "file:app.pem"`, 1))
	config, err := os.ReadFile(filepath.Join(s.dir, "harvester.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("harvester.toml", strings.Replace(string(config), fmt.Sprintf("server = %q", s.server.IMAPS), fmt.Sprintf("type = \"pop3\"\nserver = %q", s.server.POP3S), 1))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s.write("app.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	out, _ := s.run(exitOK, "auth", "--check")
	s.contains(out, "signed in as alice", "INBOX opens and holds 2 messages")

	s.provider.Claims = `{"roles":["IMAP.AccessAsApp"]}` // the permission of the other protocol
	s.provider.Refuse = func(url.Values) (int, string) { s.provider.RevokeNext(); return 0, "" }
	_, errs := s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "the token lacks POP.AccessAsApp: ")
	s.write("app.pem", "no certificate")
	_, errs = s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "reading the client certificate: ")
}

func TestServiceAccountSignsIn(t *testing.T) {
	s := oauthMailbox(t, "provider = \"google\"\nservice_account = \"file:key.json\"\n")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"client_email": "robot@project.example", "private_key_id": "k1", "token_uri": s.provider.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.write("key.json", string(content))
	out, _ := s.run(exitOK, "auth", "--check")
	s.contains(out, "signed in as alice")
	s.provider.Refuse = func(url.Values) (int, string) {
		return 401, `{"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve access tokens using this method."}`
	}
	_, errs := s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "Manage Domain Wide Delegation")
	s.write("key.json", "{}")
	_, errs = s.run(exitNoPerm, "auth", "--check")
	s.contains(errs, "create a key of type JSON in the console")
}

func TestAuthUsage(t *testing.T) {
	s := oauthMailbox(t, microsoftApp)
	_, errs := s.run(exitUsage, "auth")
	s.contains(errs, "a mailbox is missing", "auth --check proves all")
	_, errs = s.run(exitUsage, "auth", "bouncs")
	s.contains(errs, `there is no mailbox "bouncs"`, `did you mean "bounces"?`)
	_, errs = s.run(exitUsage, "auth", "bounces")
	s.contains(errs, "signs in by itself", "harvester auth --check bounces")
}

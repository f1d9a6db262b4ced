package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
)

// endpoint is a token endpoint that records what it was asked.
type endpoint struct {
	*httptest.Server
	forms  []url.Values
	answer func(form url.Values) (int, string)
	header http.Header // of each answer
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	n := 0
	e.answer = func(url.Values) (int, string) {
		n++
		return 200, fmt.Sprintf(`{"access_token":"token%d","token_type":"Bearer","expires_in":3600}`, n)
	}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		e.forms = append(e.forms, r.PostForm)
		status, body := e.answer(r.PostForm)
		maps.Copy(w.Header(), e.header)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) tokens(t *testing.T, g Grant) *CachedTokens {
	return &CachedTokens{Grant: g, File: filepath.Join(t.TempDir(), "token"), Where: e.URL}
}

func (e *endpoint) endpoint() Endpoint {
	return Endpoint{TokenURL: e.URL, DeviceURL: e.URL, Scopes: []string{"mail"}}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// checkJWT verifies a token and returns its header and claims.
func checkJWT(t *testing.T, token string, key *rsa.PublicKey) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		t.Fatal(err)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestClientSecretIsCached(t *testing.T) {
	e := newEndpoint(t)
	tokens := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s3cret")))
	for range 3 {
		if token, err := tokens.Token(t.Context()); err != nil || token != "token1" {
			t.Fatal(token, err)
		}
	}
	form := e.forms[0]
	if len(e.forms) != 1 || form.Get("grant_type") != "client_credentials" || form.Get("client_secret") != "s3cret" || form.Get("scope") != "mail" {
		t.Error(e.forms)
	}
	info, err := os.Stat(tokens.File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	restarted := &CachedTokens{Grant: tokens.Grant, File: tokens.File, Where: e.URL}
	if token, err := restarted.Token(t.Context()); err != nil || token != "token1" || len(e.forms) != 1 {
		t.Error("after a restart:", token, err, len(e.forms))
	}
}

func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	e := newEndpoint(t)
	tokens := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s")))
	keep := func(left time.Duration) {
		t.Helper()
		if err := tokens.Keep(&oauth2.Token{AccessToken: "old", Expiry: time.Now().Add(left)}); err != nil {
			t.Fatal(err)
		}
	}
	if at := tokens.Expiry(); !at.IsZero() {
		t.Error("an end without a token:", at)
	}
	keep(renewBefore + time.Minute)
	if left := time.Until(tokens.Expiry()); left < renewBefore || left > renewBefore+time.Minute {
		t.Error("ends in", left)
	}
	if token, err := tokens.Token(t.Context()); token != "old" {
		t.Error(token, err)
	}
	keep(renewBefore - time.Minute)
	if token, err := tokens.Token(t.Context()); token != "token1" {
		t.Error(token, err)
	}
	// While the endpoint is down, what is left of the old token serves.
	e.answer = func(url.Values) (int, string) { return 503, "down" }
	keep(renewBefore - time.Minute)
	if token, err := tokens.Token(t.Context()); token != "old" {
		t.Error(token, err)
	}
	keep(-time.Minute)
	if token, err := tokens.Token(t.Context()); err == nil || errors.Is(err, harvest.ErrAuth) {
		t.Error(token, err)
	}
}

func TestRejectedTokenIsRenewedOnce(t *testing.T) {
	e := newEndpoint(t)
	tokens := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s")))
	if err := tokens.Keep(&oauth2.Token{AccessToken: "revoked", Expiry: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !tokens.Discard("revoked") {
		t.Error("a cached token must be renewed")
	}
	if token, err := tokens.Token(t.Context()); token != "token1" {
		t.Fatal(token, err)
	}
	if !tokens.Discard("revoked") {
		t.Error("another connection had the old token, and may try the new one")
	}
	if tokens.Discard("token1") {
		t.Error("a brand-new token that is refused won't be better next time")
	}
}

// Another process signs in anew: the next use takes what it stored, unless that
// is for other settings.
func TestCacheIsSharedBetweenProcesses(t *testing.T) {
	e := newEndpoint(t)
	tokens := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s")))
	if token, err := tokens.Token(t.Context()); token != "token1" {
		t.Fatal(token, err)
	}
	other := &CachedTokens{Grant: tokens.Grant, File: tokens.File}
	if err := other.Keep(&oauth2.Token{AccessToken: "theirs", Expiry: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if token, err := tokens.Token(t.Context()); token != "theirs" {
		t.Error(token, err)
	}
	changed := &CachedTokens{Grant: tokens.Grant, File: tokens.File, For: "another client"}
	if token, err := changed.Token(t.Context()); token != "token2" {
		t.Error(token, err)
	}
	if token, err := changed.Renew(t.Context()); err != nil || token.AccessToken != "token3" {
		t.Error(token, err)
	}
}

func TestProviderNamesItsTime(t *testing.T) {
	e := newEndpoint(t)
	e.answer = func(url.Values) (int, string) { return 429, `{"error":"slow_down"}` }
	e.header = http.Header{"Retry-After": {"120"}}
	_, err := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s"))).Token(t.Context())
	if got := harvest.RetryAfter(fmt.Errorf("signing in: %w", err)); got != 2*time.Minute {
		t.Error(got, err)
	}
}

func TestHint(t *testing.T) {
	password := &Password{Username: "u"}
	bearer := &Bearer{Username: "u", Denied: "ask the owner"}
	unsigned := func(claims string) string { return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s" }
	microsoft := func(token string) *Bearer {
		b := &Bearer{Tokens: fixed(token), Permission: "IMAP.AccessAsApp", Lacks: "grant it", Denied: "ask the owner"}
		if _, err := b.Start(t.Context(), func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tt := range []struct {
		c           Credentials
		words, want string
	}{
		{microsoft(unsigned(`{"roles":["Mail.Read"]}`)), "NO AUTHENTICATE failed.", "the token lacks IMAP.AccessAsApp: grant it"},
		{microsoft(unsigned(`{"roles":["IMAP.AccessAsApp"]}`)), "NO AUTHENTICATE failed.", "the token was refused: ask the owner"},
		{microsoft(unsigned(`{"scp":"openid IMAP.AccessAsApp"}`)), "NO AUTHENTICATE failed.", "the token was refused: ask the owner"},
		{microsoft("opaque"), "NO AUTHENTICATE failed.", "the token was refused: ask the owner"},
		{password, "NO [AUTHENTICATIONFAILED] Authentication failed.", "app password or OAuth2"},
		{password, "NO [ALERT] Application-specific password required: https://support.google.com/", "2-Step Verification > App passwords"},
		{bearer, "NO AUTHENTICATE failed.", "the token was refused: ask the owner"},
		{bearer, "BAD User is authenticated but not connected.", "FullAccess"},
	} {
		if got := Hint(tt.c, tt.words); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.words, got)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	e := newEndpoint(t)
	key := rsaKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	content := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
	if token, err := e.tokens(t, ClientCertificate(e.endpoint(), "app", Literal(string(content)))).Token(t.Context()); token != "token1" {
		t.Fatal(token, err)
	}
	header, claims := checkJWT(t, e.forms[0].Get("client_assertion"), &key.PublicKey)
	thumbprint := sha256.Sum256(der)
	if header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(thumbprint[:]) || claims["iss"] != "app" || claims["sub"] != "app" || claims["aud"] != e.URL {
		t.Error(header, claims)
	}
}

func TestServiceAccount(t *testing.T) {
	e := newEndpoint(t)
	key := rsaKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]string{
		"client_email": "robot@project.example", "private_key_id": "k1", "token_uri": e.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	g := ServiceAccount(Google(), Literal(string(content)), "bounces@example.org")
	if token, err := e.tokens(t, g).Token(t.Context()); token != "token1" {
		t.Fatal(token, err)
	}
	header, claims := checkJWT(t, e.forms[0].Get("assertion"), &key.PublicKey)
	if header["kid"] != "k1" || claims["iss"] != "robot@project.example" || claims["sub"] != "bounces@example.org" ||
		claims["scope"] != "https://mail.google.com/" || claims["aud"] != e.URL {
		t.Error(header, claims)
	}
	if e.forms[0].Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		t.Error(e.forms[0])
	}
}

func TestRefreshTokenRotates(t *testing.T) {
	e := newEndpoint(t)
	e.answer = func(form url.Values) (int, string) {
		return 200, fmt.Sprintf(`{"access_token":"a%s","refresh_token":"%s+","token_type":"Bearer","expires_in":60}`, form.Get("refresh_token"), form.Get("refresh_token"))
	}
	tokens := e.tokens(t, RefreshToken(e.endpoint(), "app", nil, Literal("r")))
	for _, want := range []string{"ar", "ar+", "ar++"} { // 60 s are below what is kept
		if token, err := tokens.Token(t.Context()); token != want {
			t.Error(token, want, err)
		}
	}
	none := e.tokens(t, RefreshToken(e.endpoint(), "app", nil, nil))
	if _, err := none.Token(t.Context()); !errors.Is(err, harvest.ErrAuth) || !strings.Contains(err.Error(), "run harvester auth") {
		t.Error(err)
	}
}

func TestDeviceLogin(t *testing.T) {
	e := newEndpoint(t)
	e.answer = func(form url.Values) (int, string) {
		if form.Get("device_code") == "" {
			return 200, `{"device_code":"d","user_code":"WXYZ","verification_uri":"https://example.org/device","expires_in":900,"interval":1}`
		}
		return 200, `{"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_in":3600}`
	}
	shown := ""
	token, err := DeviceLogin(t.Context(), e.endpoint(), "app", nil, func(address, code string) { shown = address + " " + code })
	if err != nil || token.RefreshToken != "r" || shown != "https://example.org/device WXYZ" {
		t.Error(token, shown, err)
	}
}

func TestEndpointErrorsNameTheCure(t *testing.T) {
	for name, test := range map[string]struct {
		status    int
		body      string
		permanent bool
		text      string
	}{
		"expired secret": {401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired.\r\nTrace ID: x"}`, true, "the client secret has expired"},
		"wrong tenant":   {400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}`, true, "Directory (tenant) ID"},
		"delegation":     {401, `{"error":"unauthorized_client","error_description":"Client is unauthorized"}`, true, "Domain Wide Delegation"},
		"revoked":        {400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, true, "sign in again"},
		"unknown":        {403, `no`, true, "check the OAuth2 settings"},
		"busy":           {429, `{"error":"slow_down"}`, false, "answered 429"},
		"down":           {502, `<html>`, false, "answered 502"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			e.answer = func(url.Values) (int, string) { return test.status, test.body }
			_, err := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s3cret"))).Token(t.Context())
			if err == nil || errors.Is(err, harvest.ErrAuth) != test.permanent || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v", err)
			}
			if strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestSlowEndpointHeedsTheContext(t *testing.T) {
	e := newEndpoint(t)
	released := make(chan struct{})
	e.answer = func(url.Values) (int, string) { <-released; return 200, "{}" }
	defer close(released)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.tokens(t, ClientSecret(e.endpoint(), "app", Literal("s"))).Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestSecretsNeedTLS(t *testing.T) {
	g := ClientSecret(Endpoint{TokenURL: "http://login.example.org/token"}, "app", Literal("s"))
	if _, err := g(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Error(err)
	}
}

func TestMechanisms(t *testing.T) {
	bearer := &Bearer{Username: "u", Tokens: fixed("tok"), Host: "h", Port: 993}
	offer := func(names ...string) func(string) bool {
		return func(m string) bool {
			for _, n := range names {
				if n == m {
					return true
				}
			}
			return false
		}
	}
	for _, test := range []struct {
		c       Credentials
		offered []string
		want    string
		initial string
	}{
		{bearer, []string{"PLAIN", "XOAUTH2", "OAUTHBEARER"}, "XOAUTH2", "user=u\x01auth=Bearer tok\x01\x01"},
		{bearer, []string{"OAUTHBEARER"}, "OAUTHBEARER", "n,a=u,\x01host=h\x01port=993\x01auth=Bearer tok\x01\x01"},
		{bearer, []string{"PLAIN"}, "", ""},
		{&Password{Username: "u", Secret: Literal("p")}, []string{"PLAIN"}, "PLAIN", "\x00u\x00p"},
		{&Password{Username: "u", Secret: Literal("p")}, []string{"LOGIN"}, "", ""},
	} {
		client, err := test.c.Start(t.Context(), offer(test.offered...))
		if test.want == "" {
			if !errors.Is(err, ErrNoMechanism) {
				t.Error(test.offered, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if name, initial, err := client.Start(); name != test.want || string(initial) != test.initial || err != nil {
			t.Errorf("%s %q %v", name, initial, err)
		}
	}
}

type fixed string

func (f fixed) Token(context.Context) (string, error) { return string(f), nil }
func (f fixed) Discard(string) bool                   { return false }

// A key of another kind is refused with words, not with a panic.
func TestCertificateOfAnotherKind(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	content := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if _, err := ClientCertificate(Endpoint{TokenURL: "https://x.invalid"}, "app", Literal(string(content)))(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "not RSA") {
		t.Error(err)
	}
}

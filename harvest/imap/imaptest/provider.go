package imaptest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Provider is an OAuth2 provider: it gives tokens, and tells Dovecot which of
// them are good. Tokens are requested at URL/token, device codes at URL/device.
type Provider struct {
	*httptest.Server
	Claims   string                                          // of the tokens, JSON
	Refuse   func(form url.Values) (status int, body string) // status 0: a token is given
	Lifetime time.Duration                                   // of a token; default an hour

	t      testing.TB
	mu     sync.Mutex
	given  int
	active map[string]bool
	dead   bool // the next token is good for nothing
}

// NewProvider starts a provider. A client secret that is not "good" has
// expired.
func NewProvider(t testing.TB) *Provider {
	p := &Provider{t: t, active: map[string]bool{}, Claims: "{}", Lifetime: time.Hour, Refuse: func(form url.Values) (int, string) {
		if form.Get("client_secret") == "good" || form.Get("client_secret") == "" {
			return 0, ""
		}
		return http.StatusUnauthorized, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(p.Close)
	return p
}

func (p *Provider) answer(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/introspect":
		fmt.Fprintf(w, `{"active":%t,"username":%q}`, p.active[r.Form.Get("token")], Username)
		return
	case "/device":
		fmt.Fprint(w, `{"device_code":"d","user_code":"WXYZ-1234","verification_uri":"https://login.example.org/device","expires_in":900,"interval":1}`)
		return
	}
	if status, body := p.Refuse(r.PostForm); status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return
	}
	p.given++
	token := fmt.Sprintf("h%d.%s.s", p.given, base64.RawURLEncoding.EncodeToString([]byte(p.Claims)))
	p.active[token] = !p.dead
	p.dead = false
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"refresh%d","token_type":"Bearer","expires_in":%d}`, token, p.given, int(p.Lifetime.Seconds()))
}

// Given counts the tokens that were given.
func (p *Provider) Given() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

// Revoke makes all tokens invalid that were given so far.
func (p *Provider) Revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.active)
}

// RevokeNext makes the token invalid that is given next. It is for Refuse.
func (p *Provider) RevokeNext() { p.dead = true }

// Accept is a Dovecot that asks the provider about tokens, by XOAUTH2 or
// OAUTHBEARER. The configuration is that of 2.3.
func (p *Provider) Accept(mechanism string) Options {
	file := filepath.Join(p.t.TempDir(), "oauth2.conf.ext")
	content := "introspection_mode = post\nintrospection_url = " + p.URL + "/introspect\n" +
		"username_attribute = username\nactive_attribute = active\nactive_value = true\n"
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
	mechanism = strings.ToLower(mechanism)
	return Options{
		Mechanisms: "plain " + mechanism,
		Passdb:     "passdb {\n  driver = oauth2\n  mechanisms = " + mechanism + "\n  args = " + file + "\n}\n",
	}
}

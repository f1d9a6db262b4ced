package imap_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

// provider gives tokens, and tells Dovecot which of them are good.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	given  int
	active map[string]bool
}

func newProvider(t *testing.T) *provider {
	p := &provider{active: map[string]bool{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		p.mu.Lock()
		defer p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/introspect":
			fmt.Fprintf(w, `{"active":%t,"username":%q}`, p.active[r.Form.Get("token")], imaptest.Username)
		case r.Form.Get("client_secret") != "good":
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000222: expired"}`)
		default:
			p.given++
			token := fmt.Sprintf("token%d", p.given)
			p.active[token] = true
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// startOAuth runs a Dovecot that asks the provider. The configuration is that
// of 2.3.
func startOAuth(t *testing.T, p *provider, mechanism string) *imaptest.Dovecot {
	t.Helper()
	file := filepath.Join(t.TempDir(), "oauth2.conf.ext")
	content := "introspection_mode = post\nintrospection_url = " + p.URL + "/introspect\n" +
		"username_attribute = username\nactive_attribute = active\nactive_value = true\n"
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return imaptest.Start(t, imaptest.Options{
		Mechanisms: "plain " + mechanism,
		Passdb:     "passdb {\n  driver = oauth2\n  mechanisms = " + mechanism + "\n  args = " + file + "\n}\n",
	})
}

func TestOAuth(t *testing.T) {
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			p := newProvider(t)
			d := startOAuth(t, p, mechanism)
			deliver(d, 2)
			config := func(secret string) (imap.Config, *auth.CachedTokens) {
				c := dovecotConfig(d)
				tokens := &auth.CachedTokens{
					Grant: auth.ClientSecret(auth.Endpoint{TokenURL: p.URL + "/token"}, "app", auth.Literal(secret)), Where: p.URL,
				}
				c.Auth = &auth.Bearer{Username: imaptest.Username, Tokens: tokens, Host: "127.0.0.1", Port: 993}
				return c, tokens
			}

			good, tokens := config("good")
			if got, errs := harvestAll(t, good, 1); len(got) != 2 {
				t.Error("good:", errs)
			}
			// Revoked in the cache: renewed once, without the caller noticing.
			tokens.Keep(&oauth2.Token{AccessToken: "revoked", Expiry: time.Now().Add(time.Hour)})
			if got, errs := harvestAll(t, good, 1); len(got) != 2 {
				t.Error("revoked:", errs)
			}
			p.mu.Lock()
			given := p.given
			p.mu.Unlock()
			if given != 2 {
				t.Errorf("%d tokens were asked for", given)
			}

			expired, _ := config("expired")
			if _, err := imap.New(expired).Open(context.Background()); !errors.Is(err, harvest.ErrAuth) || !strings.Contains(err.Error(), "client secret has expired") {
				t.Error("expired secret:", err)
			}

			// The provider's tokens are no good for this mailbox.
			c, _ := config("good")
			c.Auth = &auth.Bearer{Username: imaptest.Username, Tokens: refused{}}
			_, err := imap.New(c).Open(context.Background())
			if !errors.Is(err, harvest.ErrAuth) || !strings.Contains(err.Error(), "the token was refused") {
				t.Error("no permission:", err)
			}
		})
	}
}

type refused struct{}

func (refused) Token(context.Context) (string, error) { return "wrong", nil }
func (refused) Discard() bool                         { return false }

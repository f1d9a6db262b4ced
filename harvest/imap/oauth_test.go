package imap_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

func TestOAuth(t *testing.T) {
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			p := imaptest.NewProvider(t)
			d := imaptest.Start(t, p.Accept(mechanism))
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
			if given := p.Given(); given != 2 {
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
func (refused) Discard(string) bool                   { return false }

// The token ends while mail is read, and the server hangs up: it is renewed and
// the visit goes on, without the caller noticing.
func TestTokenEndsInMidRun(t *testing.T) {
	const messages = 60
	provider := imaptest.NewProvider(t)
	d := imaptest.Start(t, provider.Accept("xoauth2"))
	deliver(d, messages)
	var connections atomic.Int32
	far := imaptest.NewProxy(t, d.IMAP, 0, func() imaptest.Cut {
		switch connections.Add(1) {
		case 1:
			return imaptest.Cut{After: 6000, How: imaptest.Close}
		case 2:
			provider.Revoke()
		}
		return imaptest.Cut{}
	})
	c := dovecotConfig(d)
	c.Server, c.BatchMessages = far.Addr, 20
	c.Auth = &auth.Bearer{Username: imaptest.Username, Host: "127.0.0.1", Port: 993, Tokens: &auth.CachedTokens{
		Grant: auth.ClientSecret(auth.Endpoint{TokenURL: provider.URL + "/token"}, "app", auth.Literal("good")), Where: provider.URL,
	}}
	got, errs := harvestAll(t, c, 1)
	if len(got) != messages || len(errs) > 0 {
		t.Errorf("%d of %d messages, %v", len(got), messages, errs)
	}
	if n := connections.Load(); n != 3 || provider.Given() != 2 {
		t.Errorf("%d connections, %d tokens", n, provider.Given())
	}
}

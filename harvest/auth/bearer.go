package auth

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/emersion/go-sasl"
)

// Tokens is a source of OAuth2 access tokens.
type Tokens interface {
	// Token returns a token that is still good for some minutes.
	Token(ctx context.Context) (string, error)
	// Discard throws a token away because a server refused it. It says whether
	// another is worth a try.
	Discard(token string) bool
}

// Bearer signs in with an OAuth2 token, by XOAUTH2 (Google's and Microsoft's
// own) or OAUTHBEARER (RFC 7628). One source owns it; the tokens can be shared.
type Bearer struct {
	Username string
	Tokens   Tokens
	Host     string // of the mail server; OAUTHBEARER carries it
	Port     int

	Permission string // that a readable token must name, e.g. IMAP.AccessAsApp; empty: none is known
	Lacks      string // what to do when it does not
	Denied     string // what is probably amiss when the server refuses a good token

	mu   sync.Mutex
	last string // the token of the last Start
}

// User is the mailbox that the token opens.
func (b *Bearer) User() string { return b.Username }

// Start prefers XOAUTH2: Microsoft offers nothing else, and its refusal
// carries a reason.
func (b *Bearer) Start(ctx context.Context, offered func(string) bool) (sasl.Client, error) {
	if !offered(xoauth2Name) && !offered(sasl.OAuthBearer) {
		return nil, ErrNoMechanism
	}
	token, err := b.Tokens.Token(ctx)
	b.mu.Lock()
	b.last = token // none, if it failed
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("getting a token for %s: %w", b.Username, err)
	}
	if offered(xoauth2Name) {
		return &bearerClient{xoauth2Name, "user=" + b.Username + "\x01auth=Bearer " + token + "\x01\x01"}, nil
	}
	_, initial, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
		Username: b.Username, Token: token, Host: b.Host, Port: b.Port,
	}).Start()
	return &bearerClient{sasl.OAuthBearer, string(initial)}, err
}

// refusal says why a server refused the last token.
func (b *Bearer) refusal() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	named, readable := Permissions(b.last)
	switch {
	case readable && b.Permission != "" && !slices.Contains(named, b.Permission):
		return "the token lacks " + b.Permission + ": " + b.Lacks
	case b.Denied != "":
		return "the token was refused: " + b.Denied
	}
	return "the token was refused: check tenant, scope, and the permission on this mailbox"
}

// Rejected discards the refused token.
func (b *Bearer) Rejected() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Tokens.Discard(b.last)
}

// xoauth2Name is the mechanism of
// https://developers.google.com/gmail/imap/xoauth2-protocol.
const xoauth2Name = "XOAUTH2"

// bearerClient sends all in its initial response.
type bearerClient struct{ name, initial string }

func (c *bearerClient) Start() (string, []byte, error) { return c.name, []byte(c.initial), nil }

// Next answers the challenge that carries the reason of a refusal. The answer
// only ends the exchange, so that the server says NO (RFC 7628 §3.2.3).
//
// QUIRK: it is one byte for XOAUTH2, too, not none as Google documents: Dovecot
// calls an empty one invalid base64 and hides the refusal behind a BAD.
func (c *bearerClient) Next([]byte) ([]byte, error) { return []byte{1}, nil }

package auth

import (
	"context"
	"fmt"

	"github.com/emersion/go-sasl"
)

// Tokens is a source of OAuth2 access tokens.
type Tokens interface {
	// Token returns a token that is still good for some minutes.
	Token(ctx context.Context) (string, error)
	// Discard throws the last token away because a server refused it. It says
	// whether a new one can be had.
	Discard() bool
}

// Bearer signs in with an OAuth2 token, by XOAUTH2 (Google's and Microsoft's
// own) or OAUTHBEARER (RFC 7628).
type Bearer struct {
	Username string
	Tokens   Tokens
	Host     string // of the mail server; OAUTHBEARER carries it
	Port     int
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
	if err != nil {
		return nil, fmt.Errorf("getting a token for %s: %w", b.Username, err)
	}
	if offered(xoauth2Name) {
		return &xoauth2{username: b.Username, token: token}, nil
	}
	return sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
		Username: b.Username, Token: token, Host: b.Host, Port: b.Port,
	}), nil
}

// Rejected discards the refused token.
func (b *Bearer) Rejected() bool { return b.Tokens.Discard() }

const xoauth2Name = "XOAUTH2"

// xoauth2 is the client of
// https://developers.google.com/gmail/imap/xoauth2-protocol.
type xoauth2 struct{ username, token string }

func (x *xoauth2) Start() (string, []byte, error) {
	return xoauth2Name, []byte("user=" + x.username + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

// Next answers the challenge that carries the reason of a refusal. The answer
// only ends the exchange.
//
// QUIRK: it is one byte, not none as Google documents: Dovecot calls an empty
// one invalid base64 and hides the refusal behind a BAD.
func (x *xoauth2) Next([]byte) ([]byte, error) { return []byte{1}, nil }

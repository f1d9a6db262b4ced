// Package auth signs in to mail servers: passwords and OAuth2 tokens, as SASL
// exchanges (RFC 4422) that IMAP and POP3 share.
package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"
)

// ErrNoMechanism means that the server offers no mechanism that the
// credentials can use.
var ErrNoMechanism = errors.New("the server offers no usable sign-in mechanism")

// Credentials sign one user in.
type Credentials interface {
	// User is the login name.
	User() string
	// Start picks the best of the SASL mechanisms that the server offers and
	// returns its client, or ErrNoMechanism.
	Start(ctx context.Context, offered func(mechanism string) bool) (sasl.Client, error)
	// Rejected is told that the server refused what the last Start gave. It
	// says whether another Start would give something else.
	Rejected() bool
}

// Secret yields a secret when it is needed, so that a rotated file or command
// is read anew at each sign-in.
type Secret func(ctx context.Context) (string, error)

// Literal is a secret that is already known.
func Literal(s string) Secret {
	return func(context.Context) (string, error) { return s, nil }
}

// Password signs in with AUTH=PLAIN (RFC 4616), or with the protocol's own
// command where PLAIN is not offered.
type Password struct {
	Username string
	Secret   Secret
}

// User is the login name.
func (p *Password) User() string { return p.Username }

// Start returns a PLAIN exchange.
//
// QUIRK: AUTH=LOGIN is not used: Courier's prompts differ from those that
// go-sasl accepts, and where LOGIN is offered the LOGIN command works as well.
func (p *Password) Start(ctx context.Context, offered func(string) bool) (sasl.Client, error) {
	if !offered(sasl.Plain) {
		return nil, ErrNoMechanism
	}
	secret, err := p.Read(ctx)
	if err != nil {
		return nil, err
	}
	return sasl.NewPlainClient("", p.Username, secret), nil
}

// Read returns the password itself, for LOGIN and PASS.
func (p *Password) Read(ctx context.Context) (string, error) {
	secret, err := p.Secret(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the password of %s: %w", p.Username, err)
	}
	return secret, nil
}

// Rejected is false: a password doesn't become right by asking again.
func (p *Password) Rejected() bool { return false }

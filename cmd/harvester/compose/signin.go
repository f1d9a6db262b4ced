package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"harvester/cmd/harvester/config"
	"harvester/harvest/auth"
)

// signIn is how a mailbox is signed in to; nil for one on this machine. The
// tokens are those of [Tokens].
func signIn(m *config.Mailbox, tokens *auth.CachedTokens) auth.Credentials {
	if !m.Type.OnServer() {
		return nil
	}
	if m.OAuth == nil {
		return &auth.Password{Username: m.Username, Secret: m.Password.Resolve}
	}
	b := &auth.Bearer{Username: m.Username, Tokens: tokens, Host: m.Server.Host(), Port: m.Server.Port()}
	explain(b, m)
	return b
}

// Tokens are those of a mailbox with OAuth2; nil for others.
func Tokens(c *config.Config, m *config.Mailbox) *auth.CachedTokens {
	if m.OAuth == nil {
		return nil
	}
	o, e := m.OAuth, endpoint(m.OAuth)
	where := e.TokenURL
	var grant auth.Grant
	switch {
	case o.Grant == config.User:
		grant = auth.RefreshToken(e, o.ClientID, optional(o.ClientSecret), optional(o.RefreshToken))
	case o.Provider == config.Google:
		grant = auth.ServiceAccount(e, o.ServiceAccount.Resolve, m.Username)
	case !o.Certificate.IsZero():
		grant = auth.ClientCertificate(e, o.ClientID, o.Certificate.Resolve)
	default:
		grant = auth.ClientSecret(e, o.ClientID, o.ClientSecret.Resolve)
	}
	return &auth.CachedTokens{
		Grant: grant, File: c.TokenFile(m), Where: where,
		For: strings.Join([]string{string(o.Provider), string(o.Grant), o.ClientID, m.Username, where, strings.Join(e.Scopes, " ")}, " "),
	}
}

func optional(s config.Secret) auth.Secret {
	if s.IsZero() {
		return nil
	}
	return s.Resolve
}

// endpoint is the provider's, but for what the configuration names.
func endpoint(o *config.OAuth) auth.Endpoint {
	var e auth.Endpoint
	switch {
	case o.Provider == config.Google:
		e = auth.Google()
	case o.Provider == config.Microsoft && o.Grant == config.User:
		e = auth.Microsoft365User(o.Tenant)
	case o.Provider == config.Microsoft:
		e = auth.Microsoft365(o.Tenant)
	}
	e.TokenURL, e.DeviceURL = cmp.Or(o.TokenURL, e.TokenURL), cmp.Or(o.DeviceURL, e.DeviceURL)
	if len(o.Scopes) > 0 {
		e.Scopes = o.Scopes
	}
	return e
}

// explain says what to do when the mail server refuses a token, in the words of
// the provider's console (docs/mailboxes.md).
func explain(b *auth.Bearer, m *config.Mailbox) {
	protocol, off := "IMAP", "Set-CASMailbox -ImapEnabled $true"
	if m.Type == config.POP3 {
		protocol, off = "POP", "Set-CASMailbox -PopEnabled $true"
	}
	const permissions = "Microsoft Entra admin center > App registrations > API permissions > Add a permission > "
	switch o := m.OAuth; {
	case o.Provider == config.Microsoft && o.Grant == config.Application:
		b.Permission = protocol + ".AccessAsApp"
		b.Lacks = permissions + "APIs my organization uses > Office 365 Exchange Online > Application permissions > " + b.Permission + ", then Grant admin consent"
		b.Denied = "register the application in Exchange PowerShell (New-ServicePrincipal), then Add-MailboxPermission -Identity " +
			m.Username + " -AccessRights FullAccess"
	case o.Provider == config.Microsoft:
		b.Permission = protocol + ".AccessAsUser.All"
		b.Lacks = permissions + "Microsoft Graph > Delegated permissions > " + b.Permission
		b.Denied = "the user who agreed needs FullAccess to " + m.Username + ", and " + protocol + " must be on: " + off
	case o.Provider == config.Google && o.Grant == config.Application:
		b.Denied = "switch " + protocol + " on for " + m.Username + ": Admin console > Apps > Google Workspace > Gmail > End User Access"
	case o.Provider == config.Google:
		b.Denied = "the user who agreed must be " + m.Username + ", with " + protocol + " switched on"
	}
}

// Agree lets the user of a mailbox agree on another device, and keeps what was
// agreed to. It calls show with the address to visit and the code to enter.
func Agree(ctx context.Context, c *config.Config, m *config.Mailbox, show func(address, code string)) error {
	token, err := auth.DeviceLogin(ctx, endpoint(m.OAuth), m.OAuth.ClientID, optional(m.OAuth.ClientSecret), show)
	if err == nil && token.RefreshToken == "" {
		err = errors.New("the provider gave no refresh token: add the scope offline_access to scopes")
	}
	if err == nil {
		err = Tokens(c, m).Keep(token)
	}
	if err != nil {
		return fmt.Errorf("mailbox %s: signing in by device code: %w", m.Name, err)
	}
	return nil
}

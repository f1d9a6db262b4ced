package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
)

// renewBefore is how long before its end a token is renewed: a session ends
// with the token that opened it.
const renewBefore = 5 * time.Minute

// CachedTokens gets tokens by a grant and keeps the last in a file that only
// its owner can read, so that a restart needs no new one. It implements
// [Tokens].
type CachedTokens struct {
	Grant Grant
	File  string // empty: memory only
	Where string // the token endpoint, for errors

	mu     sync.Mutex
	loaded bool
	token  *oauth2.Token
	minted bool // the last token came from the provider just now
}

// Token returns a token that is good for some minutes yet. An error that the
// provider won't take back is a [harvest.ErrAuth].
func (t *CachedTokens) Token(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return "", err
	}
	t.minted = false
	// A token without an end is good until it is refused.
	if t.token.AccessToken != "" && (t.token.Expiry.IsZero() || time.Until(t.token.Expiry) > renewBefore) {
		return t.token.AccessToken, nil
	}
	fresh, err := t.Grant(ctx, t.token.RefreshToken)
	if err != nil {
		err = explain(t.Where, err)
		if !errors.Is(err, harvest.ErrAuth) && t.token.Valid() {
			return t.token.AccessToken, nil // good for this visit; the endpoint may be back for the next
		}
		return "", err
	}
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = t.token.RefreshToken
	}
	t.minted = true
	return fresh.AccessToken, t.keep(fresh)
}

// Discard throws the last token away. Another is worth trying unless the
// refused one was brand-new.
func (t *CachedTokens) Discard() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == nil || t.token.AccessToken == "" {
		return false
	}
	t.token = &oauth2.Token{RefreshToken: t.token.RefreshToken}
	return !t.minted
}

// Keep stores a token that a user agreed to.
func (t *CachedTokens) Keep(token *oauth2.Token) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loaded = true
	return t.keep(token)
}

func (t *CachedTokens) load() error {
	if t.loaded {
		return nil
	}
	t.token = &oauth2.Token{}
	if t.File == "" {
		t.loaded = true
		return nil
	}
	content, err := os.ReadFile(t.File)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("reading the token cache: %w", err)
	case json.Unmarshal(content, t.token) != nil:
		t.token = &oauth2.Token{} // half a file holds nothing that can't be had anew
	}
	t.loaded = true
	return nil
}

// keep replaces the file whole.
func (t *CachedTokens) keep(token *oauth2.Token) error {
	t.token = token
	if t.File == "" {
		return nil
	}
	content, err := json.Marshal(token)
	if err != nil {
		return fmt.Errorf("writing the token cache: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(t.File), ".token-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing the token cache: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return fmt.Errorf("writing the token cache: %w", err)
	}
	if err := os.Rename(draft.Name(), t.File); err != nil {
		return fmt.Errorf("writing the token cache: %w", err)
	}
	return nil
}

// advice is what to do about the errors of token endpoints, by a text in code
// or description. Source: learn.microsoft.com/entra/identity-platform/reference-error-codes,
// developers.google.com/identity/protocols/oauth2/service-account, RFC 6749 §5.2.
var advice = []struct{ text, do string }{
	{"AADSTS7000222", "the client secret has expired: create a new one under Certificates & secrets"},
	{"AADSTS7000215", "the client secret is wrong: use its Value, not its Secret ID"},
	{"AADSTS700027", "the certificate is not that of the application: upload it under Certificates & secrets"},
	{"AADSTS700016", "the application is unknown in this tenant: check client_id and tenant"},
	{"AADSTS90002", "the tenant is unknown: check tenant"},
	{"AADSTS900023", "the tenant is not a domain or id: check tenant"},
	{"AADSTS65001", "nobody has consented: grant admin consent for IMAP.AccessAsApp under API permissions"},
	{"AADSTS70000", "the refresh token was revoked: sign in again with harvester auth"},
	{"AADSTS50173", "the password was changed: sign in again with harvester auth"},
	{"authorization_pending", "nobody entered the code in time"},
	{"expired_token", "nobody entered the code in time"},
	{"unauthorized_client", "give the client id the scope https://mail.google.com/ under Domain-wide delegation in the Admin console"},
	{"invalid_scope", "the provider does not give this scope to this kind of client"},
	{"invalid_client", "check client_id and client_secret"},
	{"invalid_grant", "revoked or expired: check the mailbox name and this machine's clock, or sign in again with harvester auth"},
}

// explain turns the error of a token endpoint into one that tells what to do.
func explain(where string, err error) error {
	if errors.Is(err, errNoRefresh) {
		return &endpointError{harvest.ErrAuth, err, "run harvester auth for it"}
	}
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		if where == "" {
			return err
		}
		return fmt.Errorf("asking %s for a token: %w", where, err)
	}
	status := 0
	if answer.Response != nil {
		status = answer.Response.StatusCode
	}
	said := strings.TrimSpace(answer.ErrorCode + " " + firstLine(answer.ErrorDescription))
	if said == "" {
		said = firstLine(string(answer.Body))
	}
	cause := fmt.Errorf("%s answered %d %s", where, status, said)
	if status >= 500 || status == 429 || status == 408 {
		return cause // passing
	}
	for _, a := range advice {
		if strings.Contains(said, a.text) {
			return &endpointError{harvest.ErrAuth, cause, a.do}
		}
	}
	return &endpointError{harvest.ErrAuth, cause, "check the OAuth2 settings of this mailbox"}
}

// endpointError is a refusal that an operator must mend.
type endpointError struct {
	kind, cause error
	hint        string
}

func (e *endpointError) Error() string   { return e.cause.Error() + " (" + e.hint + ")" }
func (e *endpointError) Unwrap() []error { return []error{e.kind, e.cause} }

func firstLine(s string) string {
	const most = 300
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(s[:min(len(s), most)])
}

func joined(scopes []string) string { return strings.Join(scopes, " ") }

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/oauth2"

	"harvester/harvest"
)

// renewBefore is how long before its end a token is renewed: a session ends
// with the token that opened it.
const renewBefore = 5 * time.Minute

// CachedTokens gets tokens by a grant and keeps the last in a file that only
// its owner can read, so that a restart needs no new one. The file is read at
// each use: another process may have renewed the token, or a user agreed anew.
// It implements [Tokens].
type CachedTokens struct {
	Grant Grant
	File  string // empty: memory only
	For   string // what the tokens are for; the file of other settings is passed over
	Where string // the token endpoint, for errors

	mu      sync.Mutex
	last    cached
	refused string // the access token that a server refused
	minted  bool   // the last token came from the provider just now

	expiry atomic.Int64 // of last, in ms since 1970; for who must not wait for a provider
}

// cached is what the file holds.
type cached struct {
	For string `json:"for,omitempty"`
	oauth2.Token
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
	access, expiry := t.last.AccessToken, t.last.Expiry
	if access == t.refused {
		access = ""
	}
	// A token without an end is good until it is refused.
	if access != "" && (expiry.IsZero() || time.Until(expiry) > renewBefore) {
		return access, nil
	}
	err := t.renew(ctx)
	if err != nil && !errors.Is(err, harvest.ErrAuth) && access != "" && t.last.Valid() {
		return access, nil // good for this visit; the endpoint may be back for the next
	}
	if err != nil {
		return "", err
	}
	return t.last.AccessToken, nil
}

// Expiry is when the token at hand ends: the zero time when there is none yet,
// or it has no end. It never waits.
func (t *CachedTokens) Expiry() time.Time {
	if ms := t.expiry.Load(); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}

func (t *CachedTokens) set(c cached) {
	t.last = c
	ms := int64(0)
	if !c.Expiry.IsZero() {
		ms = c.Expiry.UnixMilli()
	}
	t.expiry.Store(ms)
}

// Renew gets a new token whatever is cached.
func (t *CachedTokens) Renew(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(); err != nil {
		return nil, err
	}
	if err := t.renew(ctx); err != nil {
		return nil, err
	}
	fresh := t.last.Token
	return &fresh, nil
}

func (t *CachedTokens) renew(ctx context.Context) error {
	fresh, err := t.Grant(ctx, t.last.RefreshToken)
	if err != nil {
		return explain(t.Where, err)
	}
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = t.last.RefreshToken
	}
	t.minted = true
	return t.keep(fresh)
}

// Discard throws a token away. Another is worth trying unless the refused one
// was brand-new.
func (t *CachedTokens) Discard(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch token {
	case "": // none was to be had
		return false
	case t.last.AccessToken:
		t.refused = token
		return !t.minted
	}
	return true // somebody else had it renewed meanwhile
}

// Keep stores a token that a user agreed to.
func (t *CachedTokens) Keep(token *oauth2.Token) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keep(token)
}

func (t *CachedTokens) load() error {
	if t.File == "" {
		return nil
	}
	content, err := os.ReadFile(t.File)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the token cache: %w", err)
	}
	var found cached
	// Half a file holds nothing that can't be had anew.
	if json.Unmarshal(content, &found) == nil && found.For == t.For {
		t.set(found)
	}
	return nil
}

// keep replaces the file whole.
func (t *CachedTokens) keep(token *oauth2.Token) error {
	t.set(cached{t.For, *token})
	if t.File == "" {
		return nil
	}
	if err := t.write(); err != nil {
		return fmt.Errorf("writing the token cache: %w", err)
	}
	return nil
}

func (t *CachedTokens) write() error {
	content, err := json.Marshal(t.last)
	if err != nil {
		return err
	}
	dir := filepath.Dir(t.File)
	draft, err := os.CreateTemp(dir, ".token-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(content)
	if err := errors.Join(err, giveTo(draft, dir), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Rename(draft.Name(), t.File)
}

// giveTo makes a file that root wrote readable for the owner of the folder:
// the daemon, for which root signed in.
func giveTo(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

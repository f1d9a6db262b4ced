package auth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"harvester/harvest"
)

// Endpoint is where and for what an OAuth2 provider gives tokens.
type Endpoint struct {
	TokenURL  string
	DeviceURL string // RFC 8628; empty where there is none
	Scopes    []string
}

// Microsoft365 is the endpoint for an application with the permission
// IMAP.AccessAsApp. The tenant is a domain or an id
// (learn.microsoft.com/exchange/client-developer/legacy-protocols).
func Microsoft365(tenant string) Endpoint {
	e := microsoft(tenant)
	e.Scopes = []string{"https://outlook.office365.com/.default"}
	return e
}

// Microsoft365User is the endpoint for a user who signs in once by device
// code.
func Microsoft365User(tenant string) Endpoint {
	e := microsoft(tenant)
	e.Scopes = []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/POP.AccessAsUser.All", "offline_access"}
	return e
}

func microsoft(tenant string) Endpoint {
	base := "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/oauth2/v2.0/"
	return Endpoint{TokenURL: base + "token", DeviceURL: base + "devicecode"}
}

// Google is the endpoint for Gmail and Workspace
// (developers.google.com/gmail/imap/xoauth2-protocol).
func Google() Endpoint {
	return Endpoint{
		TokenURL: "https://oauth2.googleapis.com/token", DeviceURL: "https://oauth2.googleapis.com/device/code",
		Scopes: []string{"https://mail.google.com/"},
	}
}

// Grant gets a new token from the provider. The refresh token is what an
// earlier one brought; most grants need none.
type Grant func(ctx context.Context, refresh string) (*oauth2.Token, error)

// checkURL refuses to send secrets in the clear.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("token endpoint: %w", err)
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && !ip.IsLoopback() && u.Hostname() != "localhost" {
		return fmt.Errorf("token endpoint %q is not https: secrets would be sent in the clear", address)
	}
	return nil
}

// credentials asks for a token with what c holds, after checking where to.
func credentials(ctx context.Context, c clientcredentials.Config) (*oauth2.Token, error) {
	if err := checkURL(c.TokenURL); err != nil {
		return nil, err
	}
	c.AuthStyle = oauth2.AuthStyleInParams
	return c.Token(withClient(ctx))
}

// requestTimeout bounds one request to a token endpoint; the default HTTP
// client has no limit.
const requestTimeout = 15 * time.Second

func withClient(ctx context.Context) context.Context {
	return context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Timeout: requestTimeout})
}

// ClientSecret is the client credentials grant (RFC 6749 §4.4).
func ClientSecret(e Endpoint, clientID string, secret Secret) Grant {
	return func(ctx context.Context, _ string) (*oauth2.Token, error) {
		value, err := secret(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the client secret: %w", err)
		}
		return credentials(ctx, clientcredentials.Config{
			ClientID: clientID, ClientSecret: value, TokenURL: e.TokenURL, Scopes: e.Scopes,
		})
	}
}

// ClientCertificate is the client credentials grant of an application that
// proves itself by a certificate (RFC 7523 §2.2). The PEM text holds the
// certificate and its RSA key.
func ClientCertificate(e Endpoint, clientID string, certificate Secret) Grant {
	return func(ctx context.Context, _ string) (*oauth2.Token, error) {
		text, err := certificate(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		pair, err := tls.X509KeyPair([]byte(text), []byte(text))
		if err != nil {
			return nil, unusable("client certificate", err)
		}
		key, ok := pair.PrivateKey.(*rsa.PrivateKey)
		if !ok {
			return nil, unusable("client certificate", errors.New("its key is not RSA"))
		}
		thumbprint := sha256.Sum256(pair.Certificate[0])
		now := time.Now()
		assertion, err := sign(key, map[string]any{
			"alg": "RS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:]),
		}, map[string]any{
			"aud": e.TokenURL, "iss": clientID, "sub": clientID, "jti": rand.Text(),
			"nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		})
		if err != nil {
			return nil, err
		}
		return credentials(ctx, clientcredentials.Config{
			ClientID: clientID, TokenURL: e.TokenURL, Scopes: e.Scopes,
			EndpointParams: url.Values{
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
				"client_assertion":      {assertion},
			},
		})
	}
}

// ServiceAccount is Google's JWT grant (RFC 7523 §2.1) with domain-wide
// delegation: the account of the JSON key acts for the mailbox. The key names
// its own token endpoint.
func ServiceAccount(e Endpoint, jsonKey Secret, mailbox string) Grant {
	return func(ctx context.Context, _ string) (*oauth2.Token, error) {
		text, err := jsonKey(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the service account key: %w", err)
		}
		account, key, err := readServiceAccount(text)
		if err != nil {
			return nil, unusable("service account key", err)
		}
		now := time.Now()
		assertion, err := sign(key, map[string]any{"alg": "RS256", "typ": "JWT", "kid": account.KeyID}, map[string]any{
			"iss": account.Email, "sub": mailbox, "scope": strings.Join(e.Scopes, " "), "aud": account.TokenURL,
			"iat": now.Add(-10 * time.Second).Unix(), "exp": now.Add(50 * time.Minute).Unix(),
		})
		if err != nil {
			return nil, err
		}
		return credentials(ctx, clientcredentials.Config{
			TokenURL: account.TokenURL,
			EndpointParams: url.Values{
				"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion},
			},
		})
	}
}

type serviceAccount struct {
	Email    string `json:"client_email"`
	Key      string `json:"private_key"`
	KeyID    string `json:"private_key_id"`
	TokenURL string `json:"token_uri"`
}

// unusable is for a secret that was read and is no such thing: an operator has
// to mend it.
func unusable(what string, err error) error {
	return &endpointError{kind: harvest.ErrAuth, cause: fmt.Errorf("reading the %s: %w", what, err)}
}

func readServiceAccount(text string) (serviceAccount, *rsa.PrivateKey, error) {
	var account serviceAccount
	if err := json.Unmarshal([]byte(text), &account); err != nil {
		return account, nil, fmt.Errorf("it is not the JSON file that the console made: %w", err)
	}
	block, _ := pem.Decode([]byte(account.Key))
	if account.Email == "" || account.TokenURL == "" || block == nil {
		return account, nil, errors.New("client_email, private_key or token_uri is missing: create a key of type JSON in the console")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return account, nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return account, nil, errors.New("its key is not RSA")
	}
	return account, key, nil
}

// RefreshToken is the grant of RFC 6749 §6, for what a user agreed to once.
// The first refresh token comes from the cache that [DeviceLogin] filled, or
// from initial, which may be nil. Public clients have no secret.
func RefreshToken(e Endpoint, clientID string, secret, initial Secret) Grant {
	return func(ctx context.Context, refresh string) (*oauth2.Token, error) {
		if refresh == "" && initial != nil {
			var err error
			if refresh, err = initial(ctx); err != nil {
				return nil, fmt.Errorf("reading the refresh token: %w", err)
			}
		}
		if refresh == "" {
			return nil, errNoRefresh
		}
		c, err := userConfig(ctx, e, clientID, secret)
		if err != nil {
			return nil, err
		}
		return c.TokenSource(withClient(ctx), &oauth2.Token{RefreshToken: refresh}).Token()
	}
}

var errNoRefresh = errors.New("nobody has signed in for this mailbox yet")

func userConfig(ctx context.Context, e Endpoint, clientID string, secret Secret) (*oauth2.Config, error) {
	if err := checkURL(e.TokenURL); err != nil {
		return nil, err
	}
	c := &oauth2.Config{
		ClientID: clientID, Scopes: e.Scopes,
		Endpoint: oauth2.Endpoint{TokenURL: e.TokenURL, DeviceAuthURL: e.DeviceURL, AuthStyle: oauth2.AuthStyleInParams},
	}
	if secret != nil {
		value, err := secret(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the client secret: %w", err)
		}
		c.ClientSecret = value
	}
	return c, nil
}

// DeviceLogin lets a user agree on another device (RFC 8628). It calls show
// with the address to visit and the code to enter there, and waits until ctx
// ends or the user has agreed.
//
// QUIRK: Google's device flow doesn't grant the scope of Gmail to every kind
// of client; a service account does.
func DeviceLogin(ctx context.Context, e Endpoint, clientID string, secret Secret, show func(address, code string)) (*oauth2.Token, error) {
	if e.DeviceURL == "" {
		return nil, errors.New("the provider has no device endpoint: set device_url, or use a refresh token")
	}
	c, err := userConfig(ctx, e, clientID, secret)
	if err != nil {
		return nil, err
	}
	ctx = withClient(ctx)
	answer, err := c.DeviceAuth(ctx)
	if err != nil {
		return nil, explain(e.DeviceURL, err)
	}
	show(answer.VerificationURI, answer.UserCode)
	token, err := c.DeviceAccessToken(ctx, answer)
	if err != nil {
		return nil, explain(e.TokenURL, err)
	}
	return token, nil
}

// sign makes a JWT with RS256 (RFC 7519, RFC 7518 §3.3).
func sign(key *rsa.PrivateKey, header, claims map[string]any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing the assertion: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

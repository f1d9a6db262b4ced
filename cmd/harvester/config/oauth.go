package config

import (
	"fmt"
	"harvester/parse/toml"
	"net/url"
)

// OAuth says how a mailbox is signed in to without a password.
type OAuth struct {
	Provider       Provider `toml:"provider"`
	Grant          Grant    `toml:"grant"`
	Tenant         string   `toml:"tenant"` // of Microsoft: a domain or an id
	ClientID       string   `toml:"client_id"`
	ClientSecret   Secret   `toml:"client_secret"`
	Certificate    Secret   `toml:"certificate"`     // PEM, with its key
	ServiceAccount Secret   `toml:"service_account"` // the JSON key file of Google
	RefreshToken   Secret   `toml:"refresh_token"`
	TokenURL       string   `toml:"token_url"`
	DeviceURL      string   `toml:"device_url"`
	Scopes         []string `toml:"scopes"`
}

// Provider says whose tokens a mailbox wants.
type Provider string

// The providers. Other is any with endpoints of RFC 6749.
const (
	Microsoft Provider = "microsoft"
	Google    Provider = "google"
	Other     Provider = "other"
)

// UnmarshalText reads microsoft, google or other; nothing is for the check of
// the table to complain about.
func (p *Provider) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return oneOf(p, b, "a provider", Microsoft, Google, Other)
}

// Grant says who signs in.
type Grant string

// The grants: the program itself (RFC 6749 §4.4, RFC 7523), or a user who
// agreed once (RFC 8628, RFC 6749 §6).
const (
	Application Grant = "application"
	User        Grant = "user"
)

// UnmarshalText reads application or user.
func (g *Grant) UnmarshalText(b []byte) error {
	return oneOf(g, b, "a grant", Application, User)
}

// check finds what is missing in the table of the mailbox at path, and what has
// no effect there.
func (o *OAuth) check(d *toml.Document, path string) {
	path += ".oauth"
	need := func(key string, have bool, hint string) {
		if !have && !d.Failed(path+"."+key) {
			d.Fault(path+"."+key, "missing", hint)
		}
	}
	useless := func(why string, keys ...string) {
		for _, key := range keys {
			if d.Given(path + "." + key) {
				d.Fault(path+"."+key, "has no effect "+why, "leave it out")
			}
		}
	}
	if o.Provider == "" || o.Grant == "" { // neither is known: nothing else can be said
		need("provider", o.Provider != "", `write provider = "microsoft", "google" or "other"`)
		return
	}
	of := fmt.Sprintf("for the provider %s and the grant %s", o.Provider, o.Grant)
	byKey := o.Provider == Google && o.Grant == Application
	if byKey {
		need("service_account", !o.ServiceAccount.IsZero(), "the JSON key file of the Google Cloud console, written like a password")
		useless(of, "client_id", "client_secret", "certificate", "token_url")
	} else {
		need("client_id", o.ClientID != "", "the Application (client) ID in the provider's console")
		useless(of, "service_account")
	}
	switch {
	case o.Grant == User:
		useless(of, "certificate")
		if o.Provider == Google {
			need("client_secret", !o.ClientSecret.IsZero(), "Google gives one to every client, written like a password")
		}
	case !byKey:
		need("client_secret", !o.ClientSecret.IsZero() || !o.Certificate.IsZero(), "or a certificate; both are written like a password")
		if !o.ClientSecret.IsZero() && !o.Certificate.IsZero() {
			d.Fault(path+".certificate", "client_secret and certificate exclude each other", "leave one of them out")
		}
	}
	if o.Grant == Application {
		useless(of, "refresh_token", "device_url")
	}
	switch o.Provider {
	case Microsoft:
		need("tenant", o.Tenant != "", "the Directory (tenant) ID, or a domain such as example.onmicrosoft.com")
	case Other:
		need("token_url", o.TokenURL != "", "where the provider gives tokens")
		if o.Grant == User {
			need("device_url", o.DeviceURL != "" || !o.RefreshToken.IsZero(), "where the provider gives device codes; or a refresh_token")
		}
		useless(of, "tenant")
	case Google:
		useless(of, "tenant")
	}
	o.checkURLs(d, path)
}

func (o *OAuth) checkURLs(d *toml.Document, path string) {
	for key, text := range map[string]string{"token_url": o.TokenURL, "device_url": o.DeviceURL} {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "":
			d.Fault(path+"."+key, fmt.Sprintf("%q is not a URL", text), "write https://login.example.org/token")
		case u.Scheme != "https" && !loopback(u.Hostname()):
			d.Fault(path+"."+key, fmt.Sprintf("%q is not https, and secrets would cross the network in the clear", text), "")
		}
	}
}

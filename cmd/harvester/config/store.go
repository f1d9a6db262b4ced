package config

import (
	"context"
	"fmt"
	"net/url"

	"harvester/parse/toml"
	"harvester/store/engine"
)

// Store is the database: a file, or one of a PostgreSQL server.
type Store struct {
	Path     string `toml:"path"`
	URL      string `toml:"url"`      // of PostgreSQL; "": the file
	Password Secret `toml:"password"` // for the URL

	Worker       string `toml:"worker"`        // name of this worker among those of the database; "": the hostname
	LeaseSeconds int    `toml:"lease_seconds"` // how long a worker is waited for that is not heard
}

// Place is where the database is, as store.Open takes it: with the password,
// and not to be shown.
func (s Store) Place(ctx context.Context) (string, error) {
	switch {
	case s.URL == "":
		return s.Path, nil
	case s.Password.IsZero():
		return s.URL, nil
	}
	password, err := s.Password.Resolve(ctx)
	if err != nil {
		return "", fmt.Errorf("store.password: %w", err)
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return "", engine.CheckURL(s.URL)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

func (c *Config) checkStore(d *toml.Document) {
	if c.Store.Path == "" && !d.Failed("store.path") {
		d.Fault("store.path", "empty", "")
	}
	if n := c.Store.LeaseSeconds; n < 1 || n > 60 {
		d.Fault("store.lease_seconds", "it must be from 1 to 60", "20 suits nearly all")
	}
	if c.Store.URL == "" {
		if c.Store.Worker != "" {
			d.Fault("store.worker", "there is no url that workers could share", "a file has one")
		}
		if !c.Store.Password.IsZero() {
			d.Fault("store.password", "there is no url that it is for", "a file has none")
		}
		return
	}
	if err := engine.CheckURL(c.Store.URL); err != nil {
		d.Fault("store.url", err.Error(), "")
		return
	}
	u, err := url.Parse(c.Store.URL)
	if err != nil {
		return // CheckURL has said so
	}
	if _, written := u.User.Password(); written || u.Query().Has("password") {
		d.Fault("store.url", "a password stands in it", `take it out, and write password = "credential:NAME"`)
	}
	if u.User.Username() == "" && u.Query().Get("user") == "" && !c.Store.Password.IsZero() {
		d.Fault("store.url", "it names no user that the password is for", "postgres://user@host/database")
	}
}

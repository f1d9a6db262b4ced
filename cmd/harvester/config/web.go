package config

import (
	"context"
	"fmt"
	"net"
	"strings"

	"harvester/parse/count"
	"harvester/parse/toml"
)

// Web says what the daemon serves over HTTP. No Listen switches it off.
type Web struct {
	Listen  Listen   `toml:"listen"`
	Token   Secret   `toml:"token"`
	Hosts   []string `toml:"hosts"`
	Actions bool     `toml:"actions"`
}

// ChecksHost tells whether a client has to name this server rightly: where it
// listens for this machine alone, which is where a token may be, a browser is
// the way in from outside. What others reach by name shows no address.
func (w *Web) ChecksHost() bool {
	return len(w.Hosts) > 0 || w.Listen.Local() && !strings.HasPrefix(string(w.Listen), "unix:")
}

// Names are the names under which this server may be asked, in lower case:
// those configured, that in Listen, and the host's own.
func (w *Web) Names(hostname string) []string {
	names := []string{strings.ToLower(hostname)}
	if host, _, err := net.SplitHostPort(string(w.Listen)); err == nil && host != "" {
		names = append(names, strings.ToLower(host))
	}
	for _, h := range w.Hosts {
		names = append(names, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return names
}

// leastToken is how many bytes a token has at least: nobody guesses as many.
const leastToken = 16

// Secret looks the token up, and refuses one that can be guessed.
func (w *Web) Secret(ctx context.Context) (string, error) {
	token, err := w.Token.Resolve(ctx)
	if err == nil && len(token) < leastToken {
		err = fmt.Errorf("%w: the token has %s: take at least %d, such as those of \"openssl rand -hex 32\"", ErrSecret, count.Of(len(token), "character"), leastToken)
	}
	return token, err
}

// Listen is where the daemon serves HTTP: host:port, or unix:PATH; "" is
// nowhere.
type Listen string

// UnmarshalText reads host:port or unix:PATH with an absolute path.
func (l *Listen) UnmarshalText(b []byte) error {
	if path, unix := strings.CutPrefix(string(b), "unix:"); unix {
		if !strings.HasPrefix(path, "/") {
			return fmt.Errorf("%q is no absolute path: write unix:/run/harvester/web.sock", b)
		}
	} else if len(b) > 0 {
		if err := new(Server).UnmarshalText(b); err != nil {
			return fmt.Errorf("%q is neither host:port nor unix:PATH: write 127.0.0.1:9717", b)
		}
	}
	*l = Listen(b)
	return nil
}

// Local tells that only this machine can reach it.
func (l Listen) Local() bool { return strings.HasPrefix(string(l), "unix:") || Server(l).Loopback() }

func (c *Config) checkWeb(d *toml.Document) {
	w := &c.Web
	for i, h := range w.Hosts {
		if h == "" || strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			d.Fault(fmt.Sprintf("web.hosts[%d]", i), fmt.Sprintf("%q is no host name", h), `write the bare name that clients ask for: hosts = ["watch.example.org"]`)
		}
	}
	switch {
	case w.Listen == "" && (!w.Token.IsZero() || w.Actions):
		d.Fault("web", "nothing is served without an address", `write listen = "127.0.0.1:9717"`)
	case w.Listen != "" && !w.Token.IsZero() && !w.Listen.Local():
		d.Fault("web.listen", "other machines can reach it, and the token would cross the network in the clear",
			`listen on "127.0.0.1:9717" and put a proxy with TLS in front`)
	case w.Actions && w.Token.IsZero():
		d.Fault("web.actions", "the page acts for nobody without a token", `write token = "credential:web"`)
	}
}

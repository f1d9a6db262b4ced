package config

import "harvester/parse/toml"

// MTA says where mail servers ask about recipients. No Listen switches it off.
type MTA struct {
	Listen Listen `toml:"listen"`
	Stream string `toml:"stream"` // only what holds for this stream; empty: for any mail
}

func (c *Config) checkMTA(d *toml.Document) {
	m := &c.MTA
	switch {
	case m.Listen != "" && !m.Listen.Local():
		d.Fault("mta.listen", "other machines can reach it, and would learn who is on the list",
			`listen on "127.0.0.1:9718" or "unix:/run/harvester/mta.sock"`)
	case m.Listen != "" && m.Listen == c.Web.Listen:
		d.Fault("mta.listen", "web.listen is the same", "")
	}
}

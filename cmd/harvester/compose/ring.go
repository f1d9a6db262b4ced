package compose

import (
	"context"
	"log/slog"
	"net"

	"harvester/cmd/harvester/config"
	"harvester/parse/dkim"
	"harvester/schedule/keyring"
	"harvester/store"
)

// ring has the keys of our own DKIM signatures: those of the configuration,
// and what DNS has or had, where it may be asked.
func ring(ctx context.Context, c *config.Config, db *store.DB, log *slog.Logger) (*keyring.Ring, error) {
	keys, err := c.PublicKeys()
	if err != nil {
		return nil, err
	}
	fixed := map[keyring.Name][]dkim.Key{}
	for _, k := range keys {
		n := keyring.Name{Domain: k.Domain, Selector: k.Selector}
		fixed[n] = append(fixed[n], k.Key)
	}
	var dns keyring.Resolver
	if c.DKIM.DNS {
		dns = net.DefaultResolver
	}
	return keyring.New(ctx, fixed, dns, db.Keys, db.Now, log)
}
